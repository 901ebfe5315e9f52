"""The linear path's prediction for other symbols, against decoding them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.encoding.corrections import corrected
from aez.codec.encoding.effort import Effort
from aez.codec.encoding.prediction import Prediction
from aez.codec.geometry.grid import Grid
from aez.codec.model.weightfile import Weights
from tests.codec.stages import candidate_of, decoded, latents, setting_of

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module", params=["light", pytest.param("torch", marks=pytest.mark.torch)])
def flagship(packaged: Weights, request: pytest.FixtureRequest) -> Codec:
    return Codec(packaged, "cpu", "float32", request.param)


@pytest.mark.parametrize("channels", [1, 3])
def test_expanding_is_the_transpose_of_projecting(flagship: Codec, channels: int) -> None:
    networks, random = flagship.networks, np.random.default_rng(1)
    change = random.normal(size=(5, flagship.weights.config.latent)).astype(np.float32)
    errors = random.normal(size=(5, 256 * channels)).astype(np.float32)
    gain = np.exp(
        flagship.weights.quality_row("decoder_gain.rows", 700) - flagship.weights.quality_row("encoder_gain.rows", 700)
    )
    there = (networks.expand(change, 700, channels) * errors).sum(dtype=float)
    back = (change * gain * networks.project(errors, channels)).sum(dtype=float)
    assert there == pytest.approx(back, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("grey", [False, True])
def test_most_of_a_change_is_predicted(flagship: Codec, photo: Photo, grey: bool) -> None:
    picture = photo[:231, :301].mean(2).astype(np.uint8) if grey else photo[:231, :301]
    setting = setting_of(flagship, 60, Effort(0.5, 1), grey=grey)
    before = candidate_of(setting, picture, *latents(setting, picture))
    target = corrected(setting, before, None).target
    assert target is not None
    after = before.moved(setting, target)
    shown = [
        decoded(setting, one.means.z, one.r, before.pixels.shape).reshape(before.pixels.shape).astype(float)
        for one in (before, after)
    ]
    prediction, all_latents = Prediction(before), Grid(*picture.shape[:2]).latents
    levels = np.zeros(prediction.levels.shape, np.float32)
    levels[: picture.shape[0], : picture.shape[1]] = shown[0]
    y_hat, _ = before.means.reconstruct(all_latents, before.r)
    prediction.keep(all_latents, all_latents, levels, flagship.networks.host(y_hat)[0])
    prediction.follow(setting, after)
    found = prediction.levels[: picture.shape[0], : picture.shape[1]]
    assert found.min() >= 0 and found.max() <= 255
    power = np.square(shown[1] - shown[0]).mean()
    assert power > 0.5 and np.square(found - shown[1]).mean() < 0.5 * power
