"""Pictures of the report's viewer: some of the measured ones, by every codec at a few file sizes."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from aez.benchmarks.codecs.base import Adapter
from aez.benchmarks.codecs.matching import match_size
from aez.benchmarks.metrics import compute
from aez.benchmarks.pictures import read_rgb
from aez.benchmarks.report.runner import SourcePicture


@dataclass(frozen=True)
class ViewerLimits:
    """Limits of the viewer's content.

    Attributes:
        pictures: number of pictures, spread evenly over those measured; 0 for no viewer.
        targets: sizes in bits per pixel at which codecs are compared.
        side: larger pictures are cropped to their middle square of this side in pixels.
        megabytes: largest total size of the embedded pictures; the rest is left out.
    """

    pictures: int
    megabytes: float
    targets: tuple[float, ...] = (0.15, 0.3, 0.75)
    side: int = 768


def viewer_pictures(
    pictures: Sequence[SourcePicture], adapters: Sequence[Adapter], limits: ViewerLimits, metrics: Sequence[str],
    say: Callable[[str], None],
) -> list[dict[str, Any]]:  # fmt: skip
    """Encode originals and decoded pictures as data URIs of lossless WebP.

    For every codec the largest file within each target is searched for. Bytes and metrics are those of the whole
    picture, even if only its middle is shown.
    """
    chosen = [pictures[i * len(pictures) // limits.pictures] for i in range(min(limits.pictures, len(pictures)))]
    entries: list[dict[str, Any]] = []
    spent, most = 0, int(limits.megabytes * 1e6)
    for picture in chosen:
        image = read_rgb(picture.path)
        box = _middle(image.size, limits.side)
        original = _data_uri(image.crop(box))
        spent += len(original)
        entry: dict[str, Any] = {
            "name": picture.name, "width": box[2] - box[0], "height": box[3] - box[1],
            "cropped": (box[2] - box[0], box[3] - box[1]) != image.size, "original": original, "shots": [],
        }  # fmt: skip
        for target in limits.targets:
            shots = []
            for adapter in adapters:
                try:
                    shots.append(_shot(adapter, image, box, target, metrics))
                except Exception as error:  # other people's code; the rest of the viewer is still worth having
                    say(f"viewer: {adapter.name}, {picture.name}: {error}")
            size = sum(len(shot["src"]) for shot in shots)
            if spent + size > most:
                say(f"viewer: {picture.name} at {target:g} bpp is left out, it would exceed {limits.megabytes:g} MB")
                continue
            spent += size
            entry["shots"] += shots
        if entry["shots"]:
            entries.append(entry)
    return entries


def _shot(
    adapter: Adapter, image: Image.Image, box: tuple[int, int, int, int], target: float, metrics: Sequence[str]
) -> dict[str, Any]:
    match = match_size(adapter, image, int(target * image.width * image.height / 8))
    decoded = adapter.decode(match.data)
    values = compute(metrics, np.asarray(image), [np.asarray(decoded)])[0]
    return {
        "codec": adapter.name,
        "target": target,
        "setting": f"{match.quality:.4g}",
        "bytes": len(match.data),
        "bpp": 8 * len(match.data) / (image.width * image.height),
        "metrics": {name: value for name, value in values.items() if value is not None},
        "src": _data_uri(decoded.crop(box)),
    }


def _middle(size: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    width, height = (min(length, side) for length in size)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True, quality=60, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
