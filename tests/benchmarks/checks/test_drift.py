import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.checks.drift import Decodes, Difference, difference, report, worst
from aez.benchmarks.checks.drift_setups import decoders, encoders
from aez.benchmarks.checks.drift_worker import DriftJob
from aez.bitstream import read_header

pytestmark = pytest.mark.torch


def test_difference() -> None:
    a = np.full((10, 100, 4), 7, np.uint8)
    b = a.copy()
    assert difference(a, b) == Difference(0, 1.0, 100.0)
    b[0, 0] = 6
    assert difference(a, b).tolerable
    b[0, :2] = 4
    assert difference(a, b).largest == 3 and not difference(a, b).tolerable


def test_worst_of_each_figure() -> None:
    assert worst([Difference(1, 0.9, 60.0), Difference(2, 1.0, 50.0)]) == Difference(2, 0.9, 50.0)


def test_configurations_cover_runtimes_threads_and_instruction_sets() -> None:
    assert len({setup.name for setup in decoders()}) == len(decoders())
    found = {(setup.runtime, setup.threads, setup.isa) for setup in decoders()}
    assert found >= {(runtime, n, isa) for runtime in ("light", "torch") for n in (1, 2) for isa in ("native", "AVX2")}
    assert {(setup.runtime, setup.threads) for setup in encoders()} == {
        (runtime, n) for runtime in ("light", "torch") for n in (1, 2)
    }


def test_report_has_qualities_pictures_and_configurations() -> None:
    first, other, *_ = decoders()
    files = [Decodes("a.png", "50", frozenset("d"), {(first, other): Difference(1, 1.0, 60.0)})]
    lines = report(files).splitlines()
    assert [line.split("  ")[0] for line in lines if line.endswith("yes")] == ["quality 50", "a.png", other.name]


def worker(job: DriftJob) -> dict[str, str]:
    command = [sys.executable, "-m", "aez.benchmarks.checks.drift_worker"]
    done = subprocess.run(command, input=job.to_json(), capture_output=True, text=True, check=True)
    result: dict[str, str] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_light_and_torch_agree_on_grey_alpha_and_tiles(tmp_path: Path, photo: NDArray[np.uint8], mode: str) -> None:
    image = Image.fromarray(photo[:272, :288]).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(photo[:272, :288, 0]))
    image.save(tmp_path / "a.png")
    found = {}
    for runtime in ("light", "torch"):
        setup = {"threads": 1, "precision": "float32", "device": "cpu", "runtime": runtime, "contiguous": False}
        inputs = [tmp_path / "a.png"]
        if not found:
            worker(DriftJob("photo", (str(inputs[0]),), str(tmp_path), (50.0,), **setup))
        files = sorted(tmp_path.glob("*.aez"))
        (tmp_path / runtime).mkdir()
        digests = worker(DriftJob("photo", tuple(map(str, files)), str(tmp_path / runtime), (), **setup))
        found[runtime] = digests, [np.load(tmp_path / runtime / f"{file.name}.npy") for file in files]
    assert [file.name for file in files] == ["a.png-q50-tiles.aez", "a.png-q50.aez"]
    assert read_header(files[0].read_bytes()).tile_log2 == 4 and not read_header(files[1].read_bytes()).tile_log2
    assert found["light"][0] == found["torch"][0] and len(found["light"][0]) == 2
    for a, b in zip(found["light"][1], found["torch"][1], strict=True):
        assert a.shape == np.asarray(image).shape
        assert difference(a, b).tolerable
