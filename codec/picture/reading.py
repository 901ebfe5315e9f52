"""Read picture files of any format that Pillow opens."""

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from aez.bitstream import is_aez
from aez.bitstream.errors import AezError, ImageError, LimitError
from aez.bitstream.limits import DEFAULT_MAX_PIXELS
from aez.codec.picture.formats.cut_jpeg import completed
from aez.codec.picture.formats.jxl_size import jxl_size
from aez.codec.picture.formats.plugins import is_jxl, register_for
from aez.codec.picture.images import from_image
from aez.codec.picture.picture import Picture
from aez.codec.picture.sources import File, naming, reason_of
from aez.codec.picture.turning import upright

HEAD = 32
"""Number of first bytes that identify a file's format."""
_CUT = "the end of the JPEG file is missing: the last pixels may be grey or less sharp"
_FRAMES = "only the first frame of an animated or multi-page picture is kept"


def read_path(path: File, frame: int | None = None) -> Picture:
    """Read a picture file, or one of its frames, and name it in errors, as the command line does.

    Raises:
        AezError: see :func:`read_picture`.
    """
    with naming(os.fspath(path)):
        return read_picture(Path(path), frame=frame)


def read_picture(
    source: Path | io.BytesIO,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    to_srgb: bool = False,
    strip: bool = False,
    auto_orient: bool = False,
    frame: int | None = None,
) -> Picture:
    """Read a picture file; of an animation or a file of several pages, one frame.

    Args:
        source: path of the file, or its contents.
        max_pixels: largest width × height, checked before pixels are decoded. Pillow's own limit for the whole process
            applies as well.
        to_srgb: convert to sRGB through the profile, which is then left out.
        strip: leave out EXIF, XMP and a profile that describes sRGB; see :func:`from_image`.
        auto_orient: turn the pixels to the orientation for display.
        frame: number of the frame to read, from 1; None for the first one.

    Raises:
        ImageError: the file is missing, a folder, damaged, no picture or an `.aez` file, or has fewer frames.
        LimitError: the picture has too many pixels.
        ValueError: the frame is below 1.
    """
    if frame is not None and frame < 1:
        raise ValueError(f"frames are numbered from 1, not {frame}")
    try:
        picture = _read(source, max_pixels, frame, to_srgb=to_srgb, strip=strip)
        return upright(picture) if auto_orient else picture
    except AezError:
        raise
    except UnidentifiedImageError:
        size = source.stat().st_size if isinstance(source, Path) else source.getbuffer().nbytes
        raise ImageError("the file is empty" if size == 0 else "not a picture that Pillow can read") from None
    except Image.DecompressionBombError as error:
        raise LimitError(f"{error} (PIL.Image.MAX_IMAGE_PIXELS)") from None
    except Exception as error:  # Pillow's plugins raise RuntimeError, TypeError, struct.error … on damaged files
        if isinstance(error, OSError) and isinstance(source, Path):
            raise ImageError(reason_of(error, source)) from None
        raise ImageError(f"cannot be read ({error})") from None


def _read(source: Path | io.BytesIO, max_pixels: int, frame: int | None, *, to_srgb: bool, strip: bool) -> Picture:
    try:
        return _decode(source, max_pixels, frame, to_srgb=to_srgb, strip=strip)
    except ImageError:
        data = completed(_bytes(source))
        if data is None:
            raise
    picture = _decode(io.BytesIO(data), max_pixels, frame, to_srgb=to_srgb, strip=strip)
    return replace(picture, warnings=[_CUT, *picture.warnings])


def _decode(source: Path | io.BytesIO, max_pixels: int, frame: int | None, *, to_srgb: bool, strip: bool) -> Picture:
    head = _head(source)
    if is_aez(head):
        raise ImageError("is an .aez file already")
    register_for(head)
    if is_jxl(head):
        _check(jxl_size(_bytes(source)) or (0, 0), max_pixels)
    # By its path, Pillow would map a file without compression, and the process would end if the file became shorter.
    opened = source.open("rb") if isinstance(source, Path) else contextlib.nullcontext(source)
    with opened as file, Image.open(file) as image:
        _check(image.size, max_pixels)
        count = getattr(image, "n_frames", 1)
        if frame is not None and frame - 1 != image.tell():
            _seek(image, frame, count)
            _check(image.size, max_pixels)
        picture = from_image(image, srgb=to_srgb, strip=strip)
    if count == 1:
        return picture
    note = _FRAMES if frame is None else f"only frame {frame} of {count} is kept"
    return replace(picture, warnings=[note, *picture.warnings])


def _seek(image: Image.Image, frame: int, count: int) -> None:
    """Go to a frame of an opened file.

    Raises:
        ImageError: the file has fewer frames.
    """
    try:
        if frame > count:
            raise EOFError
        image.seek(frame - 1)
    except EOFError:
        only = "only one" if count == 1 else f"only {count}"
        raise ImageError(f"there is no frame {frame}: the file has {only}") from None


def _check(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise LimitError(f"the picture has {width}×{height} = {width * height} pixels, above the limit of {max_pixels}")


def _bytes(source: Path | io.BytesIO) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source.getvalue()


def _head(source: Path | io.BytesIO) -> bytes:
    """Read the first bytes of a regular file or of data; return none for a pipe, which can be read only once."""
    if isinstance(source, io.BytesIO):
        return bytes(source.getbuffer()[:HEAD])
    if not source.is_file():
        return b""
    with source.open("rb") as file:
        return file.read(HEAD)
