"""How a picture that Pillow opened is to be turned, and metadata that say the same."""

from PIL import ExifTags, Image

from aez.codec.picture.metadata.chunks import Metadata, exif_orientation, read_metadata, with_orientation


def orientation_of(exif: Image.Exif) -> int:
    """The orientation that Pillow found, 1 … 8; 1 for anything else, which `ImageOps.exif_transpose` does not heed."""
    value = exif.get(ExifTags.Base.Orientation)
    return next((number for number in range(1, 9) if value == number), 1)


def read_oriented(image: Image.Image, warnings: list[str]) -> tuple[int, Metadata]:
    """The orientation of an opened picture, and its metadata, which state no other one.

    Args:
        image: the picture.
        warnings: gets one more if metadata cannot be read.
    """
    try:
        metadata = read_metadata(image)
    except Exception:  # whatever Pillow's parser stumbles over
        warnings.append("EXIF metadata cannot be read and are left out")
        metadata = Metadata(icc=image.info.get("icc_profile"))
    stated = exif_orientation(metadata.exif) or 1
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        orientation = 1  # the decoder turns the pixels; what EXIF say is not meant
    else:
        try:
            orientation = orientation_of(image.getexif())
        except Exception:  # as above; the metadata themselves are kept as they are
            orientation = stated
    return orientation, metadata if stated == orientation else with_orientation(metadata, orientation)
