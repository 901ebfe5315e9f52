"""Read the orientation of a Pillow image, and make its metadata agree with it."""

from PIL import ExifTags, Image

from aez.codec.picture.metadata.chunks import Metadata, exif_orientation, read_metadata, with_orientation


def orientation_of(exif: Image.Exif) -> int:
    """Return the orientation that Pillow found, 1 … 8.

    Other values give 1: `ImageOps.exif_transpose` ignores them.
    """
    value = exif.get(ExifTags.Base.Orientation)
    return next((number for number in range(1, 9) if value == number), 1)


def read_oriented(image: Image.Image, warnings: list[str]) -> tuple[int, Metadata]:
    """Read the orientation of an opened picture, and its metadata, which then state no other orientation.

    Args:
        image: opened picture.
        warnings: list to which a warning is appended if metadata cannot be read.
    """
    try:
        metadata = read_metadata(image)
    except Exception:  # whatever Pillow's parser raises
        warnings.append("EXIF metadata cannot be read and are left out")
        metadata = Metadata(icc=image.info.get("icc_profile"))
    stated = exif_orientation(metadata.exif) or 1
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        orientation = 1  # the decoder has turned the pixels, so EXIF's orientation does not apply
    else:
        try:
            orientation = orientation_of(image.getexif())
        except Exception:  # as above; the metadata are kept unchanged
            orientation = stated
    return orientation, metadata if stated == orientation else with_orientation(metadata, orientation)
