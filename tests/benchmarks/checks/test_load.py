"""Load for a second: the same results in threads and processes, and what fails the check."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.checks import load, load_worker
from aez.benchmarks.checks.load import Process
from aez.bitstream import AezError


@pytest.fixture
def jobs(tmp_path: Path, photo: NDArray[np.uint8], tiny_path: Path) -> Path:
    Image.fromarray(photo[100:164, 200:280]).save(tmp_path / "a.png")
    (tmp_path / "jobs").mkdir()
    load_worker.job_files([tmp_path / "a.png"], str(tiny_path), tmp_path / "jobs")
    return tmp_path / "jobs"


def test_processes_agree(jobs: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    team = load.run_team(["light", "light"], jobs, 1 / 60, 3)
    load.judge(team)
    for one in team:
        assert {"decode", "region", "preview", "digest", "encode"} == set(one.jobs)
        assert len(one.digests) == 4 and one.megabytes[0] > 20
    load.draw(team, 1 / 60, tmp_path / "load.png")
    with Image.open(tmp_path / "load.png") as image:
        assert image.size == (700, 320)


def test_other_results_are_errors(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10**9))
    monkeypatch.setattr(load_worker, "_preview", lambda *_: b"%d" % next(calls))
    monkeypatch.setattr("sys.stdin.readline", lambda: "\n", raising=False)
    done = load_worker.work("light", jobs, 0.5, 2)
    assert any("preview" in error and "another result" in error for error in done["errors"])


@pytest.mark.parametrize(
    ("team", "reason"),
    [
        ([Process("light", [100.0] * 9, {}, ["decode x: KeyError()"], [])], "1 errors, the first: decode x"),
        (
            [Process("light", [100.0] * 9, {}, [], ["a"]), Process("torch", [1.0] * 9, {}, [], ["b"])],
            "different symbols",
        ),
        ([Process("light", [100.0 + 10 * i for i in range(20)], {}, [], [])], "grew by 120 MB"),
    ],
)
def test_what_fails(team: list[Process], reason: str) -> None:
    with pytest.raises(AezError, match=reason):
        load.judge(team)


def test_memory_that_rises_at_the_start_is_no_growth() -> None:
    load.judge([Process("light", [100.0, 150.0, 190.0, 200.0] + [200.0, 215.0] * 20, {}, [], [])])
