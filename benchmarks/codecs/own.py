"""The codec of this package."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from PIL import Image

from aez.benchmarks.codecs.base import Adapter, Scale, one_of, take_options, whole
from aez.bitstream.errors import AezError
from aez.codec.api import load
from aez.codec.base import PictureCodec
from aez.codec.encoding.effort import EFFORT_MAX
from aez.codec.model.quality import QUALITY_MAX, QUALITY_MIN
from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.options import CONTENTS


class Aez(Adapter):
    """A model on a device. Its files are those of `aez compress`."""

    qualities = (1, 5, 15, 30, 45, 60, 75, 90, 100)
    scale = Scale(QUALITY_MIN, QUALITY_MAX, integer=False)

    def __init__(self, name: str, options: Mapping[str, str], device: str) -> None:
        """Load the model."""
        defaults = {"model": DEFAULT_MODEL, "effort": "", "content": "", "precision": "auto", "runtime": "auto"}
        chosen = take_options(options, defaults)
        self.name = name
        try:
            self.codec = load(chosen["model"], device, chosen["precision"], chosen["runtime"])
        except ValueError as error:
            raise AezError(f"option {error}") from None
        self.settings: dict[str, Any] = {}
        if chosen["effort"]:
            self.settings["effort"] = whole(chosen, "effort", 0, EFFORT_MAX)
        if chosen["content"]:
            self.settings["content"] = one_of(chosen, "content", CONTENTS)
        try:
            own = version("aez")
        except PackageNotFoundError:
            own = "(not installed)"
        self.version = (
            f"aez {own}, model {self.codec.name} {self.codec.fingerprint.hex()}, {_runtime(self.codec)}, "
            f"{self.codec.device}, {self.codec.precision}"
        )

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode a picture."""
        return self.codec.encode(image, quality, **self.settings)

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file to a picture."""
        return self.codec.decode(data)


def _runtime(codec: PictureCodec) -> str:
    """Return the name and the version of what computes a codec's networks."""
    package = "onnxruntime" if getattr(codec, "runtime", "torch") == "light" else "torch"
    return f"{package} {version(package)}"
