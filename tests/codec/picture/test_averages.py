import numpy as np

from aez.codec.picture.averages import averaged


def test_averages_of_planes() -> None:
    plane = np.array([[0, 10, 255], [20, 30, 255], [1, 2, 3]], np.uint8)
    assert averaged(plane, 2, (2, 2)).tolist() == [[15, 255], [2, 3]]
    assert averaged(plane, 1, (3, 3)) is plane
