"""The sizes of the networks of a model."""

import math
from dataclasses import asdict, dataclass, fields

from aez.bitstream.errors import ModelError
from aez.bitstream.sizes import ceil_div
from aez.codec.model.quality import LAMBDA_HIGH, LAMBDA_LOW

_MAX_WIDTH = 4096
MAX_DEPTH = 64
_LARGEST_LAMBDA = 1000.0


@dataclass(frozen=True)
class NetworkConfig:
    """Channels and depths of the networks; the defaults are those of the flagship model.

    Attributes:
        latent: M, channels of y, at 1/16 of the picture's resolution; at most 768, the rows of the 16×16 colour DCT.
        hyper: Z, channels of z, at 1/64.
        analysis: width of the analysis at 1/8.
        analysis_depth: blocks of the analysis.
        synthesis16: width of the synthesis at 1/16.
        synthesis16_depth: blocks of the synthesis at 1/16.
        synthesis8: width of the synthesis at 1/8.
        synthesis8_depth: blocks of the synthesis at 1/8.
        synthesis4: width of the synthesis at 1/4.
        synthesis4_depth: blocks of the synthesis at 1/4.
        context: width of the mean context at 1/16.
        scale: hidden width of the scale network.
        points: number of quality points, between which gains are interpolated.
        lambda_high: λ of the last quality point; see :class:`aez.codec.model.quality.QualityScale`.
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
    lambda_high: float = LAMBDA_HIGH

    def __post_init__(self) -> None:
        """Check the sizes, so that an untrusted weights file cannot exhaust the memory.

        Raises:
            ModelError: a size is not an integer or is out of range.
        """
        sizes = asdict(self)
        high = sizes.pop("lambda_high")
        if not isinstance(high, int | float) or not LAMBDA_LOW < high <= _LARGEST_LAMBDA:
            raise ModelError("the model's lambda_high is out of range")
        for name, value in sizes.items():
            if not isinstance(value, int) or isinstance(value, bool):
                raise ModelError(f"the model's {name} is not a whole number")
            low, high = (0, MAX_DEPTH) if name.endswith("_depth") else (1, _MAX_WIDTH)
            if not low <= value <= high:
                raise ModelError(f"the model's {name} of {value} is out of range")
        if self.latent > 768 or not 2 <= self.points <= 256:
            raise ModelError("the model has too many latent channels, or too few or too many quality points")

    @property
    def analysis_halo(self) -> int:
        """Halo of the analysis around a window, in latents."""
        return ceil_div(self.analysis_depth, 2)

    @property
    def synthesis_halo(self) -> int:
        """Halo of the synthesis around a window, in latents."""
        return math.ceil(self.synthesis16_depth + self.synthesis8_depth / 2 + self.synthesis4_depth / 4)

    @classmethod
    def from_dict(cls, values: object) -> "NetworkConfig":
        """Build a configuration from parsed JSON.

        Raises:
            ModelError: a key is unknown, or a value has the wrong type or is out of range.
        """
        if not isinstance(values, dict) or not set(values) <= {field.name for field in fields(cls)}:
            raise ModelError("the model's configuration has unknown fields")
        return cls(**values)
