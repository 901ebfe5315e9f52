"""Published methods to compare restored pictures with."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.codecs.base import UnavailableError
from aez.benchmarks.pictures import Samples

# For noise up to the first number: patch size, distance of patches, strength as a share of σ. The best of a search on
# photographs that are not the test's.
_NON_LOCAL = ((20.0, 5, 10, 0.6), (35.0, 5, 10, 0.5), (255.0, 7, 10, 0.3))


def non_local_means(samples: Samples, sigma: float) -> Samples:
    """Denoise by non-local means (Buades et al., CVPR 2005; scikit-image), σ given, (H, W, 3) uint8."""
    try:
        from skimage.restoration import denoise_nl_means
    except ImportError:
        raise UnavailableError("non-local means need scikit-image (pip install scikit-image)") from None
    patch, distance, strength = next(row[1:] for row in _NON_LOCAL if sigma <= row[0])
    level = sigma / 255
    options = {"patch_size": patch, "patch_distance": distance, "fast_mode": True, "channel_axis": 2}
    return to_levels(denoise_nl_means(samples / 255, h=strength * level, sigma=level, **options))


def bm3d(samples: Samples, sigma: float) -> Samples:
    """Denoise by colour BM3D (Dabov et al., ICIP 2007; Mäkinen et al., IEEE TIP 2020), (H, W, 3) uint8.

    Its licence is for non-commercial use only, so no extra of this package installs it.
    """
    try:
        from bm3d import bm3d_rgb
    except ImportError:
        raise UnavailableError("BM3D needs the package bm3d (pip install bm3d)") from None
    return to_levels(bm3d_rgb(samples / 255, sigma / 255))


def biharmonic(samples: Samples, missing: NDArray[np.bool_]) -> Samples:
    """Inpaint biharmonically (Damelin & Hoang, 2018; scikit-image), (H, W, 3) uint8 and (H, W)."""
    try:
        from skimage.restoration import inpaint_biharmonic
    except ImportError:
        raise UnavailableError("biharmonic inpainting needs scikit-image (pip install scikit-image)") from None
    return to_levels(inpaint_biharmonic(samples / 255, missing, channel_axis=2))


def resized(samples: Samples, width: int, height: int, kind: Image.Resampling = Image.Resampling.BICUBIC) -> Samples:
    """Resize with Pillow."""
    return np.asarray(Image.fromarray(samples).resize((width, height), kind))


def to_levels(samples: NDArray[np.float64]) -> Samples:
    """Convert samples in [0, 1] to 8 bits."""
    return np.asarray((np.asarray(samples) * 255).round().clip(0, 255).astype(np.uint8))
