"""MozJPEG, through libvips."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from aez.benchmarks.codecs.base import Adapter, Scale, UnavailableError, subsampling, take_options
from aez.benchmarks.codecs.pillow_formats import decode_with_pillow

HOW = "MozJPEG needs libvips built with it: pip install 'pyvips[binary]'"


class MozJpeg(Adapter):
    """MozJPEG as `cjpeg` runs it by default: trellis quantisation, its own tables (3), optimised progressive scans."""

    qualities = (5, 10, 15, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95)
    scale = Scale(1, 100)

    def __init__(self, name: str, options: Mapping[str, str]) -> None:
        """Find libvips and see whether its JPEG encoder is really MozJPEG."""
        chosen = take_options(options, {"subsampling": "420"})
        # libvips subsamples or not, all by this switch.
        self.mode = "off" if subsampling(chosen) == "4:4:4" else "on"
        try:
            import pyvips
        except (ImportError, OSError):
            raise UnavailableError(HOW) from None
        self.vips: Any = pyvips
        self.name = name
        self.version = f"MozJPEG of libvips {'.'.join(str(pyvips.version(i)) for i in range(3))}"
        # Another libjpeg ignores the trellis option with a warning only, so look whether it changes anything.
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        probe = Image.fromarray(noise)
        if self._save(probe, 50, True) == self._save(probe, 50, False):
            raise UnavailableError(HOW)

    def _save(self, image: Image.Image, quality: float, trellis: bool) -> bytes:
        pixels = self.vips.Image.new_from_array(np.asarray(image))
        data: bytes = pixels.jpegsave_buffer(
            Q=round(quality),
            optimize_coding=True,
            interlace=True,
            subsample_mode=self.mode,
            trellis_quant=trellis,
            overshoot_deringing=True,
            optimize_scans=True,
            quant_table=3,
            keep="none",
        )
        return data

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode a picture."""
        return self._save(image, quality, True)

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file with libjpeg-turbo."""
        return decode_with_pillow(data)
