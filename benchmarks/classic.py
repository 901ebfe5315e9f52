"""JPEG, WebP and AVIF through Pillow, with the settings that all comparisons here use."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from aez.bitstream.errors import AezError


@dataclass(frozen=True)
class ClassicCodec:
    """A format that Pillow writes.

    Attributes:
        name: what tables and JSON call it.
        format: Pillow's name of it.
        options: settings beside the quality.
        qualities: those of its rate–distortion curve.
    """

    name: str
    format: str
    options: Mapping[str, Any]
    qualities: tuple[int, ...]

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """The bytes of a file.

        Raises:
            AezError: this Pillow cannot write the format.
        """
        buffer = io.BytesIO()
        try:
            image.save(buffer, self.format, quality=quality, **self.options)
        except KeyError:
            raise AezError(f"this Pillow writes no {self.format} (AVIF needs Pillow 11.3 or later)") from None
        return buffer.getvalue()


JPEG = ClassicCodec(
    "jpeg",
    "JPEG",
    {"optimize": True, "progressive": True, "subsampling": "4:2:0"},
    (5, 10, 15, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95),
)
WEBP = ClassicCodec("webp", "WEBP", {"method": 6}, (1, 5, 10, 20, 35, 50, 65, 75, 85, 92, 98))
AVIF = ClassicCodec("avif", "AVIF", {"speed": 6, "subsampling": "4:4:4"}, (10, 20, 30, 40, 50, 60, 70, 80, 90))


def decode(data: bytes) -> Image.Image:
    """The pixels of any of these formats, mode RGB."""
    with Image.open(io.BytesIO(data)) as image:
        rgb: Image.Image = image.convert("RGB")
        return rgb
