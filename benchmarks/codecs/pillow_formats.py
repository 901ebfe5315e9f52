"""Formats that Pillow writes, itself or through a plugin: JPEG, WebP, AVIF, JPEG 2000, JPEG XL, HEIC."""

import importlib
import io
from collections.abc import Callable, Mapping
from typing import Any

import PIL
from PIL import Image, features

from aez.benchmarks.codecs.base import Adapter, Scale, UnavailableError, subsampling, take_options, whole
from aez.bitstream.errors import AezError

PERCENT = Scale(0, 100)


class PillowCodec(Adapter):
    """A Pillow format whose quality is an argument of ``Image.save``."""

    def __init__(
        self,
        name: str,
        format_name: str,
        version: str,
        qualities: tuple[float, ...],
        scale: Scale,
        arguments: Callable[[float], dict[str, Any]],
    ) -> None:
        """Set up a format; ``arguments`` turns a quality into keyword arguments of ``save``."""
        self.name, self.format_name, self.version = name, format_name, f"{version}, Pillow {PIL.__version__}"
        self.qualities, self.scale, self.arguments = qualities, scale, arguments

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode a picture."""
        buffer = io.BytesIO()
        image.save(buffer, self.format_name, **self.arguments(quality))
        return buffer.getvalue()

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file to a picture."""
        return decode_with_pillow(data)


def decode_with_pillow(data: bytes) -> Image.Image:
    """Decode any format that Pillow reads, to mode RGB."""
    with Image.open(io.BytesIO(data)) as image:
        rgb: Image.Image = image.convert("RGB")
        return rgb


def jpeg(name: str, options: Mapping[str, str]) -> Adapter:
    """Make an adapter of libjpeg-turbo; ``optimise=no`` gives the baseline files of a plain ``save``."""
    chosen = take_options(options, {"subsampling": "420", "optimise": "yes"})
    fixed: dict[str, Any] = {"subsampling": subsampling(chosen)}
    if chosen["optimise"] != "no":
        fixed |= {"optimize": True, "progressive": True}
    version = f"libjpeg-turbo {features.version_feature('libjpeg_turbo') or features.version_codec('jpg')}"
    qualities: tuple[float, ...] = (5, 10, 15, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95)
    if chosen["optimise"] == "no":
        qualities = tuple(range(5, 100, 5))  # those of the published curve, to compare with it point by point
    return PillowCodec(name, "JPEG", version, qualities, Scale(1, 100), lambda q: {"quality": round(q), **fixed})


def webp(name: str, options: Mapping[str, str]) -> Adapter:
    """Make an adapter of lossy libwebp."""
    method = whole(take_options(options, {"method": "6"}), "method", 0, 6)
    _need_feature("webp", "WebP")
    version = f"libwebp {features.version_module('webp')}"
    qualities = (1, 5, 10, 20, 35, 50, 65, 75, 85, 92, 98)
    return PillowCodec(name, "WEBP", version, qualities, PERCENT, lambda q: {"quality": round(q), "method": method})


def avif(name: str, options: Mapping[str, str]) -> Adapter:
    """Make an adapter of libavif with the AV1 encoder of Pillow's wheels.

    ``tune`` is what the encoder optimises: ``iq`` (what is seen, the default of libavif from 1.4 on), ``ssim`` or
    ``psnr``.

    Raises:
        UnavailableError: this Pillow writes no AVIF, or its encoder has no such tuning.
        AezError: an option has no such value.
    """
    chosen = take_options(options, {"speed": "6", "subsampling": "444", "tune": "iq"})
    if chosen["tune"] not in ("iq", "ssim", "psnr"):
        raise AezError(f"option tune is iq, ssim or psnr, not {chosen['tune']!r}")
    fixed = {
        "speed": whole(chosen, "speed", 0, 10),
        "subsampling": subsampling(chosen),
        "advanced": {"tune": chosen["tune"]},
    }
    _need_feature("avif", "AVIF (Pillow 11.3 or later)")
    version = f"libavif {features.version_module('avif')}"
    try:
        Image.new("RGB", (8, 8)).save(io.BytesIO(), "AVIF", **fixed)
    except ValueError:
        raise UnavailableError(f"{version} has no tune={chosen['tune']}: pip install -U pillow") from None
    qualities = (10, 20, 30, 40, 50, 60, 70, 80, 90)
    # 100 is lossless, which tune=iq does not have.
    return PillowCodec(name, "AVIF", version, qualities, Scale(0, 99), lambda q: {"quality": round(q), **fixed})


def jpeg2000(name: str, options: Mapping[str, str]) -> Adapter:
    """Make an adapter of OpenJPEG at a given rate, with the 9/7 wavelet and the colour transform.

    The quality is the compression ratio, 24 divided by bits per pixel: higher means smaller.
    """
    take_options(options, {})
    _need_feature("jpg_2000", "JPEG 2000")
    fixed = {"quality_mode": "rates", "irreversible": True, "mct": 1}
    version = f"OpenJPEG {features.version_codec('jpg_2000')}"
    ratios = (200, 120, 80, 50, 30, 20, 15, 12, 10, 8, 6)
    return PillowCodec(
        name, "JPEG2000", version, ratios, Scale(1, 400, False), lambda q: {"quality_layers": [q], **fixed}
    )


def jxl(name: str, options: Mapping[str, str]) -> Adapter:
    """Make an adapter of libjxl through pillow-jxl-plugin."""
    effort = whole(take_options(options, {"effort": "7"}), "effort", 1, 10)
    version = _plugin("pillow_jxl", "pillow-jxl-plugin", "JPEG XL")
    qualities = (5, 15, 25, 35, 50, 65, 75, 85, 90, 94)
    return PillowCodec(name, "JXL", version, qualities, Scale(1, 99), lambda q: {"quality": round(q), "effort": effort})


def heic(name: str, options: Mapping[str, str]) -> Adapter:
    """Make an adapter of libheif with x265 through pillow-heif."""
    take_options(options, {})
    version = _plugin("pillow_heif", "pillow-heif", "HEIC")
    plugin = importlib.import_module("pillow_heif")
    plugin.register_heif_opener()
    codec = plugin.libheif_info()
    if not codec["encoders"]:
        raise UnavailableError("this pillow-heif has no HEVC encoder")
    version += f", libheif {plugin.libheif_version()}, {codec['HEIF']}"
    qualities = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90)
    return PillowCodec(name, "HEIF", version, qualities, PERCENT, lambda q: {"quality": round(q)})


def _need_feature(feature: str, what: str) -> None:
    if not features.check(feature):
        raise UnavailableError(f"this Pillow writes no {what}: pip install -U pillow")


def _plugin(module: str, package: str, what: str) -> str:
    from importlib.metadata import version

    try:
        importlib.import_module(module)
    except ImportError:
        raise UnavailableError(f"{what} needs {package}: pip install {package}") from None
    return f"{package} {version(package)}"
