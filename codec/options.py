"""The options of encoding and decoding: every default, every check and the documentation of each, once.

Functions that encode or decode take options as keyword arguments and hand them on as one object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypedDict

from aez.bitstream.header import DEPTHS, MAX_TILE_LOG2, MIN_TILE_LOG2
from aez.bitstream.limits import Limits
from aez.codec.decoding.regions import Region, reduction_of
from aez.codec.encoding.effort import check_effort, check_whole
from aez.codec.encoding.target import Target
from aez.codec.model.quality import QUALITY_MAX, check_quality

if TYPE_CHECKING:
    from typing_extensions import Unpack


CONTENTS = ("auto", "photo", "graphics")
"""Kinds of pictures that a caller can name."""


class EncodeSettings(TypedDict, total=False):
    """The fields of :class:`EncodeOptions` except the quality, as keyword arguments."""

    target: Target | None
    effort: int
    alpha_quality: float
    preview: bool
    tile_log2: int | None
    content: str
    lossless: bool
    depth: int | None


class DecodeSettings(TypedDict, total=False):
    """The fields of :class:`DecodeOptions` as keyword arguments."""

    region: Region | None
    scale: float | Fraction
    limits: Limits | None


@dataclass(frozen=True)
class EncodeOptions:
    """Options of encoding a picture.

    Attributes:
        quality: 1 … 100, any real number.
        target: a size, bits per pixel, PSNR or score to reach by a search over the quality, in place of ``quality``.
        effort: 0 (fastest) to 9 (smallest file): time spent on choosing symbols. Decoding takes the same time for all.
        alpha_quality: 1 … 100, the quality of alpha alone; 100 is lossless, below it the smallest lossy form is taken.
        preview: store a small picture, of at most 256 pixels a side, at the start of the file.
        tile_log2: side of the tiles in latents (16 pixels each) as a power of two, 4 … 12; 0 for one tile; None to let
            the encoder choose.
        content: one of ``CONTENTS``: lay a layer without loss over graphics where it takes fewer bits (``auto``), never
            (``photo``), or over the whole picture, near-equal colours merged (``graphics``).
        lossless: keep every sample, alpha and the colours of transparent pixels too; quality and effort choose nothing
            else then.
        depth: bits per sample of the decoded picture, 8, 10, 12 or 16; None for those of the input.

    Raises:
        ValueError: a value is out of range.
        TypeError: a value is of the wrong type.
    """

    quality: float = 70.0
    target: Target | None = None
    effort: int = 2
    alpha_quality: float = float(QUALITY_MAX)
    preview: bool = False
    tile_log2: int | None = None
    content: str = "auto"
    lossless: bool = False
    depth: int | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        _check_number(self.quality, "quality")
        _check_number(self.alpha_quality, "alpha quality")
        check_quality(self.quality)
        check_quality(self.alpha_quality, "alpha quality")
        check_effort(self.effort)
        if self.content not in CONTENTS:
            raise ValueError(f"content must be one of {', '.join(CONTENTS)}, not {self.content!r}")
        if self.lossless and (self.target is not None or self.alpha_quality < QUALITY_MAX or self.content == "photo"):
            raise ValueError("lossless excludes a target, an alpha quality below 100 and content 'photo'")
        if self.target is not None and not isinstance(self.target, Target):
            raise TypeError(f"target must be a Target, not {type(self.target).__name__}")
        if self.tile_log2 is not None:
            check_whole(self.tile_log2, "tile_log2")
        if self.tile_log2 not in (None, 0, *range(MIN_TILE_LOG2, MAX_TILE_LOG2 + 1)):
            raise ValueError(f"tile_log2 must be 0, from 4 to 12, or None, not {self.tile_log2}")
        if self.depth is not None:
            check_whole(self.depth, "depth")
        if self.depth not in (None, *DEPTHS):
            raise ValueError(f"depth must be 8, 10, 12, 16 or None, not {self.depth}")

    @classmethod
    def of(cls, quality: float | None = None, **settings: Unpack[EncodeSettings]) -> EncodeOptions:
        """Make options of the arguments of a call; what is not given has its default.

        Raises:
            ValueError, TypeError: a value is out of range or of the wrong type, or there is no such option.
        """
        _check_names(settings, cls)
        if quality is not None and settings.get("lossless"):
            raise ValueError("lossless takes the place of a quality")
        return cls(**settings) if quality is None else cls(quality, **settings)


@dataclass(frozen=True)
class DecodeOptions:
    """Which part of a picture is decoded, and what a file may ask for.

    Attributes:
        region: column, row, width and height of the part to decode, in pixels of the whole picture at scale 1; None
            for all of it. Only the tiles that the region needs are read and decoded.
        scale: 1, 1/2, 1/4, 1/8 or 1/16. Each pixel is the average of a square of pixels. 1/8 and 1/16 are fast and
            leave out most of the synthesis network.
        limits: the most that a file may ask for; None for the defaults of :class:`aez.bitstream.Limits`.

    Raises:
        ValueError: the scale is another, or a region is not four numbers.
        TypeError: a number of the region is not whole.
    """

    region: Region | None = None
    scale: float | Fraction = 1
    limits: Limits | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        reduction_of(self.scale)
        if self.region is None:
            return
        if not hasattr(self.region, "__len__") or not all(hasattr(number, "__index__") for number in self.region):
            raise TypeError(f"a region is four whole numbers, not {self.region!r}")
        if len(self.region) != 4:
            raise ValueError(f"a region is column, row, width and height, not {tuple(self.region)}")

    @classmethod
    def of(cls, **settings: Unpack[DecodeSettings]) -> DecodeOptions:
        """Make options of the arguments of a call; what is not given has its default.

        Raises:
            ValueError, TypeError: a value is out of range or of the wrong type, or there is no such option.
        """
        _check_names(settings, cls)
        return cls(**settings)

    @property
    def reduction(self) -> int:
        """The divisor of the picture's sides: 1, 2, 4, 8 or 16."""
        return reduction_of(self.scale)


def _check_names(settings: Mapping[str, object], options: type[Any]) -> None:
    """Refuse arguments that are no options of a class."""
    for name in settings:
        if name not in option_names(options):
            raise TypeError(f"there is no option {name!r}; there is {', '.join(sorted(option_names(options)))}")


def option_names(options: type[Any]) -> frozenset[str]:
    """Return the names of the options of a class."""
    return frozenset(one.name for one in fields(options))


def _check_number(value: float, name: str) -> None:
    if not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number, not {value!r}")
