import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.encoding.analysis import analysed
from aez.codec.encoding.effort import EFFORTS
from aez.codec.encoding.encoder import encode
from aez.codec.encoding.hyper import hyper_analysed
from aez.codec.encoding.quantising import quantised
from aez.codec.encoding.setting import Setting
from aez.codec.geometry.grid import Grid
from aez.codec.geometry.windows import Window, bands, cell_windows
from aez.codec.model.weightfile import Weights
from tests.codec.stages import decoded, latents, setting_of, small_windows

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def codec(each_codec: Codec) -> Codec:
    return each_codec


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("cols", [1, 3, 7])
@pytest.mark.parametrize("height", [1, 2, 3])
def test_windows_cover_every_cell_once(rows: int, cols: int, height: int) -> None:
    area = Window(1, 1 + rows, 2, 2 + cols)
    covered = np.zeros((1, rows + 2, cols + 3), int)
    for window in cell_windows(area, height, size=4, whole=0):
        covered[window.index] += 1
        assert window.shape[0] * window.shape[1] <= max(4, height)
    assert (covered[area.index] == 1).all()
    assert covered.sum() == rows * cols
    assert cell_windows(area, height, whole=rows * cols) == [area]
    assert [band.shape for band in bands(rows, cols, height, whole=0)] == [
        (min(height, rows - top), cols) for top in range(0, rows, height)
    ]
    assert bands(rows, cols, height, whole=rows * cols) == [Window(0, rows, 0, cols)]


def test_window_arithmetic() -> None:
    window = Window(2, 4, 0, 3)
    assert window.grown(1, 4, 9) == Window(1, 4, 0, 4)
    assert window.scaled(4, 15, 100) == Window(8, 15, 0, 12)
    assert window.index == (..., slice(2, 4), slice(0, 3)) and window.pixel_index == (slice(2, 4), slice(0, 3))
    assert window.index_in(Window(1, 5, 0, 4)) == (..., slice(1, 3), slice(0, 3))
    assert window.pixel_index_in(Window(1, 5, 0, 4)) == (slice(1, 3), slice(0, 3))
    assert window.moved(Window(1, 5, 0, 4)) == Window(1, 3, 0, 3)
    assert Window(7, 9, 8, 12).coarser(4) == Window(1, 3, 2, 3)
    assert window.shared(Window(3, 9, 1, 9)) == Window(3, 4, 1, 3)
    assert window.shared(Window(4, 9, 0, 3)) is None


