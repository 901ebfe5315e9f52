"""Reading and writing of picture files for all commands, `.aez` files included."""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from aez.bitstream import Limits, is_aez
from aez.bitstream.errors import AezError, ImageError, LimitError
from aez.cli.shared import storage
from aez.cli.shared.names import AEZ_SUFFIX, suffix_of

if TYPE_CHECKING:
    from aez.codec.picture.picture import Picture


def read_input(
    file: Path | io.BytesIO,
    name: str,
    max_pixels: int,
    *,
    auto_orient: bool = False,
    strip: bool = False,
    to_srgb: bool = False,
    frame: int | None = None,
) -> "Picture":
    """Read a picture file of any format that Pillow knows.

    Args:
        file: a path, or the file's bytes.
        name: the file's name in error texts.
        max_pixels: width × height at most, checked before pixels are decoded.
        auto_orient: turn the pixels to the orientation for display.
        strip: leave EXIF, XMP and a profile for sRGB out.
        to_srgb: convert to sRGB, and leave the profile out.
        frame: number of the frame to read, from 1; None for the first one.

    Raises:
        ImageError: it is missing, a folder, damaged, or no picture.
        LimitError: it has more than ``max_pixels`` pixels.
    """
    from PIL import Image

    from aez.codec.picture.reading import read_picture

    if isinstance(file, Path) and file.is_dir():
        raise ImageError(storage.folder_error(name))
    # Pillow's own limit belongs to the process: here the user's limit holds instead.
    bomb, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read_picture(
                file, max_pixels=max_pixels, to_srgb=to_srgb, strip=strip, auto_orient=auto_orient, frame=frame
            )
    except LimitError as error:
        raise LimitError(f"{name}: {error} (--max-pixels)") from None
    except AezError as error:
        raise type(error)(f"{name}: {error}") from None
    finally:
        Image.MAX_IMAGE_PIXELS = bomb


def check_kind(target: str) -> None:
    """Refuse an output whose suffix stands for no format, before any work is done.

    Raises:
        ImageError: neither `.aez` nor a suffix that Pillow writes.
    """
    if suffix_of(target) != AEZ_SUFFIX:
        from aez.codec.picture.outputs import format_of

        format_of(Path(target))


def read_any(place: str, max_pixels: int) -> "Picture":
    """Read a picture in sRGB and 8 bits from an `.aez` file, or from one of any format that Pillow knows.

    Raises:
        AezError: it is missing, damaged or too large; the text names it.
    """
    name = storage.shown(place)
    if storage.is_local(place) and not Path(place).is_file():
        return read_input(Path(place), name, max_pixels)  # whose error says what is wrong
    from aez.codec.picture.picture import in_8_bits

    if not is_aez(storage.head(place)):
        return in_8_bits(read_input(storage.open_source(place), name, max_pixels, auto_orient=True, to_srgb=True))
    from aez.codec.api import codec_for
    from aez.codec.picture.images import from_image

    data = storage.read_bytes(place)
    try:
        limits = Limits(max_pixels=max_pixels)
        return in_8_bits(from_image(codec_for(data, limits=limits).decode(data, limits=limits), srgb=True))
    except AezError as error:
        raise type(error)(f"{name}: {error}") from None


def any_bytes(picture: "Picture", target: str, quality: float) -> tuple[bytes | memoryview, list[str]]:
    """Write a picture as a file in memory, in the format of the target's suffix; return its bytes and warnings.

    Args:
        picture: in sRGB.
        target: path of the output.
        quality: quality of an `.aez` file.

    Raises:
        ImageError: the format cannot hold it.
    """
    try:
        if suffix_of(target) == AEZ_SUFFIX:
            from aez.codec.api import load

            return load().encode(picture, quality), []
        from aez.codec.picture.outputs import format_of, write_picture

        return write_picture(picture, format_of(Path(target)))
    except ImageError as error:
        raise ImageError(f"{target}: {error}") from None
