"""The perceptual distortion: what it is made of, its slope, and pictures that are too small for some of it."""

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aez.codec.networks.contrast import contrast_error
from aez.codec.networks.ms_ssim import ms_ssim
from aez.codec.networks.perception import perceptual_distortion, perceptual_loss
from aez.codec.networks.ssimulacra2 import ssimulacra2, ssimulacra2_error
from aez.codec.picture.contrast import contrast_slope
from aez.codec.picture.linear_light import to_linear_slope
from aez.codec.picture.perception import perceptual_slope

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


def pair(photo: Photo, rows: int, columns: int, quality: int = 30) -> tuple[Tensor, Tensor]:
    """A part of a picture and the same as a JPEG, samples / 255 − 1/2."""
    part, buffer = np.ascontiguousarray(photo[:rows, :columns]), io.BytesIO()
    Image.fromarray(part).save(buffer, "JPEG", quality=quality)
    both = part, np.array(Image.open(buffer))
    x, y = (torch.from_numpy(one.astype(np.float32)).permute(2, 0, 1)[None] / 255 - 0.5 for one in both)
    return x, y


def test_it_is_a_sum_of_four_metrics(photo: Photo) -> None:
    x, y = pair(photo, 193, 181)
    original, decoded = (x + 0.5) * 255, (y + 0.5) * 255
    seen = ssimulacra2_error(original, decoded)
    similar, contrast = 1 - ms_ssim(original, decoded), contrast_error(original, decoded)
    expected = 4.3e-5 * seen + 0.0096 * similar + 6e-6 * contrast + 0.1 * (x - y).square().mean()
    assert torch.allclose(perceptual_distortion(x, y), expected)
    exact = ssimulacra2_error(original, decoded, least=0.0, floor=0.0)
    assert float(seen) == pytest.approx(float(exact), rel=1e-3)
    assert float(ssimulacra2(original, decoded)) < 80


@pytest.mark.parametrize(("rows", "columns"), [(193, 181), (40, 33), (8, 9)])
def test_errors_of_contrast_are_those_of_encoders(photo: Photo, rows: int, columns: int) -> None:
    x, y = ((picture + 0.5) * 255 for picture in pair(photo, rows, columns))
    y = (y * 0.97 + 2).requires_grad_(True)
    found = contrast_error(x, y)
    (by_sample,) = torch.autograd.grad(found.sum(), y)
    (light, by_level), (original, _) = (to_linear_slope(picture[0].detach().numpy()) for picture in (y, x))
    error, by_light = contrast_slope(original, light)
    assert float(found.detach()) == pytest.approx(error, rel=1e-4)
    assert np.linalg.norm(by_light * by_level - by_sample[0].numpy()) < 1e-3 * by_sample.norm()


@pytest.mark.parametrize(("rows", "columns"), [(150, 200), (9, 40), (5, 30), (1, 1)])
def test_small_pictures_have_one_too(photo: Photo, rows: int, columns: int) -> None:
    better, worse = (float(perceptual_distortion(*pair(photo, rows, columns, quality))) for quality in (95, 5))
    assert 0 <= better < worse or rows == 1
    assert float(perceptual_distortion(*(pair(photo, rows, columns)[0],) * 2)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("rows", "columns", "channels"), [(193, 181, 3), (170, 165, 1), (120, 131, 3), (9, 40, 3), (5, 7, 1)]
)
def test_encoders_have_the_same_distortion_and_its_slope(photo: Photo, rows: int, columns: int, channels: int) -> None:
    x, y = (picture[:, :channels].contiguous() for picture in pair(photo, rows, columns))
    y = (y * 0.97).requires_grad_(True)  # away from the ends of the range, where clipping has no slope
    expected = perceptual_distortion(x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1)).sum()
    (by_sample,) = torch.autograd.grad(expected, y)
    levels, original = ((picture[0].detach().permute(1, 2, 0).numpy() + 0.5) * 255 for picture in (y, x))
    distortion, slope = perceptual_slope(levels, original.round().astype(np.uint8))
    assert distortion == pytest.approx(float(expected.detach()), rel=1e-3)
    wanted = by_sample[0].permute(1, 2, 0).numpy() * levels.size
    assert np.linalg.norm(slope - wanted) < 0.05 * np.linalg.norm(wanted)


@pytest.mark.parametrize("fine", [False, True])
def test_a_step_down_the_slope_lessens_the_distortion_by_what_it_says(photo: Photo, fine: bool) -> None:
    x, y = ((picture[0].permute(1, 2, 0).numpy() + 0.5) * 255 for picture in pair(photo, 193, 181))
    original, levels = x.round().astype(np.uint8), (y * 0.97).astype(np.float32)
    before, slope = perceptual_slope(levels, original, fine=fine)
    step = 0.02 * before / np.square(slope).mean()
    after, _ = perceptual_slope(levels - np.float32(255 * step) * slope, original, fine=fine)
    assert after == pytest.approx(0.98 * before, rel=0.005)


def test_an_encoder_that_verifies_nothing_leaves_out_the_full_size(photo: Photo) -> None:
    x, y = ((picture[0].permute(1, 2, 0).numpy() + 0.5) * 255 for picture in pair(photo, 193, 181))
    coarse, fine = (perceptual_slope(y, x.round().astype(np.uint8), fine=fine)[0] for fine in (False, True))
    assert 0.5 * fine < coarse < 0.95 * fine


def test_equal_and_flat_pictures_have_a_finite_slope() -> None:
    flat = np.full((170, 180, 3), 128, np.uint8)
    distortion, slope = perceptual_slope(flat.astype(np.float32), flat)
    assert distortion == pytest.approx(0, abs=1e-9)
    assert np.isfinite(slope).all()


def test_training_has_the_same_distortion_and_slope(photo: Photo) -> None:
    x, y = (torch.cat(both) for both in zip(pair(photo, 193, 181, 30), pair(photo, 193, 181, 70), strict=True))
    weights = torch.tensor([2.0, 5.0])
    slopes = []
    for distortion in (perceptual_distortion, perceptual_loss):
        decoded = (y * 0.97).requires_grad_(True)
        found = distortion(x, decoded)
        slopes.append((found.detach(), *torch.autograd.grad((weights * found).sum(), decoded)))
    (want, slope), (found, fast) = slopes
    assert torch.allclose(found, want, rtol=1e-3)
    for one, other in zip(fast, slope, strict=True):
        assert (one - other).norm() < 0.05 * other.norm()


def test_samples_beyond_their_range_are_drawn_back(photo: Photo) -> None:
    x, y = pair(photo, 193, 181)
    beyond = (y * 1.2).requires_grad_(True)
    (slope,) = torch.autograd.grad(perceptual_loss(x, beyond).sum(), beyond)
    outside = beyond.detach().abs() > 0.55
    assert outside.any()
    assert (slope[outside] * beyond.detach()[outside] > 0).all()
