"""What `--effort` means: how an encoder spends time on the picture at hand. Decoding is the same for all."""

from dataclasses import dataclass, replace

from torch import Tensor

from aez.codec.networks import HyperpriorModel
from aez.codec.networks.quality import lambda_of


@dataclass(frozen=True)
class Effort:
    """How symbols are chosen.

    Attributes:
        strength: of rate–distortion-optimised quantisation, 0 for plain rounding.
        passes: corrections of the latents by what the decoder will make of them.
        step: share of each correction that is made.
        foresight: whether a correction also sees what symbols do to the means of those coded after them.
        descents: steps along the true gradient of the distortion after those corrections.
        hyper_steps: of gradient descent on the hyper-latents.
        fits: whether the picture filter is found even without corrections, which find it on their way.
    """

    strength: float
    passes: int = 0
    step: float = 0.8
    foresight: bool = False
    descents: int = 0
    hyper_steps: int = 0
    fits: bool = False

    def for_graphics(self) -> "Effort":
        """The same for pictures of hard edges and flat areas: one correction more, symbols rounded.

        Their error is so large at first that what symbols cost and cause later must not hold a correction back: on text
        and on checks the cost in bits and distortion is 2 to 8 % less so.
        """
        return replace(self, strength=0.0, passes=self.passes + 1, step=Effort.step, foresight=False)


EFFORTS = (
    Effort(0.0),
    Effort(0.4),
    Effort(0.7, 1, 0.7, foresight=True),
    Effort(0.9, 2, 0.7, foresight=True),
    Effort(0.9, 3, 0.7, foresight=True),
    Effort(0.9, 4, 0.7, foresight=True),
    Effort(0.9, 6, 0.6, foresight=True),
    Effort(0.9, 8, 0.5, foresight=True),
    Effort(0.9, 4, 0.7, foresight=True, descents=5),
    Effort(0.9, 4, 0.7, foresight=True, descents=12, hyper_steps=100),
)
DEFAULT_EFFORT = 2
_BY_SIMILARITY = (*EFFORTS[:2], Effort(0.4, fits=True))
"""For a model trained for MS-SSIM: the last one decodes once, to find the picture filter, and corrects nothing."""


def effort_of(level: int, distortion: str = "mse") -> Effort:
    """What a level of `--effort` means for a model that was trained for ``distortion``.

    Corrections lessen the squared error: they make a model for MS-SSIM 6 % worse by its own measure, so it has none,
    and its efforts from 2 on are all alike.

    Args:
        level: 0 … 9.
        distortion: ``mse`` or ``ms-ssim``, see :attr:`aez.codec.model.weightfile.Weights.distortion`.

    Raises:
        ValueError: the level is out of range.
    """
    if not 0 <= level < len(EFFORTS):
        raise ValueError(f"effort must be from 0 to {len(EFFORTS) - 1}, not {level}")
    return EFFORTS[level] if distortion == "mse" else _BY_SIMILARITY[min(level, len(_BY_SIMILARITY) - 1)]


def curvature(model: HyperpriorModel, position: Tensor, channels: int) -> Tensor:
    """Bits that a squared unit of ŷ is worth as distortion, a value a channel of the latent: (N, M) float32.

    λ·255² times the squared error that a unit in one latent makes through the linear path of the synthesis, which is
    nearly all of it.

    Args:
        model: the float networks.
        position: quality points, (N,).
        channels: samples a pixel that count, 3, or 1 for a grey picture.
    """
    gain = (model.decoder_gain(position) - model.encoder_gain(position)).exp().flatten(1)
    basis = model.synthesis.linear.weight.flatten(1).reshape(3, -1, gain.shape[1])
    energy = basis.square().sum((0, 1)) / 3 if channels == 3 else basis.mean(0).square().sum(0)
    out: Tensor = lambda_of(position, model.config.points)[:, None] * energy * gain.square()
    return out
