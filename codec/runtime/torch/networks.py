"""The float networks in PyTorch, on any device, with the gradients that higher efforts need."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.model.filter_weights import Moments
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import Weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.loading import coding_model, training_model
from aez.codec.runtime.ends import OUTPUT_BOUND
from aez.codec.runtime.networks import Floats, Levels, Slope
from aez.codec.runtime.torch.hyper_descent import refined_hyper
from aez.codec.runtime.torch.patches import PatchAnalysis, PatchSynthesis
from aez.codec.runtime.torch.picture_filter import filtered, moments


@dataclass(frozen=True)
class TorchContext:
    """The mean context of an area. Tensors are (1, channels, rows, columns), on the device of the networks.

    Attributes:
        features: features of z, from which both steps compute their means.
        first_mean: means of the first step.
        first_mask: 1 for the elements of the first step, 0 for the others.
    """

    features: Tensor
    first_mean: Tensor
    first_mask: Tensor

    @property
    def first(self) -> Floats:
        """Means of the first step, (M, rows, columns)."""
        return _host(self.first_mean[0])

    @property
    def mask(self) -> Floats:
        """Mask of the first step, (M, rows, columns): 1 for its elements, 0 for the others."""
        return _host(self.first_mask[0])

    def part(self, rows: slice, columns: slice) -> "TorchContext":
        """Return the context of a part of the area."""
        return TorchContext(*(x[:, :, rows, columns] for x in (self.features, self.first_mean, self.first_mask)))


class TorchNetworks:
    """The networks of one model on one device; see :class:`aez.codec.runtime.networks.Networks`.

    Attributes:
        weights: the model.
        place: device on which the networks run.
        device: its kind.
        precision: of the transforms' residual blocks.
    """

    runtime = "torch"

    def __init__(self, weights: Weights, place: torch.device, blocks: torch.dtype) -> None:
        """Load the float networks.

        Args:
            weights: a validated model.
            place: device on which the networks run.
            blocks: precision of the transforms' residual blocks, float32 or bfloat16.
        """
        self.weights, self.place = weights, place
        self.device, self.precision = place.type, str(blocks).removeprefix("torch.")
        model = coding_model(weights)
        synthesis = model.synthesis
        for stack in (model.analysis.blocks, synthesis.blocks16, synthesis.blocks8, synthesis.blocks4):
            stack.to(blocks)
        self.model: HyperpriorModel = model.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.analysis, self.synthesis = PatchAnalysis(model.analysis), PatchSynthesis(model.synthesis)

    @cached_property
    def twin(self) -> HyperpriorModel:
        """Synthesis and scale network in float32, used only where symbols are chosen by gradients."""
        with torch.inference_mode(False):  # for backward passes, whoever asks for the twin first
            twin = training_model(self.weights).eval().requires_grad_(False)
            for unused in ("analysis", "hyper_analysis", "context"):
                delattr(twin, unused)
            return twin.to(self.place)

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """Return an array as a tensor on the device of the networks."""
        return torch.from_numpy(array).to(self.place)

    def point(self, position: int) -> Tensor:
        """Convert a quality position to the tensor that the networks take: (1,), in quality points."""
        return torch.tensor([position / POSITION_SCALE], device=self.place)

    def prepare(self, *, encoding: bool) -> None:
        """See :class:`aez.codec.runtime.networks.Networks`; all is loaded already."""

    @torch.inference_mode()
    def analyse(self, pixels: Levels, position: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        at = self.point(position)
        gain = torch.exp(self.model.encoder_gain(at))
        return _host(self.analysis(_tensor(pixels).to(self.place), at).mul_(gain)[0])

    @torch.inference_mode()
    def hyper_analyse(self, y: Floats) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        part = torch.from_numpy(y)[None].to(self.place)
        return _host(self.model.hyper_analysis(part.contiguous(memory_format=torch.channels_last))[0])

    @torch.inference_mode()
    def context(self, z: NDArray[np.int16], top: int, left: int) -> TorchContext:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        part = torch.from_numpy(z).to(self.place).float()[None]
        context = self.model.context
        features = context.features(part.contiguous(memory_format=torch.channels_last))
        first = context.first_mean(features)
        rows, cols = first.shape[2:]
        return TorchContext(features, first, context.first_mask(rows, cols, top, left, first))

    @torch.inference_mode()
    def second_mean(self, context: TorchContext, r: NDArray[np.int16]) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return _host(self._second_mean(context, r)[0])

    def _second_mean(self, context: TorchContext, r: NDArray[np.int16]) -> Tensor:
        known = (self._symbols(r) + context.first_mean).mul_(context.first_mask)
        return self.model.context.second_mean(context.features, context.first_mean, known, context.first_mask)

    def _symbols(self, r: NDArray[np.int16]) -> Tensor:
        return torch.from_numpy(r)[None].to(self.place)

    @torch.inference_mode(False)
    @torch.no_grad()
    def second_mean_slope(self, context: TorchContext, r: NDArray[np.int16]) -> tuple[Floats, Slope]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        first, mask = context.first_mean, context.first_mask
        known = ((self._symbols(r) + first) * mask).requires_grad_(True)
        with torch.enable_grad():
            mean = self.model.context.second_mean(context.features, first, known, mask)

        def slope(by_mean: Floats) -> Floats:
            (gradient,) = torch.autograd.grad(mean, known, torch.from_numpy(by_mean)[None].to(self.place))
            return _host((gradient * mask)[0])

        return _host(mean.detach()[0]), slope

    @torch.inference_mode()
    def reconstruct(
        self, context: TorchContext, r: NDArray[np.int16], inside: tuple[slice, slice] | None = None
    ) -> Tensor:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        y_hat = self._second_mean(context, r).add_(self._symbols(r))
        if inside is not None:
            y_hat = y_hat[:, :, inside[0], inside[1]]
        return y_hat.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def synthesise(self, y_hat: Tensor | Floats, position: int, channels: int, reduction: int = 1) -> Tensor:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        if isinstance(y_hat, np.ndarray):
            y_hat = torch.from_numpy(y_hat)[None].to(self.place).contiguous(memory_format=torch.channels_last)
        at = self.point(position)
        return self.synthesis(y_hat * self.model.output_gain(at), at, channels, reduction)

    @torch.inference_mode(False)
    @torch.no_grad()
    def synthesise_slope(self, y_hat: Tensor, position: int, channels: int) -> tuple[Tensor, Slope]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        at = self.point(position)
        latents = (y_hat * self.model.output_gain(at)).requires_grad_(True)
        with torch.enable_grad():
            x = self.twin.synthesis(latents, at)
            x = x if channels == 3 else x.mean(1, keepdim=True)

        def slope(by_sample: Floats) -> Floats:
            planes = torch.from_numpy(by_sample).to(self.place).permute(2, 0, 1)[None]
            (gradient,) = torch.autograd.grad(x, latents, planes)
            return _host(gradient[0])

        return x.detach()[0].permute(1, 2, 0).clamp(-OUTPUT_BOUND, OUTPUT_BOUND).mul_(255).add_(127.5), slope

    @torch.inference_mode()
    def filter(self, levels: Tensor, weights: Floats) -> Tensor:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return filtered(levels, torch.from_numpy(weights))

    @torch.inference_mode()
    def filter_moments(self, levels: Tensor, top: int, left: int, original: Levels) -> Moments:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return moments(levels, top, left, original)

    @torch.inference_mode()
    def average(self, levels: Tensor, reduction: int) -> Tensor:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        if reduction == 1:
            return levels
        rows, cols, channels = levels.shape
        return levels.reshape(rows // reduction, reduction, cols // reduction, reduction, channels).mean((1, 3))

    @torch.inference_mode()
    def samples(self, levels: Tensor, depth: int) -> Tensor:
        """See :class:`aez.codec.runtime.networks.Networks`; deep samples are int32, which torch computes with."""
        if depth == 8:
            return levels.round().to(torch.uint8)
        return (levels * (((1 << depth) - 1) / 255)).round().to(torch.int32)

    def host(self, array: Tensor) -> NDArray[Any]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return _host(array)

    @torch.inference_mode()
    def project(self, errors: Floats, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return _host(torch.from_numpy(errors).to(self.place) @ self.synthesis.linear_end(channels).t())

    @torch.inference_mode()
    def expand(self, change: Floats, position: int, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        gain = self.model.output_gain(self.point(position)).flatten()
        return _host((torch.from_numpy(change).to(self.place) * gain) @ self.synthesis.linear_end(channels))

    @torch.inference_mode()
    def newton_response(self, position: int, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`.

        Grey pictures also use the curvature of colour pictures: in grey, chroma latents overlap with luma, and steps
        by their own small curvature would overshoot.
        """
        gain = self.model.output_gain(self.point(position))
        energy = self.synthesis.linear_end(3).square().sum(1) * (channels / 3)
        return _host((1 / (energy[:, None, None] * gain)).flatten())

    @torch.inference_mode()
    def curvature(self, position: int, channels: int) -> Floats:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return _host(self.model.curvature(self.point(position), channels)[0])

    def refine_hyper(
        self, y: Floats, z: NDArray[np.int16], free: slice, point: OperatingPoint, steps: int
    ) -> NDArray[np.int16]:
        """See :class:`aez.codec.runtime.networks.Networks`."""
        return refined_hyper(self, y, z, free, point, steps)


def _host(tensor: Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
