"""The penalty makes the code sparse, and zeros cost few bytes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec import api
from aez.codec.family.sparse import HardConcreteAutoencoder, SparseAutoencoder, SparseCodeModel
from aez.codec.training.family import family_trainer
from aez.codec.training.recipe import load_recipe

pytestmark = pytest.mark.torch

SMALL = {"channels": 48, "analysis": 16, "synthesis16": 16, "synthesis8": 16, "points": 4}


def zeros(model: SparseCodeModel, x: Tensor) -> float:
    with torch.inference_mode():
        return float((model.eval().encode_code(x, torch.full((len(x),), 1.5)) == 0).float().mean())


@pytest.mark.parametrize("kind", [SparseAutoencoder, HardConcreteAutoencoder])
def test_without_the_penalty_codes_are_not_sparse(
    kind: type[SparseCodeModel],
    photo: NDArray[np.uint8],
    crops_of: Callable[[int, int], Callable[[], Tensor]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = [torch.from_numpy(photo).permute(2, 0, 1)]
    shares = {}
    for penalised in (True, False):
        torch.manual_seed(0)
        model = kind(**SMALL)
        settings = load_recipe("sparse", ["batch=4", "crop=64", "learning_rate=6e-3", "warmup=5"])
        trainer = family_trainer(model, pictures, settings, torch.device("cpu"))
        trainer.autocast = torch.float32
        if not penalised:
            activation = model.activation
            monkeypatch.setattr(model, "activation", lambda h, f=activation: (f(h)[0], torch.zeros_like(h)))
        for _ in range(150):
            trainer.train_step(1.0)
        shares[penalised] = zeros(model, crops_of(64, 8)())
    assert shares[True] > shares[False] + 0.03


def test_gates_close_exactly() -> None:
    model = HardConcreteAutoencoder(**SMALL).eval()
    h = torch.linspace(-3, 3, 61)[None, None, None].expand(1, 48, 1, 61)
    code, cost = model.activation(h)
    assert (code[..., abs(h[0, 0, 0]) < 0.2] == 0).all()
    assert torch.allclose(code[..., [0, -1]], h[..., [0, -1]])
    assert (cost[0, 0, 0, 30:].diff() > 0).all()


def test_expected_cost_is_that_of_open_gates() -> None:
    """The share of gates that are exactly 0 is 1 − σ(…)."""
    torch.manual_seed(1)
    model = HardConcreteAutoencoder(**SMALL).train()
    model.ELEMENT_COST, model.OCTAVE_COST = 1.0, 0.0
    for size in (0.5, 0.7, 0.9):
        code, cost = model.activation(torch.full((1, 48, 40, 40), size))
        assert float((code != 0).float().mean()) == pytest.approx(float(cost.mean()), abs=0.02)


@pytest.mark.parametrize("name", ["sparse", "sparse-l0"])
def test_sparser_codes_are_smaller_files(name: str, photo: NDArray[np.uint8]) -> None:
    codec = api.load(name, "cpu")
    picture = photo[:256, :256]
    rows = []
    for quality in (5, 50, 95):
        data = codec.encode(picture, quality)
        code = codec.unpack(data)[1].r
        rows.append(((code == 0).mean(), len(data), np.square(codec.decode_array(data) - picture.astype(float)).mean()))
    share, size, error = zip(*rows, strict=True)
    assert share[0] > share[1] > share[2] and share[0] > 0.97
    assert size[0] < size[1] < size[2]
    assert error[0] > error[1] > error[2]
    # A file takes a small part of one byte per element, so the zeros cost little.
    assert size[1] < 0.1 * code.size
