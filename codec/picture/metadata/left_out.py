"""Report metadata of picture files that `.aez` files do not hold, unless programs put them into every file."""

import re
from collections.abc import Mapping
from typing import Any

from PIL import Image

_IPTC_IN_PHOTOSHOP = 0x0404
_IPTC_IN_TIFF = 33723
_IPTC_MARK = 0x1C
_IPTC_HEADER = 5
_ENVELOPE = 1
"""Number of the IPTC record that states the encoding of the others."""
_VERSION = (2, 0)
"""Record and number of the data set that every IPTC block has."""
_MAX_COMMENT = 200
"""Largest length, in bytes, of a comment that a program writes about itself."""
_PROGRAM = re.compile(
    r"\b(?:creat|writt|generat|encod|made|sav)\w*\s+(?:with|using)\b"
    r"|\b(?:optimi[sz]|compress|encod|process|resiz|writt)\w*\s+(?:by|with)\b"
    r"|\b(?:IJG|GIMP|Photoshop|ImageReady|ImageMagick|GraphicsMagick|OpenJPEG|Kakadu|AppleMark|JPEGmini|mozjpeg|libjpeg"
    r"|libvips|gifsicle|ffmpeg|ezgif|Paint\.NET|PaintShop|ACD Systems|LEAD Technologies|Handmade Software)\b"
    r"|\bLavc\d|\bJPEG (?:Encoder|Library)\b",
    re.IGNORECASE,
)
"""Comments that encoders put into every file."""
_OF_PROGRAMS = re.compile(
    r"Software|Signature|(?:date|png|exif|icc|jpeg|tiff|xmp|pdf|photoshop|Thumb):.*|(?:create|modify)-date",
    re.IGNORECASE,
)
"""Keywords of PNG text that programs put into every file, or that repeat metadata which are kept elsewhere."""
_KEPT_TEXT = ("XML:com.adobe.xmp", "Raw profile type exif")
_IPTC_TEXT = ("Raw profile type iptc", "Raw profile type 8bim")
_MAX_NAMED = 5


def left_out(image: Image.Image) -> list[str]:
    """Return one line for each kind of metadata of a loaded picture that is not kept."""
    text = _png_text(image)
    notes = []
    if _has_iptc(image) or any(name in text for name in _IPTC_TEXT):
        notes.append("IPTC metadata are not kept")
    if any(_is_remark(comment) for comment in _comments(image)):
        notes.append("a comment is not kept")
    names = [name for name, value in text.items() if _is_text_to_name(name, value)]
    if names:
        shown = [name if name.isprintable() else "a keyword that cannot be shown" for name in names[:_MAX_NAMED]]
        more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        notes.append(f"PNG text is not kept: {', '.join(shown)}{more}")
    return notes


def _has_iptc(image: Image.Image) -> bool:
    photoshop = image.info.get("photoshop")
    blocks = [photoshop.get(_IPTC_IN_PHOTOSHOP)] if isinstance(photoshop, Mapping) else []
    tags: Any = getattr(image, "tag_v2", {})
    blocks.append(tags.get(_IPTC_IN_TIFF))
    # Some programs declare a TIFF file's block as four-byte numbers: then its presence counts, whatever it says.
    return any(_says_something(block) if isinstance(block, bytes) else block is not None for block in blocks)


def _says_something(block: bytes) -> bool:
    """Check whether an IPTC block has data sets besides those that every block has."""
    at = 0
    while at + _IPTC_HEADER <= len(block) and block[at] == _IPTC_MARK:
        data_set = block[at + 1], block[at + 2]
        if data_set[0] != _ENVELOPE and data_set != _VERSION:
            return True
        at += _IPTC_HEADER + int.from_bytes(block[at + 3 : at + 5], "big")
    return False


def _comments(image: Image.Image) -> list[Any]:
    found = [data for name, data in getattr(image, "applist", []) if name == "COM"]
    return found or ([] if image.format == "PNG" else [image.info.get("comment")])


def _is_remark(comment: Any) -> bool:
    """Check whether a comment may be a person's, not only a program's about itself."""
    text = comment.decode("latin-1") if isinstance(comment, bytes) else comment
    if not isinstance(text, str) or not text.strip("\0 \t\r\n"):
        return False
    return len(text) > _MAX_COMMENT or not _PROGRAM.search(text)


def _png_text(image: Image.Image) -> dict[str, str]:
    """Return keywords and values of PNG text, which Pillow mixes with other information."""
    if image.format != "PNG":
        return {}
    return {str(name): value for name, value in image.info.items() if isinstance(value, str)}


def _is_text_to_name(name: str, value: str) -> bool:
    if name in _KEPT_TEXT or name in _IPTC_TEXT or _OF_PROGRAMS.fullmatch(name):
        return False
    return _is_remark(value)
