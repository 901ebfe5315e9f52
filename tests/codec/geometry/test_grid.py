import numpy as np
import pytest

from aez.bitstream import Header
from aez.codec.geometry.grid import CELL, Grid
from aez.codec.geometry.windows import Window


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 17), (63, 64), (65, 129), (400, 1366)])
def test_sizes_are_those_of_the_format(height: int, width: int) -> None:
    grid = Grid.of(Header(width=width, height=height, fingerprint=b"abcdef", quality=0))
    header = Header(width=width, height=height, fingerprint=b"abcdef", quality=0)
    assert (grid.rows, grid.cols) == header.latent_shape == grid.latents.shape
    assert (grid.cell_rows, grid.cell_cols) == header.hyper_shape == grid.cells.shape
    assert grid.pixels_of(grid.latents) == Window(0, height, 0, width)
    assert grid.latents_of(grid.cells) == grid.latents


def test_what_a_window_depends_on() -> None:
    grid = Grid(400, 330)  # 25 × 21 latents, 7 × 6 cells
    assert grid.grown(Window(0, 5, 19, 21), 2) == Window(0, 7, 17, 21)
    assert grid.context_area(Window(6, 7, 4, 6)) == Window(20, 28, 12, 24)
    assert grid.reach(Window(24, 25, 16, 21)) == Window(20, 25, 12, 21)
    assert grid.reach(Window(9, 10, 9, 10)) == Window(4, 16, 4, 16)


def test_reach_is_the_context_area_within_the_picture() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        grid = Grid(*(int(side) for side in rng.integers(1, 900, 2)))
        top, left = (int(rng.integers(0, side)) for side in grid.cells.shape)
        cells = Window(top, top + 1, left, left + 1)
        area, latents = grid.context_area(cells), grid.latents_of(cells)
        assert area.top % CELL == area.left % CELL == area.bottom % CELL == area.right % CELL == 0
        assert grid.reach(latents) == area.shared(grid.latents)
