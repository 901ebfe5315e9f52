"""The interface of an adapter: one codec with all settings fixed except its quality."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from aez.bitstream.errors import AezError


class UnavailableError(AezError):
    """A codec or metric that is not installed; the text says how to install it."""


@dataclass(frozen=True)
class Scale:
    """The qualities of a codec: every number from ``low`` to ``high``, or every integer."""

    low: float
    high: float
    integer: bool = True


class Adapter(ABC):
    """A codec.

    Attributes:
        name: unique in a report.
        version: version of the codec and of the library that calls it; part of the key of results.
        qualities: qualities of its default curve, in the order of its scale.
        scale: qualities to search for a file size; None if only ``qualities`` are known to be valid.
        rated: False if decoded pictures are meaningless (random weights), so that only times count.
        note: a line for the report; may be empty.
    """

    name: str
    version: str
    qualities: tuple[float, ...]
    scale: Scale | None = None
    rated: bool = True
    note: str = ""

    @abstractmethod
    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode a picture of mode RGB to the bytes of a file."""

    @abstractmethod
    def decode(self, data: bytes) -> Image.Image:
        """Decode the bytes to a picture of mode RGB, pixels included."""


def take_options(given: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults, overridden by the options given.

    Raises:
        AezError: an option is not known.
    """
    for key in given:
        if key not in known:
            raise AezError(f"unknown option {key!r}; there is {', '.join(known) or 'none'}")
    return {**known, **given}


def whole(options: Mapping[str, str], key: str, low: int, high: int) -> int:
    """Return an option as an integer.

    Raises:
        AezError: it is none, or out of range.
    """
    try:
        value = int(options[key])
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise AezError(f"option {key} must be an integer from {low} to {high}, not {options[key]!r}")
    return value


def one_of(options: Mapping[str, str], key: str, known: Sequence[str]) -> str:
    """Return an option that is one of several words.

    Raises:
        AezError: it is none of them.
    """
    if options[key] not in known:
        raise AezError(f"option {key} must be one of {', '.join(known)}, not {options[key]!r}")
    return options[key]


def subsampling(options: Mapping[str, str]) -> str:
    """Return the option ``subsampling`` in Pillow's notation.

    Raises:
        AezError: it is none of 420, 422 and 444.
    """
    known = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}
    return known[one_of(options, "subsampling", tuple(known))]
