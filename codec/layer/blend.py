"""Lay a layer over decoded samples, at any scale, and read a picture that is a layer."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Header
from aez.bitstream.layer import IndexedStream, Layer, read_layer
from aez.codec.geometry.windows import Window
from aez.codec.layer.tiles import pixels_of

_TILE_BYTES, _LEARNT_BYTES = 24, 2**24
"""Bytes per pixel of a tile: those of libwebp, and what blends them; and of what numbers of colours are learnt by."""
Samples = NDArray[np.uint8]


def covered(samples: Samples, payload: bytes, header: Header, window: Window, reduction: int) -> Samples:
    """Lay a layer over a view; the decoded samples are changed in place and returned.

    Args:
        samples: decoded samples of the view, (rows, columns, 3) or (rows, columns).
        payload: payload of the LAYER chunk, which is not a whole picture.
        header: header of the file.
        window: pixels of the view, on the grid reduced by ``reduction``.
        reduction: 1, 2, 4, 8 or 16; pixels that are covered in part are blended.

    Raises:
        FormatError: the payload is damaged.
    """
    layer = read_layer(payload, header)
    planes = samples.reshape(*samples.shape[:2], -1)
    for target, colour, alpha in _parts(layer, header, planes.shape[2], window, reduction):
        under = planes[target.pixel_index]
        if reduction == 1:
            np.copyto(under, colour, where=alpha[:, :, None] != 0)
            continue
        share = reduction**2
        cover = _sums((alpha != 0)[:, :, None], reduction)
        sums = _sums(colour * (alpha != 0)[:, :, None], reduction) + (share - cover) * under.astype(np.uint32)
        under[:] = (sums + share // 2) // share
    return samples


def whole_picture(payload: bytes, header: Header, window: Window, reduction: int) -> tuple[Samples, Samples | None]:
    """Decode a view of a picture that is a layer.

    Returns:
        Samples, (rows, columns, 3), or (rows, columns) of a grey picture, and opacity (rows, columns) if there is any.

    Raises:
        FormatError: the payload is damaged.
    """
    layer, channels = read_layer(payload, header), 1 if header.grey else 3
    samples = np.empty((*window.shape, channels), np.uint8)
    opacity = np.empty(window.shape, np.uint8) if header.alpha else None
    for target, colour, alpha in _parts(layer, header, channels, window, reduction):
        samples[target.pixel_index] = _averages(colour, reduction)
        if opacity is not None:
            opacity[target.pixel_index] = _averages(alpha[:, :, None], reduction)[:, :, 0]
    return (samples[:, :, 0] if header.grey else samples), opacity


def layer_work(payload: bytes, header: Header, window: Window, reduction: int) -> tuple[int, int]:
    """Return what decoding a view's tiles takes: the bytes of the largest one, and the symbols of all.

    A pixel that is the number of a colour counts as one symbol, the fewest that it takes. Those of VP8L streams do not
    count: libwebp decodes them a hundred times as fast. Arguments and errors are those of :func:`covered`.
    """
    span = window.scaled(reduction, header.height, header.width)
    memory = symbols = 0
    for tile in read_layer(payload, header).tiles:
        if tile.stream is not None and Window(*tile.rows, *tile.cols).shared(span) is not None:
            pixels, indexed = (tile.rows[1] - tile.rows[0]) * (tile.cols[1] - tile.cols[0]), 0
            if isinstance(tile.stream, IndexedStream):
                symbols, indexed = symbols + pixels, _LEARNT_BYTES
            memory = max(memory, _TILE_BYTES * pixels + indexed)
    return memory, symbols


def _parts(
    layer: Layer, header: Header, channels: int, window: Window, reduction: int
) -> Iterator[tuple[Window, Samples, Samples]]:
    """Yield what a view shows of each tile: its place in the view, colours and alpha, padded to whole squares."""
    for tile in layer.tiles:
        area = Window(*tile.rows, *tile.cols)
        part = area.coarser(reduction).shared(window)
        if part is None:
            continue
        found = pixels_of(tile, channels, whole=layer.whole)
        if found is not None:
            span = part.scaled(reduction, header.height, header.width)
            inside = span.pixel_index_in(area)
            colour, alpha = (_padded(plane[inside], part.shape, reduction) for plane in found)
            yield part.moved(window), colour, alpha


def _padded(plane: Samples, shape: tuple[int, int], reduction: int) -> Samples:
    """Repeat the last row and column to whole squares."""
    rows, cols = (side * reduction for side in shape)
    if plane.shape[:2] == (rows, cols):
        return plane
    missing = ((0, rows - plane.shape[0]), (0, cols - plane.shape[1]), *[(0, 0)] * (plane.ndim - 2))
    return np.pad(plane, missing, mode="edge")


def _sums(plane: NDArray[np.generic], reduction: int) -> NDArray[np.uint32]:
    """Sum squares of reduction × reduction samples of (rows, columns, C)."""
    rows, cols, channels = plane.shape
    squares = plane.reshape(rows // reduction, reduction, cols // reduction, reduction, channels)
    sums: NDArray[np.uint32] = squares.sum((1, 3), dtype=np.uint32)
    return sums


def _averages(plane: Samples, reduction: int) -> Samples:
    if reduction == 1:
        return plane
    share = reduction**2
    return ((_sums(plane, reduction) + share // 2) // share).astype(np.uint8)
