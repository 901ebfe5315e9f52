import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.codecs.pillow_formats import PillowCodec
from aez.benchmarks.curves import read_results
from aez.benchmarks.report import runner
from aez.cli.shared.progress import ProgressBar

pytestmark = pytest.mark.torch

PLOTS = ("rd-psnr.png", "rd-msssim.png", "rd-ssimulacra2.png", "speed.png")
FILES = ("results.json", "results.csv", *PLOTS, "report.html")
SHORT = ("--metrics", "psnr,ms_ssim", "--repeats", 1, "--threads", 1)


@pytest.fixture
def pictures(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, left in (("a", 0), ("b </script>", 200)):
        Image.fromarray(photo[:176, left : left + 192]).save(folder / f"{name.replace('/', '_')}.png")
    return folder


def test_a_report(aez: Any, pictures: Path, tmp_path: Path, tiny_path: Path) -> None:
    out = tmp_path / "report"
    codecs = ("--codecs", f"jpeg,aez:model={tiny_path}", "--qualities", "10,50,90", "--qualities", "jpeg=10,40,70,95")
    result = aez("bench", pictures, "-o", out, *codecs, *SHORT, "--viewer-pictures", 1)
    assert (result.code, result.err) == (0, "")
    assert all((out / name).stat().st_size for name in FILES)
    results = read_results(out / "results.json")
    jpeg, ours = results["codecs"]
    assert [point["setting"] for point in jpeg["points"]] == ["10", "40", "70", "95"]
    assert len(ours["points"]) == 3
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert len(rows) == 2 * 7
    # The mean of the file sizes is what the points say, and sizes are those of real files.
    sizes = [8 * int(row["bytes"]) / (176 * 192) for row in rows if row["codec"] == "jpeg" and row["setting"] == "40"]
    assert jpeg["points"][1]["bpp"] == pytest.approx(sum(sizes) / 2, rel=1e-5)
    assert all(point["encode_ms"] > 0 and point["psnr"] > 15 for codec in (jpeg, ours) for point in codec["points"])
    cells = {(cell["test"], cell["anchor"]): cell for cell in results["bd"]["psnr"]}
    assert len(cells) == 2
    page = (out / "report.html").read_text()
    assert "https://cdn" not in page.split("<style>")[0]
    assert page.count("</script>") == 3


def test_goes_on_where_it_was(aez: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "report"
    calls: list[float] = []
    measure = runner.measure

    def counting(adapter: Any, image: Any, quality: float, repeats: int) -> Any:
        calls.append(quality)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return measure(adapter, image, quality, repeats)

    monkeypatch.setattr(runner, "measure", counting)
    arguments = (
        "bench",
        pictures,
        "-o",
        out,
        "--codecs",
        "jpeg",
        "--qualities",
        "10,50,90",
        *SHORT,
        "--viewer-pictures",
        0,
    )
    assert aez(*arguments).code == 130
    assert not (out / "report.html").exists()
    lines = (out / "measurements.jsonl").read_text().splitlines()
    assert len(lines) == 3  # the first picture
    with (out / "measurements.jsonl").open("a") as file:
        file.write(lines[0][:40])  # as if stopped while writing
    calls.clear()
    calls.extend([0] * 5)
    assert aez(*arguments).code == 0
    assert calls[5:] == [10, 50, 90]
    assert aez(*arguments).code == 0
    assert len(calls) == 8
    assert len(read_results(out / "results.json")["codecs"][0]["points"]) == 3


def test_one_failure_does_not_end_the_run(
    aez: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = PillowCodec.encode

    def failing(self: PillowCodec, image: Image.Image, quality: float) -> bytes:
        if self.name == "webp" and quality == 50 and image.getpixel((0, 0)) == first:
            raise OSError("encoder error 4")
        return encode(self, image, quality)

    first = Image.open(pictures / "a.png").getpixel((0, 0))
    monkeypatch.setattr(PillowCodec, "encode", failing)
    (pictures / "c.png").write_bytes(b"not a picture")
    out = tmp_path / "report"
    arguments = ("--codecs", "jpeg,webp", "--qualities", "10,50,90", *SHORT, "--viewer-pictures", 0)
    result = aez("bench", pictures, "-o", out, *arguments)
    assert result.code == 1
    assert "encoder error 4" in result.err
    results = read_results(out / "results.json")
    assert [failure["picture"] for failure in results["failures"]] == ["c.png", "a.png"]
    jpeg, webp = results["codecs"]
    assert [point["setting"] for point in jpeg["points"]] == ["10", "50", "90"]
    # A mean over fewer pictures than the others' would not compare.
    assert [point["setting"] for point in webp["points"]] == ["10", "90"]


def test_what_is_not_installed_is_skipped(
    aez: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    runner._adapter.cache_clear()
    out = tmp_path / "report"
    arguments = (
        "--codecs",
        "jpeg,heic",
        "--qualities",
        "50",
        "--metrics",
        "psnr",
        "--repeats",
        0,
        "--viewer-pictures",
        0,
    )
    result = aez("bench", pictures / "a.png", "-o", out, *arguments)
    assert result.code == 0
    assert "pip install pillow-heif" in result.err
    assert read_results(out / "results.json")["skipped"]["heic"]


def test_packages_are_asked_for_first(
    aez: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("plotly", "bjontegaard"):
        monkeypatch.setitem(sys.modules, name, None)
    result = aez("bench", pictures, "-o", tmp_path / "report", "--codecs", "jpeg")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "aez: a report needs bjontegaard and plotly, which are not installed: pip install 'aez[bench]'\n"
    )
    assert not (tmp_path / "report").exists()


def test_a_log_gets_a_line_a_minute(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the environment forces colours, which rich takes for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with ProgressBar("measurements", quiet=False) as advance:
        for done in range(601):
            advance(done, 1200)
            now += 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "aez: 60 of 1200 measurements, about 19 min left"
    assert len(lines) == 10
    with ProgressBar("measurements", quiet=True) as advance:
        now += 100
        advance(5, 10)
    assert capsys.readouterr().err == ""


def test_in_several_processes(aez: Any, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = (
        "--codecs",
        "jpeg",
        "--qualities",
        "10,90",
        "--metrics",
        "psnr",
        "--repeats",
        0,
        "--viewer-pictures",
        0,
    )
    assert aez("bench", pictures, "-o", out, *arguments, "--jobs", 2).code == 0
    assert len(json.loads((out / "results.json").read_text())["codecs"][0]["points"]) == 2


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("none.png",), "no such file"),
        (("--codecs", "none"), "no codec"),
        (("--metrics", "none"), "no metric"),
        (("--codecs", "jpeg:speed=4"), "unknown option"),
        (("--codecs", "jpeg", "--qualities", "jpeg=500"), "qualities are integers"),
    ],
)
def test_mistakes(aez: Any, pictures: Path, tmp_path: Path, arguments: tuple[str, ...], what: str) -> None:
    result = aez("bench", pictures, "-o", tmp_path / "report", *arguments)
    assert result.code == 1
    assert what in result.err
    # PyTorch may say first, once a process, that it has found CUDA's compiler and no accelerator.
    assert [line[:5] for line in result.err.splitlines() if "No CUDA runtime" not in line] == ["aez: "]


def test_compare_two(aez: Any, pictures: Path, tmp_path: Path) -> None:
    Image.open(pictures / "a.png").save(tmp_path / "a.jpg", quality=50)
    result = aez("compare", pictures / "a.png", tmp_path / "a.jpg", "--metrics", "psnr,ms_ssim")
    assert result.code == 0
    assert "PSNR RGB, dB" in result.out
    Image.open(pictures / "a.png").crop((0, 0, 9, 9)).save(tmp_path / "small.png")
    result = aez("compare", pictures / "a.png", tmp_path / "small.png")
    assert result.code == 1
    assert "9×9" in result.err


def test_compare_codecs(aez: Any, pictures: Path, tmp_path: Path, tiny_path: Path) -> None:
    out = tmp_path / "side.png"
    arguments = ("--codecs", f"jpeg,webp,aez:model={tiny_path}", "--size", 2500, "--metrics", "psnr", "-o", out)
    result = aez("compare", pictures / "a.png", *arguments, "--crop", "10,20,64")
    assert result.code == 0
    sizes = [int(line.split()[2]) for line in result.out.splitlines()[1:]]
    assert len(sizes) == 3
    assert all(2200 < size <= 2500 for size in sizes)
    assert Image.open(out).size == (4 * 138 - 10, 128 + 28)
    assert aez("compare", pictures / "a.png", *arguments).code == 1  # exists already
    assert aez("compare", pictures / "a.png").code == 2
