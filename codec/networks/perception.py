"""The distortion of pictures as they are seen, for training and for choosing symbols.

A sum of the errors of SSIMULACRA 2, of 1 − MS-SSIM and of the squared error. Two metrics of different construction hold
each other back from what only one of them likes; the squared error keeps flat colours.
"""

from torch import Tensor

from aez.codec.networks.ms_ssim import ms_ssim
from aez.codec.networks.ssimulacra2 import ssimulacra2_error
from aez.codec.picture.ms_ssim import SMALLEST_SIDE
from aez.codec.picture.perception import MS_SSIM_SHARE, MSE_SHARE, SSIMULACRA2_SHARE
from aez.codec.picture.ssimulacra2 import SMALLEST_SIDE as SMALLEST_SCALE


def perceptual_distortion(x: Tensor, y: Tensor) -> Tensor:
    """Compute the distortion of each pair of pictures; it is about as large as the mean squared error.

    A picture that is too small for MS-SSIM counts SSIMULACRA 2 twice, which is about as much; one that is too small for
    that has its squared error only.

    Args:
        x: originals, (N, 3, H, W), samples / 255 − 1/2.
        y: decoded, the same shape; not clipped.

    Returns:
        (N,); differentiable.
    """
    square = (y - x).square().mean((1, 2, 3))
    side = min(x.shape[2:])
    if side < SMALLEST_SCALE:
        return square
    original, decoded = (x + 0.5) * 255, (y + 0.5) * 255
    seen = SSIMULACRA2_SHARE * ssimulacra2_error(original, decoded.clamp(0, 255))
    similar = seen if side < SMALLEST_SIDE else MS_SSIM_SHARE * (1 - ms_ssim(original, decoded))
    return seen + similar + MSE_SHARE * square
