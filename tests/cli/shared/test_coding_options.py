from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import read_header
from aez.cli.shared.options import coding as options
from aez.cli.shared.options.types import Size
from aez.codec.codec import Codec
from aez.codec.encoding.target import Target
from aez.codec.model.weightfile import Weights
from aez.codec.options import EncodeOptions
from aez.codec.picture.psnr import psnr_of
from aez.codec.picture.ssimulacra2 import ssimulacra2_of


@pytest.fixture
def larger(folder: Path, photo: NDArray[np.uint8]) -> Path:
    path = folder / "larger.png"
    Image.fromarray(photo[:160, 100:260]).save(path)
    return path


def test_without_options_the_librarys_defaults_hold() -> None:
    names = ("quality", "target_size", "target_bpp", "target_psnr", "target_score")
    given = dict.fromkeys(names) | {"lossless": False}
    assert options.options_of(**given) == EncodeOptions()  # type: ignore[arg-type]
    assert options.options_of(**given | {"target_bpp": 0.5}).target == Target(bpp=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("-q", "50", "--target-size", "9kB"), "--quality and --target-size exclude each other"),
        (("--target-psnr", "30", "--target-bpp", "1"), "--target-bpp and --target-psnr exclude each other"),
        (("--target-size", "tiny"), "not a size"),
        (("--target-size", "0"), "not a size"),
        (("--target-bpp", "nan"), "not a finite number"),
        (("--target-psnr", "inf"), "not a finite number"),
        (("--target-psnr", "-3"), "range"),
        (("--target-score", "100"), "range"),
        (("--target-score", "70", "-q", "70"), "--quality and --target-score exclude each other"),
        (("--effort", "10"), "range"),
        (("-q", "0"), "range"),
        (("-q", "90", "--lossless"), "--quality and --lossless exclude each other"),
        (("--target-psnr", "40", "--lossless"), "--target-psnr and --lossless exclude each other"),
        (("--lossless", "--content", "photo"), "lossless excludes"),
        (("--lossless", "--alpha-quality", "50"), "lossless excludes"),
        (("--content", "text"), "'auto', 'photo', 'graphics'"),
    ],
)
def test_options_that_make_no_sense(
    aez: Any, folder: Path, model: Any, options: tuple[str, ...], complaint: str
) -> None:
    result = aez("compress", folder / "a.png", *options, *model)
    assert result.code == 2
    assert complaint in result.err
    assert not (folder / "a.aez").exists()


@pytest.mark.parametrize(("text", "size"), [("1500", 1500), ("1.5kB", 1500), ("2KiB", 2048), ("1 MB", 10**6)])
def test_sizes(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size


def test_targets(aez: Any, larger: Path, model: Any, codec: Codec) -> None:
    out, picture = larger.with_suffix(".aez"), np.array(Image.open(larger))
    low, high = (len(codec.encode(picture, q)) for q in (5, 95))
    size = (low + high) // 2
    assert aez("compress", larger, "--target-size", size, *model).code == 0
    assert 0.98 * size <= out.stat().st_size <= size
    bpp = 8 * size / picture.shape[0] / picture.shape[1]
    assert aez("compress", larger, "--target-bpp", bpp, *model, "--overwrite").code == 0
    assert 0.98 * size - 1 <= out.stat().st_size <= size
    goal = psnr_of(picture, codec.decode_array(codec.encode(picture, 60))) - 0.01
    assert aez("compress", larger, "--target-psnr", goal, *model, "--overwrite").code == 0
    # The command may have decoded in another precision.
    assert goal - 0.02 <= psnr_of(picture, codec.decode_array(out.read_bytes())) <= goal + 0.3
    goal = ssimulacra2_of(picture, codec.decode_array(codec.encode(picture, 60))) - 0.1
    assert aez("compress", larger, "--target-score", goal, *model, "--overwrite").code == 0
    assert goal - 0.1 <= ssimulacra2_of(picture, codec.decode_array(out.read_bytes())) <= goal + 2


def test_targets_that_cannot_be_missed(aez: Any, larger: Path, model: Any, codec: Codec) -> None:
    out = larger.with_suffix(".aez")
    for option, value, quality in (("--target-size", "1MB", 100), ("--target-bpp", 99, 100), ("--target-psnr", 3, 1)):
        assert aez("compress", larger, option, value, *model, "--overwrite").code == 0
        assert read_header(out.read_bytes()).quality == codec.quality_scale.position_of(quality)


def test_targets_out_of_reach(aez: Any, larger: Path, model: Any) -> None:
    result = aez("compress", larger, "--target-size", "20", *model)
    assert result.code == 1
    assert str(larger) in result.err
    assert "20 bytes cannot be reached: this picture takes at least" in result.err
    assert not larger.with_suffix(".aez").exists()


def test_effort(aez: Any, larger: Path, model: Any, tiny: Weights) -> None:
    codec = Codec(tiny, "cpu")  # in the precision that the command chooses
    out, picture = larger.with_suffix(".aez"), np.array(Image.open(larger))
    for level in (0, 4):
        assert aez("compress", larger, "--effort", level, *model, "--overwrite").code == 0
        assert out.read_bytes() == codec.encode(picture, effort=level)
