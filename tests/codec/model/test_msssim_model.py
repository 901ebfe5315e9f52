"""The packaged model for MS-SSIM: better by its own measure at no more bytes, and found by the file's fingerprint."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import read_container
from aez.codec import api
from aez.codec.codec import Codec

Photo = NDArray[np.uint8]


def _similarity(a: Photo, b: Photo) -> float:
    import torch

    from aez.codec.networks.ms_ssim import ms_ssim

    x, y = (torch.from_numpy(v.astype(np.float64)).permute(2, 0, 1)[None] for v in (a, b))
    return float(ms_ssim(x, y).mean())


def _largest_below(codec: Codec, picture: Photo, size: int) -> bytes:
    low, high, best = 1.0, 100.0, b""
    for _ in range(7):
        middle = (low + high) / 2
        data = codec.encode(picture, middle)
        low, high, best = (middle, high, data) if len(data) <= size else (low, middle, best)
    return best


@pytest.mark.torch
@pytest.mark.parametrize("quality", [15, 45, 60])
def test_better_by_ms_ssim_at_no_more_bytes(photo: Photo, quality: int) -> None:
    picture = photo[150:470, 100:420]
    plain = api.load("photo").encode(picture, quality)
    other = _largest_below(api.load("photo-msssim"), picture, len(plain))
    assert other
    decoded = api.decode_array(other)
    assert _similarity(picture, decoded) > _similarity(picture, api.decode_array(plain))
    assert api.info(other)["model"] == "photo-msssim"
    assert (
        np.square(decoded.astype(float) - picture).mean()
        < 4 * np.square(api.decode_array(plain).astype(float) - picture).mean()
    )


def test_its_efforts_correct_nothing(photo: Photo) -> None:
    """The second only finds a filter for the picture; those above are the same."""
    codec, piece = api.load("photo-msssim"), photo
    files = [codec.encode(piece, 50, effort=effort) for effort in (0, 1, 2, 9)]
    assert files[2] == files[3]
    symbols = [codec.unpack(data)[1].r for data in files]
    assert np.array_equal(symbols[1], symbols[2]) and not np.array_equal(symbols[0], symbols[1])
    filters = [read_container(data).filter for data in files]
    assert filters[0] == filters[1] == b""
    assert filters[2]
