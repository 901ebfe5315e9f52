"""Hyper-latents chosen for a picture cost less by the measure that chose them, and stay codable."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.encoding.effort import EFFORTS, Effort, effort_of
from aez.codec.encoding.encoder import encode_bands
from aez.codec.encoding.thresholds import TileTables
from aez.codec.geometry import windows
from aez.codec.model.weightfile import Weights
from aez.codec.picture.psnr import psnr_of
from aez.codec.runtime.torch.hyper_descent import HyperCost
from tests.codec.stages import latents, setting_of, small_windows

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def flagship(packaged: Weights) -> Codec:
    """The packaged model in torch, which has the gradients."""
    return Codec(packaged, "cpu", "float32", "torch")


@pytest.fixture(scope="module")
def piece(photo: Photo) -> Photo:
    return photo[250:410, 20:200]


def test_bits_are_those_of_the_tables(flagship: Codec, piece: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smooth model of what a file costs is the file's size if tiles code no elements of narrower tables."""
    choice = TileTables.choice
    monkeypatch.setattr(
        TileTables, "choice", lambda tiles, area, core, **_: choice(tiles, area, core, additional=False)
    )
    setting = setting_of(flagship, 60, Effort(0.0))
    y, z = latents(setting, piece)
    cost = HyperCost(flagship.networks, y, setting.point)
    cost.worth = cost.worth * 0
    with torch.inference_mode():
        bits = float(cost(torch.from_numpy(z.astype(np.float32))[None], hard=True))
    assert 8 * len(flagship.encode(piece, 60, effort=0)) == pytest.approx(bits, rel=0.03, abs=450)


@pytest.mark.parametrize(("grey", "quality"), [(False, 50), (True, 10)])
def test_what_it_chooses_is_cheaper_and_within_the_tables(
    flagship: Codec, piece: Photo, grey: bool, quality: int
) -> None:
    setting = setting_of(flagship, quality, Effort(0.0), grey=grey)
    y, z = latents(setting, piece[:, :, 1] if grey else piece)
    found = flagship.networks.refine_hyper(y, z, slice(0, 2), setting.point, 60 if grey else 20)
    assert found.dtype == np.int16 and found.shape == z[:, :2].shape
    assert (found != z[:, :2]).any()
    changed = np.concatenate([found, z[:, 2:]], 1)
    cost = HyperCost(flagship.networks, y, setting.point)
    before, after = (float(cost(torch.from_numpy(a.astype(np.float32))[None], hard=True)) for a in (z, changed))
    assert after < before
    far = np.abs(found - setting.point.hyper_means[:, None, None])
    assert (far <= setting.point.hyper_bounds[:, None, None]).all()


def test_it_pays_in_files(flagship: Codec, piece: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "aez.codec.encoding.effort.EFFORTS", (*EFFORTS[:8], replace(EFFORTS[9], hyper_steps=0), EFFORTS[9])
    )
    costs = []
    for level in (8, 9):
        data = flagship.encode(piece, 10, effort=level)
        mse = 10 ** (-psnr_of(piece, flagship.decode_array(data)) / 10)
        weight = flagship.quality_scale.distortion_weight(flagship.quality_scale.position_of(10))
        costs.append(8 * len(data) / piece[:, :, 0].size + weight * mse)
    assert costs[1] < 0.995 * costs[0]


def test_bands_of_large_pictures(codec: Codec, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few cells: what is chosen is coded, and the file holds it."""
    picture = photo[:400, :300]
    small = functools.partial(windows.cell_windows, height=2, size=4, whole=0)
    small_windows(monkeypatch, small)
    monkeypatch.setattr("aez.codec.encoding.encoder.bands", functools.partial(windows.bands, height=2, whole=0))
    monkeypatch.setattr("aez.codec.encoding.effort.EFFORTS", (*EFFORTS[:9], Effort(1.0, 1, hyper_steps=36)))
    parts = list(encode_bands(setting_of(codec, 60, effort_of(9)), picture))
    assert len(parts) > 1
    z = np.concatenate([part.symbols.z for part in parts], 1)
    plain = np.concatenate([b.symbols.z for b in encode_bands(setting_of(codec, 60, effort_of(0)), picture)], 1)
    assert z.shape == plain.shape and (z != plain).any()
    data = codec.encode(picture, 60, effort=9)
    assert np.array_equal(codec.unpack(data)[1].z, z)
    assert psnr_of(picture, codec.decode_array(data)) > psnr_of(picture, codec.decode_array(codec.encode(picture, 30)))
