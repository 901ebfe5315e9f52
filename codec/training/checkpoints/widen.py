"""More latent channels for a trained model, set up for what its decoded pictures lack without any quantisation.

The latents of a picture are fewer than its samples. What they cannot hold stays lost at any quality, and at high
qualities it is most of the error. New channels begin as the principal components of that loss, seen through the linear
paths beside the networks; the networks neither see nor feed them until training says so.
"""

from collections.abc import Iterable
from dataclasses import asdict

import torch
import torch.nn.functional as F
from torch import Tensor

from aez.bitstream.errors import ModelError
from aez.bitstream.header import LATENT_STRIDE
from aez.codec.networks import HyperpriorModel, NetworkConfig
from aez.codec.networks.transforms import LATENT_SCALE
from aez.codec.training.filter_in_loop import filtered_crops

_CELL = 4
"""Latents of a cell, per axis: one position of z."""
_QUALITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Places in the range of quality points whose latents the scales are fitted to."""
_LEAST_POWER = 1e-3
"""Added to the power of a new channel in a cell, over the mean."""
_RIDGE, _SCALE_RIDGE = 1e-5, 1e-3
"""Penalties of the regressions, over the mean square of an input."""


@torch.no_grad()
def widened(model: HyperpriorModel, latent: int, batches: Iterable[Tensor], *, filtered: bool) -> HyperpriorModel:
    """Return a copy with more latent channels, or the model itself if it has as many.

    Half of the new channels follow the first half of the old ones, which the mean context codes in its first step.

    Args:
        model: trained model on the CPU.
        latent: channels that the copy will have; it has an even number more than the model.
        batches: a few hundred crops in all, (N, 3, H, W), sides multiples of 64.
        filtered: take what is lost behind the adaptive loop filter.

    Raises:
        ModelError: the number of channels is odd, below the old one, or above that of the samples.
    """
    old, more = model.config.latent, latent - model.config.latent
    if more < 0 or more % 2 or old % 2 or latent > 3 * LATENT_STRIDE**2:
        raise ModelError(
            f"latent: {latent} is no even number from the {old} that the model has to {3 * LATENT_STRIDE**2}"
        )
    if not more:
        return model
    crops = list(batches)
    basis, analysis, bias = _lost(model, crops, more, filtered=filtered)
    wide = HyperpriorModel(NetworkConfig.from_dict(asdict(model.config) | {"latent": latent}))
    state, at = model.state_dict(), _Places(old, more)
    for name, axis, each, ahead in _MEMBERS:
        start = model.config.context if ahead else 0
        state[name] = at.spread(state[name], axis, each, start)
    state["analysis.linear.weight"][at.new] = analysis[:, :, None, None] * LATENT_SCALE
    state["analysis.linear.bias"][at.new] = bias * LATENT_SCALE
    state["synthesis.linear.weight"][:, at.new] = basis[:, :, None, None] / LATENT_SCALE
    step, own = _steps(model)
    state["decoder_gain.rows"][:, at.new] = own[:, None]
    state["encoder_gain.rows"][:, at.new] = (own - step)[:, None] - torch.log(torch.tensor(LATENT_SCALE))
    wide.load_state_dict(state)
    _fit_scales(wide, crops, at)
    return wide


# Name, axis of the latent channels, numbers for each channel, and whether the channels of the context come before.
_MEMBERS = (
    *((f"analysis.{layer}.{part}", 0, 1, False) for layer in ("linear", "tail") for part in ("weight", "bias")),
    *((f"synthesis.{layer}.weight", 1, 1, False) for layer in ("linear", "head16")),
    ("hyper_analysis.linear.weight", 1, 16, False),
    ("hyper_analysis.head.weight", 1, 4, False),
    *((f"scale.{layer}", 0, 16, False) for layer in ("linear.weight", "conv3.weight", "conv3.bias")),
    *((f"context.{layer}.{part}", 0, 1, False) for layer in ("mean", "update") for part in ("weight", "bias")),
    ("context.fuse.weight", 1, 1, True),
    *((f"{table}.rows", 1, 1, False) for table in ("encoder_gain", "decoder_gain", "scale_bias")),
)


class _Places:
    """Places of old and new channels among all."""

    def __init__(self, old: int, more: int) -> None:
        half, extra = old // 2, more // 2
        order = torch.arange(old + more)
        fresh = ((order >= half) & (order < half + extra)) | (order >= old + extra)
        self.old, self.new, self.count = order[~fresh], order[fresh], old + more

    def spread(self, tensor: Tensor, axis: int, each: int, start: int) -> Tensor:
        """Return a tensor with zeros for new channels: ``each`` numbers for a channel on an axis, behind ``start``."""
        head, body = tensor.narrow(axis, 0, start), tensor.narrow(axis, start, tensor.shape[axis] - start)
        shape = body.shape
        parts = body.reshape(*shape[:axis], -1, len(self.old), each, *shape[axis + 1 :])
        out = parts.new_zeros(*parts.shape[: axis + 1], self.count, *parts.shape[axis + 2 :])
        out.index_copy_(axis + 1, self.old, parts)
        return torch.cat([head, out.reshape(*shape[:axis], -1, *shape[axis + 1 :])], axis)


def _lost(model: HyperpriorModel, crops: list[Tensor], more: int, *, filtered: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return the principal components of the loss, and the regression on pictures that finds them.

    Returns:
        Components, (768, more), orthonormal; weight, (more, 768), and bias, (more,), of their values.
    """
    inputs = 3 * LATENT_STRIDE**2 + 1
    square, product = torch.zeros(inputs, inputs).double(), torch.zeros(inputs, inputs - 1).double()
    loss = torch.zeros(inputs - 1, inputs - 1).double()
    for x in crops:
        position = torch.full((len(x),), model.config.points - 1.0)
        decoded = model.synthesise(model.analyse(x, position), position)
        lost = _patches(x - (filtered_crops(decoded, x) if filtered else decoded))
        seen = F.pad(_patches(x), (0, 1), value=1.0)
        square += seen.T @ seen
        product += seen.T @ lost
        loss += lost.T @ lost
    basis = torch.linalg.eigh(loss)[1].flip(1)[:, :more]
    found = torch.linalg.solve(square + _RIDGE * square.diagonal().mean() * torch.eye(inputs), product @ basis)
    return basis.float(), found[:-1].T.float(), found[-1].float()


