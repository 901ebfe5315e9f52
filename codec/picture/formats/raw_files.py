"""Reject cameras' raw files.

Most of them are TIFF files whose first picture is a thumbnail, which Pillow opens as if it were the picture.
"""

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from aez.bitstream.errors import ImageError

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _DNG_VERSION = 254, 255, 50706
_REDUCED_BIT, _REDUCED = 1, 2
_CR2_MARK = b"CR"
_BIGTIFF = 43


def refuse_raw(image: Image.Image) -> None:
    """Reject an opened file whose picture is only the thumbnail of a picture that Pillow cannot read.

    A frame other than the first one has been selected by the caller, so it is accepted.

    Raises:
        ImageError: the file is a raw file.
    """
    if isinstance(image, TiffImageFile) and image.tell() == 0 and _is_thumbnail(image):
        raise ImageError("is a raw file; only its thumbnail can be read")


def _is_thumbnail(image: TiffImageFile) -> bool:
    tags = image.tag_v2
    reduced = _number(tags.get(_NEW_SUBFILE_TYPE)) & _REDUCED_BIT or _number(tags.get(_SUBFILE_TYPE)) == _REDUCED
    return bool(reduced) or _DNG_VERSION in tags or _has_more(image)


def _has_more(image: TiffImageFile) -> bool:
    """Check whether the file is a CR2 file, or a directory below the first one describes a larger picture.

    This needs an open file; Pillow closes it when the pixels are loaded.
    """
    file = image.fp
    if file is None or file.closed:
        return False
    before = file.tell()
    try:
        file.seek(0)
        head = file.read(16)
        if head[8:10] == _CR2_MARK:
            return True
        offsets = image.tag_v2.get(ExifTags.Base.SubIFDs, ())
        sizes = (_size_at(image, head, at) for at in (offsets if isinstance(offsets, tuple) else (offsets,)))
        return any(width * height > image.width * image.height for width, height in sizes)
    finally:
        file.seek(before)


def _size_at(image: TiffImageFile, head: bytes, at: object) -> tuple[int, int]:
    """Return width and height as a directory states them; 0 if they cannot be read."""
    assert image.fp is not None
    try:
        directory = ImageFileDirectory_v2(head if head[2] == _BIGTIFF else head[:8])
        image.fp.seek(_number(at))
        directory.load(image.fp)
        return _number(directory.get(ExifTags.Base.ImageWidth)), _number(directory.get(ExifTags.Base.ImageLength))
    except Exception:  # whatever Pillow's parser raises
        return 0, 0


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
