"""Export the float networks as ONNX graphs for :mod:`aez.codec.runtime.light`.

Every export does so. For a weights file that has none, or older ones::

    python -m aez.codec.training.graphs model.safetensors

A graph holds the operations, not the weights: its initialisers are external, by the names of the weights file's own
tensors. So a model holds each weight once, and its fingerprint covers what the graphs compute with.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from aez.bitstream.errors import AezError
from aez.codec.family.code_model import CodeModel
from aez.codec.family.loading import family_model
from aez.codec.family.members import MODELS
from aez.codec.family.weightfile import FamilyWeights, read_family_weights, serialise_family
from aez.codec.model.graphs import PREFIX, Graph
from aez.codec.model.registry import read_entry
from aez.codec.model.weightfile import Weights, read_weights, serialise_weights
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.loading import coding_model
from aez.codec.networks.transforms import Analysis, Synthesis
from aez.codec.picture.files import write_atomically

OPSET = 17
"""ONNX Runtime 1.14 and later run it."""
Inputs = Mapping[str, Tensor]


class _Analysis(nn.Module):
    """From the gained outputs of the analysis's first layer to what the network adds to y."""

    def __init__(self, model: HyperpriorModel) -> None:
        super().__init__()
        self.analysis: Analysis = model.analysis

    def forward(self, h: Tensor) -> Tensor:
        tail = self.analysis.tail
        # pixel_unshuffle by 2 followed by a 1×1 layer equals a 2×2 layer of stride 2.
        weight = tail.weight.reshape(len(tail.weight), -1, 2, 2)
        return F.conv2d(self.analysis.blocks(h), weight, tail.bias, stride=2)


class _HyperAnalysis(nn.Module):
    def __init__(self, model: HyperpriorModel) -> None:
        super().__init__()
        self.hyper_analysis = model.hyper_analysis

    def forward(self, y: Tensor) -> Tensor:
        out: Tensor = self.hyper_analysis(y)
        return out


class _Context(nn.Module):
    """Features, and the means of the first step."""

    def __init__(self, model: HyperpriorModel) -> None:
        super().__init__()
        self.context = model.context

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        features = self.context.features(z)
        return features, self.context.first_mean(features)


class _SecondMean(_Context):
    """The means of the second step, from all symbols; those of the first step count."""

    def forward(self, features: Tensor, first: Tensor, mask: Tensor, r: Tensor) -> Tensor:  # type: ignore[override]
        return self.context.second_mean(features, first, (r + first) * mask, mask)


class _SecondMeanSlope(_Context):
    def forward(  # type: ignore[override]
        self, features: Tensor, first: Tensor, mask: Tensor, r: Tensor, by_mean: Tensor
    ) -> Tensor:
        return self.context.second_mean_slope(features, (r + first) * mask, mask, by_mean)


class _Synthesis(nn.Module):
    """From ŷ, the gain divided out, to the input of the synthesis's last layer."""

    def __init__(self, model: HyperpriorModel) -> None:
        super().__init__()
        self.synthesis: Synthesis = model.synthesis

    def forward(self, y: Tensor, gain: Tensor) -> Tensor:
        part = self.synthesis
        h = part.blocks16(part.head16(y) * gain)
        h = part.blocks8(F.pixel_shuffle(part.head8(h), 2))
        out: Tensor = part.blocks4(F.pixel_shuffle(part.head4(h), 2))
        return out


def coding_graphs(model: HyperpriorModel) -> dict[str, NDArray[np.uint8]]:
    """Return the graphs of a hyperprior model as tensors of a weights file, by name."""
    config = model.config
    cells, side = (2, 3), (8, 12)
    y = torch.zeros(1, config.latent, *side)
    latents = {"first": y, "mask": y, "r": y}
    features = {"features": torch.zeros(1, config.context, *side)}
    gain = {"gain": torch.zeros(1, config.synthesis16, 1, 1)}
    parts: dict[str, tuple[nn.Module, Inputs, Sequence[str]]] = {
        "analysis": (_Analysis(model), {"h": torch.zeros(1, config.analysis, *side)}, ["y"]),
        "hyper_analysis": (_HyperAnalysis(model), {"y": y}, ["z"]),
        "context": (_Context(model), {"z": torch.zeros(1, config.hyper, *cells)}, ["features", "first"]),
        "second_mean": (_SecondMean(model), {**features, **latents}, ["mean"]),
        "second_mean_slope": (_SecondMeanSlope(model), {**features, **latents, "by_mean": y}, ["by_known"]),
        "synthesis": (_Synthesis(model), {"y": y, **gain}, ["h"]),
    }
    return {PREFIX + name: exported(*part).packed() for name, part in parts.items()}