def _patches(x: Tensor) -> Tensor:
    """Return pictures as rows of the samples of each latent, (positions, 768), float64."""
    return F.pixel_unshuffle(x, LATENT_STRIDE).permute(0, 2, 3, 1).flatten(0, 2).double()


def _steps(model: HyperpriorModel) -> tuple[Tensor, Tensor]:
    """Return the log of a usual quantisation step in the picture, and a usual decoder gain, at every quality point."""
    norm = model.synthesis.linear.weight.flatten(1).norm(dim=0).log()
    own = model.decoder_gain.rows
    return (norm + own - model.encoder_gain.rows).median(1).values, own.median(1).values


def _strength(model: HyperpriorModel, x: Tensor, at: _Places) -> Tensor:
    """Return log σ of the new channels in each cell before the gain of any quality, (cells, channels) float64."""
    position = torch.full((len(x),), model.config.points - 1.0)
    y = model.analyse(x, position)[:, at.new] * torch.exp(-model.encoder_gain(position)[:, at.new])
    power = F.avg_pool2d(y.square(), _CELL)
    return (0.5 * torch.log(power + _LEAST_POWER * power.mean())).permute(0, 2, 3, 1).flatten(0, 2).double()


def _fit_scales(model: HyperpriorModel, crops: list[Tensor], at: _Places) -> None:
    """Make log σ of the new channels a ridge regression on ẑ and the hidden layer of the scale network."""
    scale, inputs = model.scale, model.config.hyper + model.config.scale + 1
    square, product = torch.zeros(inputs, inputs).double(), torch.zeros(inputs, len(at.new)).double()
    for x in crops:
        strength = _strength(model, x, at)
        for share in _QUALITIES:
            position = torch.full((len(x),), share * (model.config.points - 1))
            z = model.hyper_analysis(model.analyse(x, position)).round()
            hidden = F.relu(scale.conv2(F.relu(scale.conv1(z))))
            seen = torch.cat([z, hidden, torch.ones_like(z[:, :1])], 1).permute(0, 2, 3, 1).flatten(0, 2).double()
            square += seen.T @ seen
            product += seen.T @ strength
    diagonal = square.diagonal()
    penalty = _SCALE_RIDGE * torch.diag(diagonal + diagonal.mean())
    penalty[-1, -1] = 0
    found = torch.linalg.solve(square + penalty, product).float().repeat_interleave(_CELL**2, 1)
    rows = (at.new[:, None] * _CELL**2 + torch.arange(_CELL**2)).flatten()
    hyper = model.config.hyper
    scale.linear.weight[rows] = found[:hyper].T[:, :, None, None]
    scale.conv3.weight[rows] = found[hyper:-1].T[:, :, None, None]
    scale.conv3.bias[rows] = found[-1]  # type: ignore[index]  # conv3 has a bias
