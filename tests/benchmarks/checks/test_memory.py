from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.checks.memory import make_picture, measure_row


def test_rows_are_whole_processes(tmp_path: Path, photo: NDArray[np.uint8], runtime: str) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    make_picture([tmp_path / "photo.png"], 0.1, tmp_path / "0.1.jpg")
    encode = measure_row("encode", tmp_path / "0.1.jpg", tmp_path / "0.1.aez", "photo", runtime, 1)
    decode = measure_row("decode", tmp_path / "0.1.aez", tmp_path / "0.1.png", "photo", runtime, 1)
    assert (tmp_path / "0.1.png").stat().st_size == decode["bytes"] > encode["bytes"] > 0
    assert 0.05 < max(encode["gigabytes"], decode["gigabytes"]) < 2
