"""Training pictures: files, folders and tar shards, decoded to uint8 tensors."""

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from aez.bitstream.errors import ImageError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm"}


def _decode(data: bytes, name: str) -> Tensor:
    """Decode a picture to (3, H, W) uint8 RGB; ``name`` is for messages."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{name}: cannot be read as a picture ({error})") from None


def iter_pictures(paths: Sequence[Path]) -> Iterator[Tensor]:
    """Read the pictures of files, folders (recursively) and tar shards, each (3, H, W) uint8 RGB.

    Raises:
        ImageError: a path is missing, or a picture in it cannot be read.
    """
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES | {".tar"})
            yield from iter_pictures(inside)
        elif path.suffix.lower() == ".tar":
            try:
                with tarfile.open(path) as shard:
                    for member in shard:
                        stream = shard.extractfile(member) if member.isfile() else None
                        if stream and Path(member.name).suffix.lower() in SUFFIXES:
                            yield _decode(stream.read(), f"{path}:{member.name}")
            except (OSError, tarfile.TarError) as error:
                raise ImageError(f"{path}: cannot be read ({error})") from None
        elif path.is_file():
            yield _decode(path.read_bytes(), str(path))
        else:
            raise ImageError(f"{path}: no such file or folder")


def middle(picture: Tensor, side: int) -> Tensor:
    """Crop the middle of a picture: a view of (C, H, W), (C, min(H, side), min(W, side))."""
    top, left = (max(0, (length - side) // 2) for length in picture.shape[1:])
    return picture[:, top : top + side, left : left + side]
