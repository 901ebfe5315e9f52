"""Borders of pictures whose sides are no multiples of 64 are nearly as good as their insides.

Kodak's sides are multiples of 64, so no figure of a benchmark shows a fault there. With means of cut cells the border's
error is five to ten times that inside.
"""

import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.benchmarks.checks.borders import CONTENTS, EXTRA, RATIO, SIDE, border, squared_error
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights
from tests.codec.stages import small_windows

Photo = NDArray[np.uint8]
QUALITIES, EFFORTS = (20, 50, 90), (0, 2)


@pytest.fixture(scope="module")
def flagship(packaged: Weights) -> Codec:
    return Codec(packaged, "cpu", "float32")


@pytest.fixture(scope="module")
def contents(photo: Photo) -> dict[str, Photo]:
    made = {name: draw(SIDE, SIDE) for name, draw in CONTENTS.items()}
    return made | {"photograph": photo[100 : 100 + SIDE, 100 : 100 + SIDE]}


@pytest.mark.slow
@pytest.mark.parametrize("grey", [False, True], ids=["colour", "grey"])
@pytest.mark.parametrize("name", ["flat", "sky", "photograph"])
def test_borders_of_all_sides(flagship: Codec, contents: dict[str, Photo], name: str, grey: bool) -> None:
    """Every side from 1 to 130, every fifth in grey, as a height or a width, beside a whole or a partial cell."""
    larger = contents[name][..., 1] if grey else contents[name]
    whole = functools.cache(functools.partial(squared_error, flagship, larger))
    found = []
    for side in range(1, 131, 5 if grey else 1):
        quality, effort = QUALITIES[side % 3], EFFORTS[side // 3 % 2]
        other = (64, 80, 33)[(side // 6) % 3]
        height, width = (side, other) if side % 2 else (other, side)
        own = squared_error(flagship, larger[:height, :width], quality, effort)
        found.append(border(own, whole(quality, effort)))
    here, inside = (np.sqrt(np.mean(np.square([getattr(b, name) for b in found]))) for name in ("here", "inside"))
    assert here < RATIO * inside + EXTRA
    above = [b.excess for b in found if b.excess > 0]
    assert len(above) < 0.2 * len(found)
    assert max(above, default=0.0) < 6


@pytest.mark.parametrize(("height", "width"), [(80, 64), (401, 299), (33, 200)])
def test_windows_and_regions_have_the_same_borders(
    flagship: Codec, contents: dict[str, Photo], monkeypatch: pytest.MonkeyPatch, height: int, width: int
) -> None:
    from aez.codec.geometry import windows

    picture = np.tile(contents["sky"], (2, 2, 1))[:height, :width]
    data = flagship.encode(picture, 50, tile_log2=4)
    whole = flagship.decode_array(data)
    x, y = width - 19, height - 21
    part = flagship.decode_array(data, region=(x, y, 19, 21))
    assert np.abs(part.astype(int) - whole[y:, x:]).max() <= 1
    small = functools.partial(windows.cell_windows, height=1, size=1, whole=0)
    small_windows(monkeypatch, small)
    assert np.abs(flagship.decode_array(data).astype(int) - whole).max() <= 1
