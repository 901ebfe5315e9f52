"""Matrices of eight bits: what they lose, and files in which their steps are wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aez.bitstream.errors import ModelError
from aez.codec.codec import Codec
from aez.codec.model.eight_bits import FROM, MAX_SHIFT, SHIFT, STEP, lengthened, restored, rounded, shortened
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights

MATRIX = "hyper_analysis.linear.weight"
EXACT = "exact.conv3"


def test_each_row_is_kept_to_half_a_step() -> None:
    scale = np.logspace(-3, 3, 64).reshape(-1, 1, 1, 1)
    matrix = (np.random.default_rng(0).normal(size=(64, FROM // 64, 1, 1)) * scale).astype(np.float32)
    stored = rounded({"matrix": matrix})
    assert stored["matrix"].dtype == np.int8
    step = np.abs(matrix).reshape(64, -1).max(1) / 127
    off = np.abs(restored(stored)["matrix"] - matrix).reshape(64, -1).max(1)
    assert (off <= 0.55 * step).all()
    assert (off >= 0.2 * step).all()


def test_rows_of_zeros_stay_zeros() -> None:
    assert not restored(rounded({"matrix": np.zeros((8, FROM), np.float32)}))["matrix"].any()


def test_what_is_small_or_not_floating_point_stays() -> None:
    rng = np.random.default_rng(0)
    kept = {
        "bias": rng.normal(size=FROM).astype(np.float32),
        "little": rng.normal(size=(2, FROM // 2 - 1)).astype(np.float32),
        "table": np.ones((64, 128), np.int32),
    }
    assert rounded(kept).keys() == restored(kept).keys() == kept.keys()
    assert all(np.array_equal(restored(kept)[name], value) for name, value in kept.items())


@pytest.mark.torch
def test_a_weights_file_holds_the_hyper_analysis_and_the_context_in_eight_bits() -> None:
    import torch

    from aez.codec.networks import HyperpriorModel, NetworkConfig
    from aez.codec.networks.loading import coding_model, training_model
    from aez.codec.training.export import export_weights

    torch.manual_seed(3)
    model = HyperpriorModel(NetworkConfig())
    weights = export_weights(model, "new", {})
    assert weights.tensors[MATRIX].dtype == np.int8
    assert not [k for k in weights.tensors if k.endswith(STEP) and not k.startswith(("hyper_analysis.", "context."))]
    assert [k for k in weights.tensors if k.endswith(SHIFT)] == ["exact.conv3#shift", "exact.linear#shift"]
    matrix = model.hyper_analysis.linear.weight.detach()
    for back in (coding_model(weights), training_model(weights)):
        off = float((back.hyper_analysis.linear.weight.detach() - matrix).abs().max())
        assert 0 < off <= float(matrix.abs().max()) / 250


def light_codec(weights: Weights) -> None:
    Codec(weights, "cpu", runtime="light").encode(np.zeros((16, 16, 3), np.uint8), effort=0)


def torch_networks(weights: Weights) -> None:
    from aez.codec.networks.loading import coding_model

    coding_model(weights)


def trained_networks(weights: Weights) -> None:
    from aez.codec.networks.loading import training_model

    training_model(weights)


@pytest.mark.parametrize(
    "network",
    [
        light_codec,
        pytest.param(torch_networks, marks=pytest.mark.torch),
        pytest.param(trained_networks, marks=pytest.mark.torch),
    ],
)
@pytest.mark.parametrize("change", ["no matrix", "steps too few", "no steps"])
def test_steps_that_do_not_fit_are_refused(packaged: Weights, change: str, network: Callable[[Weights], None]) -> None:
    tensors = dict(packaged.tensors)
    if change == "no matrix":
        del tensors[MATRIX]
    elif change == "no steps":
        del tensors[MATRIX + STEP]
    else:
        tensors[MATRIX + STEP] = tensors[MATRIX + STEP][:-1]
    damaged = parse_weights(serialise_weights(replace(packaged, tensors=tensors)))
    with pytest.raises(ModelError, match=r"do(es)? not fit"):
        network(damaged)


def test_each_row_of_integers_is_kept_to_half_a_shift() -> None:
    rng = np.random.default_rng(0)
    largest = np.array([0, 1, 127, 128, 254, 255, 1000, 16256, 32767])
    matrix = np.rint(rng.uniform(-1, 1, (len(largest), 300)) * largest[:, None]).astype(np.int16)
    matrix[:, 0] = largest
    rows, shift = shortened(matrix)
    assert (rows.dtype, shift.dtype) == (np.int8, np.uint8)
    assert shift.tolist() == [0, 0, 0, 1, 1, 2, 3, 7, MAX_SHIFT]
    off = np.abs(lengthened(rows, shift).astype(int) - matrix)
    assert (off[:-1] <= 2.0 ** shift[:-1, None] / 2).all() and (off[-1] <= 255).all()
    negative = lengthened(*shortened(np.negative(matrix)))
    assert np.array_equal(negative, -lengthened(rows, shift))


@pytest.mark.parametrize(
    "change",
    [
        lambda rows, shift: (rows, shift[:-1]),
        lambda rows, shift: (rows, shift.astype(np.int32)),
        lambda rows, shift: (rows, np.full_like(shift, MAX_SHIFT + 1)),
        lambda rows, shift: (rows.astype(np.int16), shift),
        lambda rows, shift: (rows[..., None], shift),
    ],
)
def test_shifts_that_do_not_fit_are_refused(packaged: Weights, change: Callable[..., tuple[Any, Any]]) -> None:
    rows, shift = shortened(packaged.exact.conv3)

    def with_shifts(rows: Any, shift: Any) -> Weights:
        return replace(packaged, tensors={**packaged.tensors, EXACT: rows, EXACT + SHIFT: shift})

    good = parse_weights(serialise_weights(with_shifts(rows, shift)))
    assert np.array_equal(good.exact.conv3, lengthened(rows, shift))
    with pytest.raises(ModelError, match="exact path"):
        parse_weights(serialise_weights(with_shifts(*change(rows, shift))))
