"""Lossy alpha planes: the smallest of lossless, fewer levels, and a grey picture coded by the model itself."""

import math
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Header, Limits
from aez.bitstream.alpha import read_alpha_picture, write_alpha_picture
from aez.bitstream.limits import TRUSTED
from aez.codec.decoding.decoder import View
from aez.codec.picture.alpha.planes import (
    LOSSLESS,
    decode_alpha,
    encode_alpha,
    level_count,
    tile_memory,
    with_fewer_levels,
)
from aez.codec.picture.averages import averaged
from aez.codec.picture.psnr import psnr_of

if TYPE_CHECKING:
    from aez.codec.base import PictureCodec

EDGE = 5
"""Distance from 0 or 255 within which a decoded sample becomes 0 or 255."""
_ENDS_BOUND = 8
"""Allowed error of fully transparent or opaque samples at high quality, in levels; it is invisible."""
_FEWEST_BYTES = 64
_TRIALS = 4
_DB_A_QUALITY = 0.2


def encode_lossy_alpha(codec: "PictureCodec", alpha: NDArray[np.uint8], quality: float, effort: int) -> bytes:
    """Return the smallest payload of an ALPHA chunk whose error is at most that of rounding to fewer levels.

    Args:
        codec: codec that codes the plane as a picture.
        alpha: (H, W) uint8.
        quality: 1 … 100; 100 is lossless.
        effort: effort of the codec, 0 … 9.
    """
    best = encode_alpha(alpha)
    if quality >= LOSSLESS:
        return best
    best = min(best, encode_alpha(with_fewer_levels(alpha, quality)), key=len)
    # A sharp matte is small already: coded as a picture it would only become larger.
    trial, spread = quality, _spread(alpha)
    for _ in range(_TRIALS):
        if len(best) <= _FEWEST_BYTES:
            break
        payload = write_alpha_picture(codec.encode(spread, trial, effort=effort, content="photo"), EDGE)
        if len(payload) >= len(best):
            break
        missing = _missing(alpha, _gathered(codec.decode_array(memoryview(payload)[2:], limits=TRUSTED), EDGE), quality)
        if missing <= 0:
            return payload
        if trial >= LOSSLESS:
            break
        trial = min(LOSSLESS, trial + max(2.0, missing / _DB_A_QUALITY))
    return best


def decode_alpha_part(
    codec: "PictureCodec", payload: bytes, header: Header, view: View, limits: Limits
) -> NDArray[np.uint8]:
    """Decode a window of the plane in an ALPHA chunk, uint8.

    Args:
        codec: codec that decodes a plane that is coded as a picture.
        payload: payload of the chunk.
        header: header of the file.
        view: the part to decode.
        limits: limits that the file must meet; the samples of the view are in memory already.

    Raises:
        FormatError: the payload is damaged.
        LimitError: decoding it takes too much memory.
    """
    window, reduction = view.window, view.reduction
    span = window.scaled(reduction, header.height, header.width)
    picture = read_alpha_picture(payload, header, limits)
    samples = (3 if header.depth == 8 else 6) * prod(window.shape)
    if picture is None:
        rows, cols = (span.top, span.bottom), (span.left, span.right)
        tile = tile_memory(payload, header.height, header.width, rows, cols)
        limits.check_memory(samples + 2 * prod(span.shape) + tile)
        plane = decode_alpha(payload, header.height, header.width, rows, cols)
        return averaged(plane, reduction, window.shape)
    # The pixels of the file around it were compared with its own bytes.
    inner = replace(limits, max_memory=limits.max_memory - samples, max_pixels_per_byte=TRUSTED.max_pixels_per_byte)
    region = span.left, span.top, span.shape[1], span.shape[0]
    coded = codec.decode_array(picture.data, region=region, scale=1 / reduction, limits=inner)
    return _gathered(coded, picture.edge)


def _spread(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move values between 0 and 255 away from both ends, so that small coding errors at the ends can be removed."""
    table = (EDGE + (np.arange(256) * (255 - 2 * EDGE) + 127) // 255).astype(np.uint8)
    table[0], table[255] = 0, 255
    return _mapped(table, alpha)


def _gathered(coded: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    """Invert :func:`_spread` on a decoded plane (SPEC section 7.4)."""
    span = 255 - 2 * edge
    values = np.arange(256).clip(edge, 255 - edge) - edge
    return _mapped(((values * 255 + span // 2) // span).astype(np.uint8), coded)


def _mapped(table: NDArray[np.uint8], plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Apply a lookup table row by row, so that the indices of a large plane are never in memory together."""
    out = np.empty_like(plane)
    for row, target in zip(plane, out, strict=True):
        target[:] = table[row]
    return out


def _missing(alpha: NDArray[np.uint8], back: NDArray[np.uint8], quality: float) -> float:
    """Return by how many dB a decoded plane is worse than rounding to levels; 0 or less if it is good enough."""
    step = 255 / (level_count(quality) - 1)
    missing = 10 * math.log10(12 * (255 / step) ** 2) - psnr_of(alpha, back)
    worst = 0
    for want, got in zip(alpha, back, strict=True):
        error = np.abs(got.astype(np.int16) - want)
        worst = max(worst, int(error.max(where=(want == 0) | (want == 255), initial=0)))
    return max(missing, 20 * math.log10(max(worst, 1) / max(step, _ENDS_BOUND)))
