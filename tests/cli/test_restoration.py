import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez import codec

pytestmark = pytest.mark.torch

Samples = NDArray[np.uint8]


@pytest.fixture
def noisy(tmp_path: Path, photo: Samples) -> Path:
    clean = photo[60:156, 180:308]
    noise = np.random.default_rng(0).normal(0, 25, clean.shape)
    Image.fromarray((clean + noise).round().clip(0, 255).astype(np.uint8)).save(tmp_path / "noisy.png")
    return tmp_path / "noisy.png"


def samples(path: Path) -> Samples:
    with Image.open(path) as image:
        return np.array(image)


def test_denoise(aez: Any, noisy: Path) -> None:
    result = aez("denoise", noisy, "--sigma", 25)
    made = noisy.parent / "noisy.denoised.png"
    assert (result.code, result.err) == (0, "")
    assert str(made) in result.out and "128×96" in result.out
    assert (samples(made) == codec.denoise(samples(noisy), 25)).all()
    assert aez("denoise", noisy).code == 1  # exists
    assert aez("denoise", noisy, "-o", noisy).code == 1
    assert aez("denoise", noisy, "--overwrite", "--sigma", "auto", "--effort", 1).code == 0
    assert (samples(made) == codec.denoise(samples(noisy), effort=1)).all()


def test_denoise_a_folder(aez: Any, noisy: Path) -> None:
    Image.open(noisy).convert("L").save(noisy.parent / "grey.png")
    out = noisy.parent / "out"
    result = aez("denoise", "-r", noisy.parent, "-o", out, "--sigma", 25, "--json")
    assert result.code == 0
    assert {json.loads(line)["status"] for line in result.out.splitlines()} == {"done"}
    assert samples(out / "grey.denoised.png").ndim == 2


@pytest.mark.parametrize("sigma", ["-1", "61", "nan", "much"])
def test_wrong_sigma(aez: Any, noisy: Path, sigma: str) -> None:
    for command in ("denoise", "compress"):
        result = aez(command, noisy, f"--sigma={sigma}")
        assert result.code == 2 and "--sigma" in result.err


def test_output_formats(aez: Any, noisy: Path) -> None:
    target = noisy.parent / "made.jpg"
    assert aez("denoise", noisy, "-o", target).code == 0
    with Image.open(target) as image:
        assert image.format == "JPEG"
    result = aez("denoise", noisy, "-o", noisy.parent / "made.what")
    assert result.code == 1 and ".what" in result.err


def test_compress_denoised(aez: Any, noisy: Path) -> None:
    out = noisy.parent / "a.aez"
    assert aez("compress", noisy, "-o", out).code == 0
    plain = out.read_bytes()
    assert aez("compress", noisy, "-o", out, "--overwrite", "--denoise", "--sigma", 25).code == 0
    clear = out.read_bytes()
    assert len(clear) < 0.9 * len(plain)
    assert clear == codec.encode(codec.denoise(samples(noisy), 25))
    result = aez("compress", noisy, "-o", out, "--overwrite", "--sigma", 25)
    assert result.code == 2 and "--denoise" in result.err


def test_inpaint(aez: Any, noisy: Path) -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[40:50, 60:70] = 255
    Image.fromarray(mask).save(noisy.parent / "mask.png")
    result = aez("inpaint", noisy, "--mask", noisy.parent / "mask.png", "--steps", 3)
    assert (result.code, result.err) == (0, "")
    made, true = samples(noisy.parent / "noisy.filled.png"), samples(noisy)
    assert (made[mask == 0] == true[mask == 0]).all() and (made[mask > 0] != true[mask > 0]).any()
    Image.fromarray(mask[:50]).save(noisy.parent / "small.png")
    result = aez("inpaint", noisy, "--mask", noisy.parent / "small.png", "--overwrite")
    assert result.code == 1
    assert "small.png: the mask is of 128×50 pixels, the picture of 128×96" in result.err
    result = aez("inpaint", noisy, "--mask", noisy.parent / "none.png", "--overwrite")
    assert result.code == 1 and "none.png: no such file" in result.err
    assert aez("inpaint", noisy).code == 2


def test_enlarge(aez: Any, noisy: Path) -> None:
    assert aez("enlarge", noisy, "--steps", 2, "-o", noisy.parent / "large.png").code == 0
    assert samples(noisy.parent / "large.png").shape == (192, 256, 3)
    result = aez("enlarge", noisy, "--model", noisy.parent / "none.safetensors")
    assert result.code == 1 and "none.safetensors" in result.err


def test_colourise(aez: Any, noisy: Path) -> None:
    Image.open(noisy).convert("LA").save(noisy.parent / "grey.png")
    assert aez("colourise", noisy.parent / "grey.png", "--saturation", 1.5).code == 0
    made = samples(noisy.parent / "grey.coloured.png")
    assert made.shape == (96, 128, 4)
    assert (made[:, :, :3] == codec.colourise(samples(noisy.parent / "grey.png"), saturation=1.5)[:, :, :3]).all()


@pytest.mark.parametrize("command", ["denoise", "enlarge", "colourise"])
def test_bad_inputs(aez: Any, tmp_path: Path, command: str) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    result = aez(command, tmp_path / "broken.png")
    assert result.code == 1 and "broken.png" in result.err and result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["broken.png"]
    result = aez(command, tmp_path / "missing.png")
    assert result.code == 1 and "missing.png: no such file" in result.err
