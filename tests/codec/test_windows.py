import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.weightfile import Weights
from aez.codec.windows import Window, cell_windows


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("cols", [1, 3, 7])
@pytest.mark.parametrize("side", [1, 2, 3])
def test_windows_cover_every_cell_once(rows: int, cols: int, side: int) -> None:
    covered = np.zeros((1, rows, cols), int)
    for window in cell_windows(rows, cols, side, whole=0):
        covered[window.slices] += 1
        assert max(window.shape) <= side
    assert (covered == 1).all()
    assert cell_windows(rows, cols, side, whole=rows * cols) == [Window(0, rows, 0, cols)]


def test_window_arithmetic() -> None:
    window = Window(2, 4, 0, 3)
    assert window.grown(1, 4, 9) == Window(1, 4, 0, 4)
    assert window.scaled(4, 15, 100) == Window(8, 15, 0, 12)
    assert window.within(Window(1, 5, 0, 4)) == (slice(None), slice(None), slice(1, 3), slice(0, 3))


@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("size", [(200, 300), (129, 193)])
def test_windows_give_the_whole_picture(
    codec: Codec, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, side: int, size: tuple[int, int]
) -> None:
    picture = photo[: size[0], 100 : 100 + size[1]]
    data = codec.encode(picture, 80)
    whole = codec.decode_array(data)
    y = codec.engine.analyse(picture, 500)
    monkeypatch.setattr("aez.codec.engine.cell_windows", functools.partial(cell_windows, side=side, whole=0))
    shares: list[float] = []
    pieces = codec.decode_array(data, progress=shares.append)
    assert len(shares) == len(cell_windows(-(-size[0] // 64), -(-size[1] // 64), side, 0)) >= 4
    assert shares == sorted(shares)
    assert np.abs(whole.astype(int) - pieces).max() <= 1
    assert (whole == pieces).mean() > 0.99
    # Rounding in another order may move y by a hair, and a symbol at the edge of its interval with it.
    assert np.allclose(codec.engine.analyse(picture, 500).numpy(), y.numpy(), rtol=0, atol=1e-3)
    _, one = codec.unpack(data)
    _, many = codec.unpack(codec.encode(picture, 80))
    assert (one.z == many.z).mean() > 0.99
    if np.array_equal(one.z, many.z):
        assert np.array_equal(one.indices, many.indices)
        assert (one.r == many.r).mean() > 0.999
    assert codec.digest(data) == codec.digest(codec.pack(*codec.unpack(data)))


def test_the_encoders_halos_are_wide_enough(
    tiny: Weights, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With branches so strong that what lies across a window's edge matters much."""
    strong = ("analysis.blocks.0.conv_out", "analysis.tail", "hyper_analysis.block.conv_out", "hyper_analysis.tail")
    tensors = {k: v * 30 if k.startswith(strong) else v for k, v in tiny.tensors.items()}
    engine = Codec(replace(tiny, tensors=tensors), "cpu", "float32").engine
    picture = photo[:200, 100:330]
    y = engine.analyse(picture, 500)
    z = engine.hyper_analyse(y, 500)
    monkeypatch.setattr("aez.codec.engine.cell_windows", functools.partial(cell_windows, side=1, whole=0))
    assert np.allclose(engine.analyse(picture, 500), y, rtol=1e-4, atol=1e-2)
    assert (engine.hyper_analyse(y, 500) == z).mean() > 0.99


def test_the_engine_computes_what_the_networks_do(codec: Codec, photo: NDArray[np.uint8]) -> None:
    """Its own layout of pixels, gains and edges against a plain pass of the model."""
    model, picture = codec.weights.to_model(), photo[20:115, 180:310]
    position = torch.tensor([435 / 256])
    x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255 - 0.5
    x = torch.nn.functional.pad(x, (0, -x.shape[3] % 16, 0, -x.shape[2] % 16), mode="replicate")
    with torch.inference_mode():
        y = model.analyse(x, position)[0]
        assert np.allclose(codec.engine.analyse(picture, 435), y, rtol=0, atol=2e-3)
        header, symbols = codec.unpack(codec.encode(picture, codec.quality_of(435)))
        assert header.quality == 435
        rows, cols = symbols.r.shape[1:]
        r = torch.from_numpy(symbols.r)[None].float()
        features = model.context.features(torch.from_numpy(symbols.z)[None].float())[:, :, :rows, :cols]
        first = model.context.first_mean(features)
        mask = model.context.first_mask(rows, cols, 0, 0, r)
        y_hat = r + model.context.second_mean(features, first, (r + first) * mask, mask)
        back = model.synthesise(y_hat, position)[0, :, :95, :130].permute(1, 2, 0)
    levels = (back.clamp(-0.5, 0.5) * 255 + 127.5).round().numpy()
    decoded = codec.engine.decode(symbols.z, symbols.r, 435, 95, 130)
    assert np.abs(decoded - levels).max() <= 1
    assert (decoded == levels).mean() > 0.99
