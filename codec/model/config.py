"""The sizes of a model."""

import math
from dataclasses import asdict, dataclass, fields

from aez.bitstream.errors import ModelError
from aez.bitstream.sizes import ceil_div

_MAX_WIDTH = 4096
_MAX_DEPTH = 64


@dataclass(frozen=True)
class NetworkConfig:
    """Channels and depths; the defaults are the flagship's.

    Attributes:
        latent: M, channels of y at 1/16 of the picture; at most 768, the rows of the 16×16 colour DCT.
        hyper: Z, channels of z at 1/64.
        analysis: width of the analysis at 1/8, and ``analysis_depth`` its blocks.
        synthesis16: width of the synthesis at 1/16, and ``synthesis16_depth`` its blocks.
        synthesis8: the same at 1/8.
        synthesis4: the same at 1/4.
        context: width of the mean context at 1/16.
        scale: hidden width of the scale network.
        points: quality points, between which gains are interpolated.
    """

    latent: int = 320
    hyper: int = 96
    analysis: int = 128
    analysis_depth: int = 3
    synthesis16: int = 192
    synthesis16_depth: int = 1
    synthesis8: int = 96
    synthesis8_depth: int = 2
    synthesis4: int = 40
    synthesis4_depth: int = 1
    context: int = 192
    scale: int = 160
    points: int = 16

    def __post_init__(self) -> None:
        """Refuse sizes that a weights file from a stranger could use to take memory."""
        for name, value in asdict(self).items():
            if not isinstance(value, int) or isinstance(value, bool):
                raise ModelError(f"the model's {name} is not a whole number")
            low, high = (0, _MAX_DEPTH) if name.endswith("_depth") else (1, _MAX_WIDTH)
            if not low <= value <= high:
                raise ModelError(f"the model's {name} of {value} is out of range")
        if self.latent > 768 or not 2 <= self.points <= 256:
            raise ModelError("the model has too many latent channels, or too few or too many quality points")

    @property
    def analysis_halo(self) -> int:
        """Latents that the analysis sees around a window."""
        return ceil_div(self.analysis_depth, 2)

    @property
    def synthesis_halo(self) -> int:
        """Latents that the synthesis sees around a window."""
        return math.ceil(self.synthesis16_depth + self.synthesis8_depth / 2 + self.synthesis4_depth / 4)

    @classmethod
    def from_dict(cls, values: object) -> "NetworkConfig":
        """From parsed JSON; unknown keys and wrong types raise ModelError."""
        if not isinstance(values, dict) or not set(values) <= {field.name for field in fields(cls)}:
            raise ModelError("the model's configuration has unknown fields")
        return cls(**values)
