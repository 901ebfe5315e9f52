"""The files that `aez view` shows: what each is, checked before the server starts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aez.bitstream import Limits, is_aez
from aez.bitstream.errors import AezError
from aez.cli.shared import storage

AEZ_TYPE = "image/x-aez"
_BRANDS = (b"avif", b"avis")


@dataclass(frozen=True)
class Shown:
    """A file to show.

    Attributes:
        place: path of the file.
        name: name of the file, without its folder.
        mime: media type; that of `.aez` files is ``AEZ_TYPE``.
        size: bytes of the file.
        facts: what an `.aez` file says of itself, see :func:`aez.codec.describe.describe`; None for other pictures.
    """

    place: str
    name: str
    mime: str
    size: int
    facts: dict[str, Any] | None

    def entry(self) -> dict[str, Any]:
        """Return what the page gets to know about the file: no path."""
        kind = "picture" if self.facts is None else "aez"
        return {"name": self.name, "kind": kind, "bytes": self.size, "facts": self.facts}


def media_type(head: bytes) -> str | None:
    """Return the media type of a picture that browsers show, or of an `.aez` file, by its first bytes."""
    if is_aez(head):
        return AEZ_TYPE
    for start, mime in ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif")):
        if head.startswith(start):
            return mime
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/avif" if head[4:8] == b"ftyp" and head[8:12] in _BRANDS else None


def check_file(place: str, limits: Limits) -> Shown:
    """Read a file and verify it: every checksum of an `.aez` file, the first bytes of another picture.

    Raises:
        AezError: the file is missing, damaged, above the limits, or none that the page can show.
    """
    if not storage.is_local(place):
        raise AezError(f"{storage.shown(place)}: is no file; the page shows files of this machine")
    data = storage.read_bytes(place, lambda head: media_type(head) is not None)
    mime = media_type(data[: storage.HEAD])
    if mime is None:
        raise AezError(f"{place}: neither an .aez file nor a PNG, JPEG, WebP, AVIF or GIF picture")
    facts = None
    if mime == AEZ_TYPE:
        from aez.codec.describe import describe

        try:
            facts = describe(data, limits)
        except AezError as error:
            raise type(error)(f"{place}: {error}") from None
    return Shown(place, Path(place).name, mime, len(data), facts)