def with_graphs(weights: Weights) -> Weights:
    """Return a model with graphs of its networks in place of those that it may have."""
    graphs = coding_graphs(coding_model(weights))
    return replace(weights, tensors={**weights.without(PREFIX).tensors, **graphs})


class _Method(nn.Module):
    """A method of a network as a module of the same parameters, of the same names."""

    def __init__(self, model: nn.Module, name: str) -> None:
        super().__init__()
        self._parameters, self._buffers, self._modules = model._parameters, model._buffers, model._modules
        self.training = model.training
        self._method = getattr(model, name)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        out: Tensor = self._method(x, position)
        return out


def family_graphs(model: CodeModel) -> dict[str, NDArray[np.uint8]]:
    """Return the graphs of a member that compresses as tensors of a weights file, by name."""
    grid = MODELS[model.NAME].grid
    assert grid is not None  # it compresses
    rows, cols = 2, 3
    position = {"position": torch.ones(1)}
    parts: dict[str, tuple[str, Inputs, Sequence[str]]] = {
        "encode": (
            "encode_code",
            {"x": torch.zeros(1, 3, rows * grid.stride, cols * grid.stride), **position},
            ["code"],
        ),
        "decode": ("decode_code", {"code": torch.zeros(1, model.channels, rows, cols), **position}, ["x"]),
    }
    return {
        PREFIX + name: exported(_Method(model, method), inputs, outputs).packed()
        for name, (method, inputs, outputs) in parts.items()
    }


def with_family_graphs(weights: FamilyWeights) -> FamilyWeights:
    """Return a member of the family with graphs in place of those that it may have, if it compresses."""
    model = family_model(weights)
    graphs = family_graphs(model) if isinstance(model, CodeModel) else {}
    return replace(weights, tensors={**weights.own_tensors, **graphs})


def exported(module: nn.Module, inputs: Inputs, outputs: Sequence[str]) -> Graph:
    """Trace a module to a graph.

    Args:
        module: its parameters and buffers are named as in the weights file.
        inputs: by name; rows and columns of those that have more than one are free.
        outputs: names.
    """
    import onnx

    planes = [name for name, x in inputs.items() if x.ndim == 4 and x.shape[2:] != (1, 1)]
    free = {name: {2: f"{name}_rows", 3: f"{name}_columns"} for name in (*planes, *outputs)}
    file = io.BytesIO()
    grad = {name: p.requires_grad for name, p in module.named_parameters()}
    # The blocks' plain branch is taken where gradients are enabled.
    module.requires_grad_(True)
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")  # of the tracing exporter's age, and of shapes that are constants here
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            file,  # type: ignore[arg-type]  # whose stub has paths only
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=free,
            opset_version=OPSET,
            do_constant_folding=False,
            dynamo=False,
        )
    for name, p in module.named_parameters():
        p.requires_grad_(grad[name])
    model = onnx.load_from_string(file.getvalue())
    stored = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
    names = []
    for tensor in model.graph.initializer:
        if tensor.name in stored:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights")
            names.append(tensor.name)
    for node in model.graph.node:
        node.ClearField("doc_string")
    return Graph(tuple(names), model.SerializeToString(deterministic=True))


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def command(files: tuple[Path, ...]) -> None:
    """Write the graphs of weights FILES into them; fingerprints stay."""
    for path in files:
        try:
            write_atomically(path, _rewritten(path))
        except AezError as error:
            raise click.ClickException(str(error)) from None


def _rewritten(path: Path) -> bytes:
    """Return a weights file of either kind with graphs."""
    if read_entry(path).family:
        return serialise_family(with_family_graphs(read_family_weights(path)))
    return serialise_weights(with_graphs(read_weights(path)))


if __name__ == "__main__":
    command()
