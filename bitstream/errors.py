"""The one error tree of aez.

Every error that data, a file or a weights file can cause is an :class:`AezError`, so a caller needs to catch one
class only. A misuse of the library by its caller (a wrong type, a quality of 200) is a ``ValueError`` or ``TypeError``.
"""


class AezError(Exception):
    """Anything that is wrong with a file, a picture or a model; its text is one line meant for a person."""


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
