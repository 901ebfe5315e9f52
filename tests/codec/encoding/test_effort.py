import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.encoding.corrections import corrected
from aez.codec.encoding.effort import EFFORTS, Effort, effort_of
from aez.codec.encoding.encoder import encode
from aez.codec.geometry import windows
from aez.codec.model.weightfile import Weights
from aez.codec.picture.psnr import psnr_of
from tests.codec.stages import candidate_of, decoded, latents, setting_of, small_windows


@pytest.fixture(scope="module")
def flagship(packaged: Weights) -> Codec:
    return Codec(packaged, "cpu", "float32")


@pytest.fixture(scope="module")
def piece(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return photo[40:168, 150:300]


def cost(codec: Codec, picture: NDArray[np.uint8], quality: float, level: int) -> float:
    """Bits and weighted distortion: what training descends."""
    data = codec.encode(picture, quality, effort=level)
    decoded = codec.decode_array(data)
    mse = float(np.square(decoded.astype(float) - picture).mean()) / 255**2
    weight = codec.quality_scale.distortion_weight(codec.quality_scale.position_of(quality))
    pixels = picture.shape[0] * picture.shape[1]
    return 8 * len(data) / pixels + weight * mse


@pytest.mark.slow
def test_effort_pays(flagship: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[:320, 100:420]
    plain, once, often = (
        sum(cost(flagship, picture, quality, level) / cost(flagship, picture, quality, 0) for quality in (30, 60, 90))
        for level in (0, 2, 6)
    )
    assert len(flagship.encode(picture, 60, effort=1)) < 0.99 * len(flagship.encode(picture, 60, effort=0))
    assert once < 0.99 * plain
    assert often < once


@pytest.mark.slow
def test_effort_is_deterministic(flagship: Codec, piece: NDArray[np.uint8]) -> None:
    files = {flagship.encode(piece, 50, effort=6) for _ in range(2)}
    assert len(files) == 1
    assert len({flagship.encode(piece, 50, effort=level) for level in (0, 1, 2, 6)}) == 4


def test_curvature_is_that_of_the_decoder(flagship: Codec) -> None:
    """A unit in one latent, decoded by the whole synthesis, makes the error that the table says."""
    networks, at = flagship.networks, 8 * 256 + 77
    worth = networks.curvature(at, 3)
    weight = flagship.quality_scale.distortion_weight(at) / 255**2
    y = np.zeros((flagship.weights.config.latent, 5, 5), np.float32)
    ground = networks.synthesise(y, at, 3)
    for channel in (0, 3, 40, 200):
        y[:] = 0
        y[channel, 2, 2] = 1
        up, down = (networks.synthesise(sign * y, at, 3) - ground for sign in (np.float32(1), np.float32(-1)))
        second = float(np.square(up).sum() + np.square(down).sum()) / 2
        assert float(worth[channel]) == pytest.approx(second / 3 * weight, rel=0.35)


def test_grey_counts_luma_only(flagship: Codec, piece: NDArray[np.uint8]) -> None:
    networks, at = flagship.networks, 8 * 256
    assert (networks.curvature(at, 1) < 0.2 * networks.curvature(at, 3)).any()
    grey = piece.mean(2).astype(np.uint8)
    plain, once, often = (
        sum(cost(flagship, grey, quality, level) / cost(flagship, grey, quality, 0) for quality in (50, 80))
        for level in (0, 2, 4)
    )
    assert once < 0.99 * plain
    assert often < 1.001 * once


@pytest.mark.parametrize(("level", "quality", "decoded"), [(0, 50, 0), (2, 50, 1), (3, 50, 3), (2, 100, 2)], ids=str)
def test_corrections_are_verified_where_an_effort_or_the_picture_asks_for_it(
    flagship: Codec,
    piece: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
    level: int,
    quality: float,
    decoded: int,
) -> None:
    """At quality 100 the first symbols come so near the original that a correction may do harm."""
    calls = []
    plain = type(flagship.networks).synthesise

    def counted(*args: object, **settings: object) -> object:
        calls.append(args)
        return plain(*args, **settings)

    monkeypatch.setattr(type(flagship.networks), "synthesise", counted)
    flagship.encode(piece, quality, effort=level)
    assert len(calls) == decoded


def test_a_correction_moves_towards_the_picture(flagship: Codec, piece: NDArray[np.uint8]) -> None:
    """Latents of another picture are drawn to this one: distortion falls at once."""
    setting = setting_of(flagship, 80, Effort(0.0, steps=(1.0,)))
    y, _ = latents(setting, np.roll(piece, 16, 1))
    _, z = latents(setting, piece)
    candidate = candidate_of(setting, piece, y, z)
    before = psnr_of(piece, decoded(setting, z, candidate.r, piece.shape))
    measured = corrected(setting, candidate, None)
    assert -10 * np.log10(measured.error / piece.size) == pytest.approx(before, abs=0.05)
    assert measured.target is not None
    better = candidate.moved(setting, measured.target)
    assert psnr_of(piece, decoded(setting, z, better.r, piece.shape)) > before + 6


@pytest.mark.slow
@pytest.mark.parametrize(("foresight", "share"), [(False, 1e-4), (True, 1e-3)])
def test_windows_correct_like_the_whole(
    flagship: Codec, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, foresight: bool, share: float
) -> None:
    """Foresight does not see what uncoded elements of the next window cost, so there a few symbols differ."""
    picture = photo[:400, :500]
    effort = Effort(0.9, 1 if foresight else 3, foresight=foresight)
    # The picture filter is fitted to each window, so what it changes differs between windows.
    plain = Codec(flagship.weights.without("filter."), "cpu", "float32")
    setting = setting_of(plain, 60, effort)
    whole = encode(setting, picture).symbols
    small = functools.partial(windows.cell_windows, height=2, size=4, whole=0)
    small_windows(monkeypatch, small)
    parts = encode(setting, picture).symbols
    assert np.array_equal(whole.z, parts.z)
    assert (whole.r != parts.r).mean() <= share


def test_a_perceptual_model_takes_short_steps() -> None:
    levels = [effort_of(level, "perceptual") for level in range(10)]
    assert levels[:2] == [EFFORTS[0], EFFORTS[1]]
    assert all(step < 0.1 for effort in levels if effort.passes for step in effort.steps)
    assert [effort.needs_gradients for effort in levels] == [effort.needs_gradients for effort in EFFORTS]
    work = [(effort.descents, effort.passes, len(effort.steps)) for effort in levels[1:]]
    assert work == sorted(set(work))


@pytest.mark.torch
def test_callers_in_inference_mode_get_the_same_file(packaged: Weights, piece: NDArray[np.uint8]) -> None:
    import torch

    codec = Codec(packaged, "cpu", "float32", "torch")
    plain = codec.encode(piece, 50)
    with torch.inference_mode():
        assert codec.encode(piece, 50) == plain
    with torch.no_grad():
        assert codec.encode(piece, 50) == plain


def test_levels() -> None:
    assert len(EFFORTS) == 10
    work = [e.passes + 3 * e.descents + e.hyper_steps for e in EFFORTS]
    assert work == sorted(work)
    for level in (-1, 10):
        with pytest.raises(ValueError, match="effort must be from 0 to 9"):
            effort_of(level)


def test_the_context_is_computed_once_a_picture(
    flagship: Codec, piece: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, context = [], flagship.networks.context
    monkeypatch.setattr(flagship.networks, "context", lambda *place: calls.append(1) or context(*place))
    flagship.encode(piece, 50, effort=5)
    assert len(calls) == 1
