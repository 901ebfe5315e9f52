"""Square tiles of pixels, of which the ALPHA and LAYER chunks are made (SPEC sections 7.4 and 7.7)."""

MIN_PIXEL_TILE_LOG2, MAX_PIXEL_TILE_LOG2 = 6, 13


def tile_areas(height: int, width: int, tile_log2: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return rows and columns of every tile in raster order; the last ones of a row and a column may be smaller."""
    side = 1 << tile_log2
    return [
        ((i, min(i + side, height)), (j, min(j + side, width)))
        for i in range(0, height, side)
        for j in range(0, width, side)
    ]
