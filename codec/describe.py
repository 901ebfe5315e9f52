"""Describe a file as a dictionary.

This module does not import torch.
"""

from typing import Any

from aez.bitstream import VERSION, Limits, ModelError, read_container
from aez.bitstream.container import Buffer
from aez.codec.model.registry import find_fingerprint


def describe(data: Buffer, limits: Limits | None = None) -> dict[str, Any]:
    """Describe a file with values of JSON types.

    Raises:
        FormatError, LimitError: the data are damaged, or ask for more than ``limits`` allows.
    """
    container = read_container(data, limits)
    header = container.header
    try:
        entry = find_fingerprint(header.fingerprint)
        model: str | None = entry.name
        exact = None if container.whole else entry.quality_scale.quality_of(header.quality)
        quality: float | None = None if exact is None else round(exact, 2)
    except ModelError:
        model = quality = None
    return {
        "format_version": VERSION,
        "width": header.width,
        "height": header.height,
        "colour": header.colour,
        "depth": header.depth,
        "alpha": header.alpha,
        "orientation": header.orientation,
        "quality": quality,
        "quality_position": header.quality,
        "model": model,
        "fingerprint": header.fingerprint.hex(),
        "latent_layout": header.layout,
        "tiles": header.tile_count(),
        "layer": "whole" if container.whole else "part" if container.layer is not None else None,
        "bytes": len(data),
        "bpp": round(8 * len(data) / (header.width * header.height), 5),
        "chunks": [{"type": kind, "bytes": length} for kind, length in container.chunks],
    }
