"""The picture filter in training: what it gives, and the gradient through it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from aez.codec.model.filter_weights import AXES, weight_shape
from aez.codec.networks import HyperpriorModel
from aez.codec.runtime.picture_filter import LIMIT, Neighbourhood, ends, steps
from aez.codec.runtime.torch import filter_gradient
from aez.codec.runtime.torch.picture_filter import filtered
from aez.codec.training import filter_in_loop
from aez.codec.training.filter_in_loop import filtered_crops
from aez.codec.training.objective import RateDistortion

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


def crops(photo: Photo) -> tuple[torch.Tensor, torch.Tensor]:
    """Two crops, and the same worse: (2, 3, 64, 64) each."""
    both = [torch.from_numpy(photo[top : top + 64, 150:214].copy()).permute(2, 0, 1) for top in (60, 180)]
    x = torch.stack(both).float() / 255 - 0.5
    return F.avg_pool2d(F.pad(x, (1,) * 4, mode="replicate"), 3, 1), x


def test_crops_come_closer_as_by_the_decoders_filter(photo: Photo) -> None:
    x_hat, x = crops(photo)
    out = filtered_crops(x_hat, x)
    assert ((out - x).square().mean((1, 2, 3)) < 0.8 * (x_hat - x).square().mean((1, 2, 3))).all()
    weights = filter_in_loop._weights(filter_gradient.neighbourhoods(x_hat), (x - x_hat) * 255)
    assert weights.shape[1:] == weight_shape(3)
    for crop, weight, mine in zip(x_hat, weights, out, strict=True):
        decoded = filtered(((crop + 0.5) * 255).permute(1, 2, 0).contiguous(), weight)
        assert torch.allclose(decoded, ((mine + 0.5) * 255).clamp(0, 255).permute(1, 2, 0), atol=1e-2)


def test_crops_beside_count_less(photo: Photo) -> None:
    x_hat, x = crops(photo)
    rows = slice(None, None, filter_in_loop._EVERY)  # what weights are found by
    alone, together = (filtered_crops(x_hat[:n], x[:n])[0, :, rows] for n in (1, 2))
    errors = [float((out - x[0, :, rows]).square().mean()) for out in (alone, together, x_hat[0, :, rows])]
    assert errors[0] < errors[1] < 0.8 * errors[2]


def test_gradients_are_those_of_the_inputs(photo: Photo) -> None:
    """Against torch's own through the same differences, the directions held fixed."""
    planes = torch.from_numpy(photo[100:124, 200:230].copy()).permute(2, 0, 1).double().requires_grad_()
    seen = Neighbourhood(planes.detach())
    second = [here - before for here, before in (ends(steps(planes.mean(0), axis), axis) for axis in AXES)]
    inputs = []
    for number, share in enumerate(seen.turn):
        moved = (second[2 * number + 1] - second[2 * number]) * share
        inputs += [second[2 * number] + moved, second[2 * number + 1] - moved]
    limited = [ends(steps(planes, axis).clamp(-LIMIT, LIMIT), axis) for axis in AXES]
    nearest = [ends(steps(planes[::2], axis), axis) for axis in AXES[:2]]
    joined = [torch.stack(inputs), *(sum(here - before for here, before in pairs) for pairs in (limited, nearest))]
    assert torch.allclose(torch.cat(joined), seen.inputs)
    grad = torch.randn(seen.inputs.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (torch.cat(joined) * grad).sum().backward()
    mine = torch.zeros_like(planes)
    filter_gradient._accumulate(mine, planes.detach(), seen.turn, grad)
    assert planes.grad is not None and torch.allclose(mine, planes.grad, atol=1e-9)


def test_weights_reach_the_gradient(photo: Photo) -> None:
    """A step against the gradient lessens the error behind the filter."""
    x_hat, x = crops(photo)
    x_hat.requires_grad_()
    before = (filtered_crops(x_hat, x) - x).square().sum()
    (grad,) = torch.autograd.grad(before, x_hat)
    after = (filtered_crops(x_hat - 0.05 * grad, x) - x).square().sum()
    assert after < 0.95 * before


def test_the_objective_counts_filtered_crops(photo: Photo) -> None:
    torch.manual_seed(0)
    model, x = HyperpriorModel().eval(), crops(photo)[1]
    position = torch.tensor([4.0, 5.0])
    plain, behind = (RateDistortion(model, picture_filter=on).eval().evaluate(x, position)[0] for on in (False, True))
    assert torch.equal(plain.bpp, behind.bpp)
    assert (behind.mse < plain.mse).all() and (behind.loss < plain.loss).all()
