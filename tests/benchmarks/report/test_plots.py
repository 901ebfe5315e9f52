import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aez.benchmarks.report.plots import speed

pytestmark = pytest.mark.torch

TIMED = {"bpp": 1.0, "encode_mpps": 2.0, "decode_mpps": 20.0}


def drawn(*points: dict[str, Any]) -> int:
    codecs = [{"name": f"codec {i}", "published": False, "points": [point]} for i, point in enumerate(points)]
    results = {"title": "a report", "settings": {"threads": 1, "jobs": 1}, "codecs": codecs}
    with Image.open(io.BytesIO(speed(results))) as image:
        return int(np.count_nonzero(np.asarray(image.convert("L")) < 255))


@pytest.mark.parametrize("points", [(), ({"bpp": 1.0},), ({"bpp": 1.0}, {"bpp": 2.0})])
def test_speed_of_codecs_that_were_not_timed(points: tuple[dict[str, Any], ...]) -> None:
    assert 0 < drawn(*points) < drawn(TIMED)
