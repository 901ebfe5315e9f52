"""Jpegli, the JPEG coder of libjxl's authors, through pyjpegli."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from PIL import Image

from aez.benchmarks.codecs.base import Adapter, Scale, UnavailableError, take_options
from aez.benchmarks.codecs.pillow_formats import decode_with_pillow


class Jpegli(Adapter):
    """Jpegli with adaptive quantisation, decoded by libjpeg-turbo, as most viewers do it."""

    qualities = (10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95)
    scale = Scale(1, 100)

    def __init__(self, name: str, options: Mapping[str, str]) -> None:
        """Find the package."""
        take_options(options, {})
        try:
            import pyjpegli
        except ImportError:
            raise UnavailableError("jpegli needs pyjpegli: pip install pyjpegli") from None
        self._package: Any = pyjpegli
        self.name, self.version = name, f"pyjpegli {version('pyjpegli')}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode a picture."""
        data: bytes = self._package.encode(image.tobytes(), image.width, image.height, round(quality))
        return data

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file with libjpeg-turbo."""
        return decode_with_pillow(data)
