"""Forked children can code after their parent has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing, sys
import numpy as np
from aez.codec.codec import Codec
from aez.codec.threads import set_threads, threads

set_threads(2)
codec = Codec(sys.argv[1], "cpu", "float32", sys.argv[2])
picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)

def code(_):
    return codec.encode(picture)

if __name__ == "__main__":
    first = code(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(code, range(2)) == [first, first]
    assert threads() == 2
    if codec.runtime == "torch":
        assert sys.modules["torch"].get_num_threads() == 2
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_forked_children_code(tiny_path: Path, runtime: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tiny_path, runtime], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
