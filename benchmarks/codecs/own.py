"""The codec of this package."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from PIL import Image

from aez.benchmarks.codecs.base import Adapter, Scale, take_options, whole
from aez.bitstream.errors import AezError
from aez.codec.api import load
from aez.codec.model.registry import DEFAULT_MODEL


class Aez(Adapter):
    """A model on a device. Its files are those of `aez compress`."""

    qualities = (1, 5, 15, 30, 45, 60, 75, 90, 100)
    scale = Scale(1, 100, integer=False)

    def __init__(self, name: str, options: Mapping[str, str], device: str) -> None:
        """Load the model."""
        chosen = take_options(options, {"model": DEFAULT_MODEL, "effort": "", "precision": "auto"})
        if chosen["precision"] not in ("auto", "float32", "bfloat16"):
            raise AezError(f"option precision must be auto, float32 or bfloat16, not {chosen['precision']!r}")
        self.name = name
        self.codec = load(chosen["model"], device, chosen["precision"])
        self.settings: dict[str, Any] = {}
        if chosen["effort"]:
            self.settings["effort"] = whole(chosen, "effort", 0, 9)
        try:
            own = version("aez")
        except PackageNotFoundError:
            own = "(not installed)"
        self.version = (
            f"aez {own}, model {self.codec.name} {self.codec.fingerprint.hex()}, torch {torch.__version__}, "
            f"{self.codec.device.type}, {str(self.codec.precision).removeprefix('torch.')}"
        )

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode a picture."""
        return self.codec.encode(image, quality, **self.settings)

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file to a picture."""
        return self.codec.decode(data)
