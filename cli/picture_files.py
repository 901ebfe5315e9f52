"""Picture files of any kind, `.aez` included, for commands that make a picture of pictures."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from aez.bitstream import Limits, is_aez
from aez.bitstream.errors import AezError, ImageError
from aez.cli import storage
from aez.cli.compress_job import read_picture
from aez.cli.names import AEZ_SUFFIX, suffix_of

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


def check_kind(target: str) -> None:
    """Refuse an output whose suffix stands for no format, before any work is done.

    Raises:
        ImageError: neither `.aez` nor a suffix that Pillow writes.
    """
    if suffix_of(target) != AEZ_SUFFIX:
        from aez.codec.picture.outputs import format_of

        format_of(Path(target))


def read_any(place: str, max_pixels: int) -> "Picture":
    """A picture in sRGB from an `.aez` file, or from one of any format that Pillow knows.

    Raises:
        AezError: it is missing, damaged or too large; the text names it.
    """
    name = storage.shown(place)
    if storage.is_local(place) and not Path(place).is_file():
        return _read(Path(place), name, max_pixels)  # which says what is wrong
    if not is_aez(storage.head(place)):
        return _read(storage.open_source(place), name, max_pixels)
    from aez.codec.api import codec_for
    from aez.codec.picture.images import from_image

    data = storage.read_bytes(place)
    try:
        limits = Limits(max_pixels=max_pixels)
        return from_image(codec_for(data, limits=limits).decode(data, limits=limits), srgb=True)
    except AezError as error:
        raise type(error)(f"{name}: {error}") from None


def _read(file: Path | io.BytesIO, name: str, max_pixels: int) -> "Picture":
    return read_picture(file, name, max_pixels, auto_orient=True, strip=False, to_srgb=True)


def any_bytes(picture: "Picture", target: str, quality: float) -> tuple[bytes | memoryview, list[str]]:
    """A picture as the bytes of a file of the kind that the target's suffix says, and warnings.

    Args:
        picture: in sRGB.
        target: where it will go.
        quality: of an `.aez` file.

    Raises:
        ImageError: the format cannot hold it.
    """
    try:
        if suffix_of(target) == AEZ_SUFFIX:
            from aez.codec.api import load

            return load().encode(picture, quality), []
        from aez.codec.picture.outputs import fit_to_format, format_of, picture_bytes

        kind = format_of(Path(target))
        fitted = fit_to_format(picture, kind)
        return picture_bytes(fitted, kind), fitted.warnings
    except ImageError as error:
        raise ImageError(f"{target}: {error}") from None