def in_pieces(monkeypatch: pytest.MonkeyPatch, height: int) -> None:
    """Bands and windows of few cells."""
    windows = functools.partial(cell_windows, height=height, size=2 * height, whole=0)
    small_windows(monkeypatch, windows)
    monkeypatch.setattr("aez.codec.encoding.encoder.bands", functools.partial(bands, height=height, whole=0))


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("size", [(330, 200), (129, 193)])
@pytest.mark.parametrize("tile_log2", [0, 4])
def test_windows_give_the_whole_picture(
    codec: Codec, photo: Photo, monkeypatch: pytest.MonkeyPatch, height: int, size: tuple[int, int], tile_log2: int
) -> None:
    picture = photo[: size[0], 100 : 100 + size[1]]
    data = codec.encode(picture, 80, tile_log2=tile_log2)
    whole = codec.decode_array(data)
    setting = setting_of(codec, 70, EFFORTS[0])
    y = analysed(setting, picture)
    in_pieces(monkeypatch, height)
    shares: list[float] = []
    pieces = codec.decode_array(data, progress=shares.append)
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert np.abs(whole.astype(int) - pieces).max() <= 1
    assert (whole == pieces).mean() > 0.99
    # Rounding in another order may move y by a hair, and a symbol at the edge of its interval with it.
    assert np.allclose(analysed(setting, picture), y, rtol=0, atol=1e-3)
    _, one = codec.unpack(data)
    shares.clear()
    _, many = codec.unpack(codec.encode(picture, 80, tile_log2=tile_log2, progress=shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert (one.z == many.z).mean() > 0.99
    assert one.r.shape == many.r.shape
    if np.array_equal(one.z, many.z):
        assert np.array_equal(one.indices, many.indices)
        assert (one.r == many.r).mean() > 0.999
    assert codec.digest(data) == codec.digest(codec.pack(*codec.unpack(data)))


def test_bands_keep_memory_of_a_few_bands(codec: Codec, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """However tall the picture, quantisation sees a band and its halo only."""
    in_pieces(monkeypatch, 1)
    heights: list[int] = []

    def counted(setting: Setting, y: NDArray[np.float32], *rest: Any) -> Any:
        heights.append(y.shape[1])
        return quantised(setting, y, *rest)

    monkeypatch.setattr("aez.codec.encoding.encoder.quantised", counted)
    codec.encode(photo[:, :40], 50, effort=1)
    assert len(heights) == 8
    assert max(heights) == 4 * 5


def test_the_encoders_halos_are_wide_enough(tiny: Weights, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """With branches so strong that what lies across a window's edge matters much."""
    strong = ("analysis.blocks.0.conv_out", "analysis.tail", "hyper_analysis.block.conv_out", "hyper_analysis.tail")
    tensors = {k: v * 30 if k.startswith(strong) else v for k, v in tiny.tensors.items()}
    setting = setting_of(Codec(replace(tiny, tensors=tensors), "cpu", "float32"), 70, EFFORTS[2])
    picture = photo[:400, 100:330]
    y, z = latents(setting, picture)
    whole = encode(setting, picture).symbols
    in_pieces(monkeypatch, 1)
    assert np.allclose(analysed(setting, picture), y, rtol=1e-4, atol=1e-2)
    assert (hyper_analysed(setting, y) == z).mean() > 0.99
    banded = encode(setting, picture).symbols
    assert (banded.z == z).mean() > 0.99
    assert (banded.r == whole.r).mean() > 0.99


def test_table_indices_of_windows_are_exact(codec: Codec, photo: Photo) -> None:
    _, symbols = codec.unpack(codec.encode(photo[:300, :400], 60))
    grid, point = Grid(300, 400), setting_of(codec, 60, EFFORTS[0]).point
    for window in (Window(0, 2, 0, 3), Window(2, 5, 3, 7), Window(1, 2, 1, 2)):
        part = point.indices(symbols.z, grid, window)
        assert np.array_equal(part, symbols.indices[grid.latents_of(window).index])


@pytest.mark.torch
def test_windows_compute_what_the_networks_do(codec: Codec, photo: Photo) -> None:
    """Its own layout of pixels, gains and edges against a plain pass of the model."""
    import torch

    from aez.codec.networks.loading import coding_model

    model, picture = coding_model(codec.weights), photo[20:115, 180:310]
    position = torch.tensor([435 / 256])
    setting = setting_of(codec, codec.quality_scale.quality_of(435), EFFORTS[0])
    x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255 - 0.5
    x = torch.nn.functional.pad(x, (0, -x.shape[3] % 16, 0, -x.shape[2] % 16), mode="replicate")
    with torch.inference_mode():
        y = model.analyse(x, position)[0]
        assert np.allclose(analysed(setting, picture), y, rtol=0, atol=2e-3)
        header, symbols = codec.unpack(codec.encode(picture, codec.quality_scale.quality_of(435)))
        assert header.quality == 435
        rows, cols = symbols.r.shape[1:]
        r = torch.from_numpy(symbols.r)[None].float()
        features = model.context.features(torch.from_numpy(symbols.z)[None].float())[:, :, :rows, :cols]
        first = model.context.first_mean(features)
        mask = model.context.first_mask(rows, cols, 0, 0, r)
        y_hat = r + model.context.second_mean(features, first, (r + first) * mask, mask)
        back = model.synthesise(y_hat, position)[0, :, :95, :130].permute(1, 2, 0)
    levels = (back.clamp(-0.5, 0.5) * 255 + 127.5).round().numpy()
    samples = decoded(setting, symbols.z, symbols.r, picture.shape)
    assert np.abs(samples - levels).max() <= 1
    assert (samples == levels).mean() > 0.99


def test_bands_of_wide_pictures_are_lower() -> None:
    for cols, height in ((50, 16), (157, 9), (900, 8)):
        parts = bands(100, cols)
        assert {part.shape[0] for part in parts[:-1]} == {height}
        assert (parts[0].top, parts[-1].bottom) == (0, 100)
