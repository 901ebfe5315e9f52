"""The exceptions of aez.

Every error that data, a file or a weights file can cause is an :class:`AezError`, so a caller needs to catch one class
only. Wrong use of the library (a wrong type, a quality of 200) is a ``ValueError`` or ``TypeError``.
"""

NEWER = "a newer version of aez may know it"
"""What errors say of the room for later features (docs/pages/compatibility.md)."""


class AezError(Exception):
    """Any fault of a file, a picture or a model; its text is one line for a person to read."""


class FormatError(AezError):
    """The data are not a valid `.aez` file."""


class TruncatedError(FormatError):
    """The data end before the file does."""


class ChecksumError(FormatError):
    """A chunk's CRC-32 does not match its contents."""


class LimitError(AezError):
    """The file or the picture is larger than the caller allows."""


class ModelError(AezError):
    """A model is unknown, unreadable or breaks the bounds that exact decoding needs."""


class ImageError(AezError):
    """A picture cannot be read, or is of a kind that cannot be coded."""
