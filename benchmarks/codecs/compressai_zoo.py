"""CompressAI's models with real bit streams; pretrained where the weights can be downloaded."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from aez.benchmarks.codecs.base import Adapter, UnavailableError, take_options
from aez.bitstream.errors import AezError
from aez.codec.runtime.torch.device import choose_device

_STRIDE = 64


class CompressAI(Adapter):
    """One architecture. Each quality is a model of its own, loaded when it is first needed."""

    def __init__(self, name: str, options: Mapping[str, str], device: str) -> None:
        """Find the architecture, and load its first quality to see whether trained weights can be downloaded."""
        chosen = take_options(options, {"arch": "mbt2018-mean", "metric": "mse", "weights": "pretrained"})
        try:
            import compressai
            from compressai.zoo import image_models
            from compressai.zoo.image import model_urls
        except ImportError:
            raise UnavailableError("CompressAI's models need compressai: pip install compressai") from None
        if chosen["arch"] not in image_models:
            raise AezError(f"no architecture {chosen['arch']!r} in CompressAI; there is {', '.join(image_models)}")
        if chosen["metric"] not in ("mse", "ms-ssim") or chosen["weights"] not in ("pretrained", "random"):
            raise AezError("options metric (mse, ms-ssim) and weights (pretrained, random) take no other values")
        self.name, self.arch, self.metric = name, chosen["arch"], chosen["metric"]
        self.builder: Any = image_models[self.arch]
        known = model_urls.get(self.arch, {}).get(self.metric, {})
        self.qualities = tuple(sorted(known)) or (4,)
        self.device = choose_device(device)
        self._models: dict[int, Any] = {}
        self.rated = chosen["weights"] == "pretrained" and bool(known)
        self.version = f"compressai {compressai.__version__}, torch {torch.__version__}, {self.device.type}"
        if self.rated:
            try:
                self._model(self.qualities[0])
            except (OSError, RuntimeError) as error:  # no network, or a damaged download
                self.rated = False
                self.note = f"{name}: the trained weights cannot be downloaded here ({error}); "
        if not self.rated:
            self.note = (self.note or f"{name}: ") + "timed with random weights, not drawn as rate–distortion"
            self.version += ", random weights"
            self.qualities = (4,)

    def _model(self, quality: float) -> Any:
        number = int(quality)
        if number not in self._models:
            torch.manual_seed(0)
            model = self.builder(quality=number, metric=self.metric, pretrained=self.rated)
            model.eval().update(force=True)
            self._models[number] = model.to(self.device)
        return self._models[number]

    @torch.inference_mode()
    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Return the strings and the sizes that decoding needs; CompressAI has no file format."""
        x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float().to(self.device) / 255
        x = F.pad(x, (0, -image.width % _STRIDE, 0, -image.height % _STRIDE), mode="replicate")
        coded = self._model(quality).compress(x)
        strings = [group[0] for group in coded["strings"]]  # a list for each latent, one string for each picture
        head = [image.width, image.height, int(quality), *coded["shape"], len(strings)]
        body = b"".join(len(string).to_bytes(4, "little") + string for string in strings)
        return b"".join(value.to_bytes(2, "little") for value in head) + body

    @torch.inference_mode()
    def decode(self, data: bytes) -> Image.Image:
        """Decode a file to a picture."""
        width, height, quality, rows, cols, count = (int.from_bytes(data[i : i + 2], "little") for i in range(0, 12, 2))
        strings, at = [], 12
        for _ in range(count):
            length = int.from_bytes(data[at : at + 4], "little")
            strings.append([data[at + 4 : at + 4 + length]])
            at += 4 + length
        x = self._model(quality).decompress(strings, (rows, cols))["x_hat"][0, :, :height, :width]
        levels = x.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).cpu()
        return Image.fromarray(np.ascontiguousarray(levels.numpy()))
