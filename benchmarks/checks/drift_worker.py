"""Worker process of `aez.benchmarks.checks.drift`: JSON job on standard input, JSON on standard output.

Threads, instruction sets and memory layout are settings of a whole process, so each configuration needs one.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aez.bitstream.header import MIN_TILE_LOG2
from aez.codec.codec import Codec
from aez.codec.picture.reading import read_picture
from aez.codec.runtime.torch.networks import TorchNetworks
from aez.codec.threads import set_threads

ALPHA_QUALITY = 60.0
"""Below 100, so that opacity is coded by the model, too."""


@dataclass(frozen=True)
class DriftJob:
    """A worker's job: encode pictures, or decode files.

    Attributes:
        model: a packaged model's name or a weights file's path.
        inputs: pictures if ``qualities`` are given, `.aez` files otherwise.
        out: folder for `NAME-qQUALITY.aez` and `NAME-qQUALITY-tiles.aez`, or for `NAME.npy` with uint8 samples.
        qualities: what to encode at.
        threads: CPU threads.
        precision: of the residual blocks, ``float32`` or ``bfloat16``.
        device: ``cpu`` or ``cuda``.
        runtime: ``light`` or ``torch``.
        contiguous: run the float networks in the plain (N, C, H, W) layout instead of channels last.
    """

    model: str
    inputs: tuple[str, ...]
    out: str
    qualities: tuple[float, ...]
    threads: int
    precision: str
    device: str
    runtime: str
    contiguous: bool

    def to_json(self) -> str:
        """Return the job as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "DriftJob":
        """Read what :meth:`to_json` returned."""
        values = json.loads(text)
        return cls(**values | {"inputs": tuple(values["inputs"]), "qualities": tuple(values["qualities"])})


def work(job: DriftJob) -> dict[str, str]:
    """Run a job.

    Returns:
        Decoding: the digest of the symbols of each input, by its name. Encoding: nothing.
    """
    set_threads(job.threads)
    codec = Codec(job.model, job.device, job.precision, job.runtime)
    if job.contiguous:
        assert isinstance(codec.networks, TorchNetworks)  # only torch has layouts
        use_contiguous_layout(codec.networks.model)
    if job.qualities:
        encode(codec, job)
        return {}
    return decode(codec, job)


def encode(codec: Codec, job: DriftJob) -> None:
    """Write two files for every picture and quality: of one tile, and of several with lossy alpha."""
    for path in map(Path, job.inputs):
        picture = read_picture(path, to_srgb=True, auto_orient=True)
        for quality in job.qualities:
            out = Path(job.out, f"{path.name}-q{quality:g}.aez")
            out.write_bytes(codec.encode(picture, quality, tile_log2=0))
            tiled = codec.encode(picture, quality, tile_log2=MIN_TILE_LOG2, alpha_quality=ALPHA_QUALITY)
            out.with_stem(f"{out.stem}-tiles").write_bytes(tiled)


def decode(codec: Codec, job: DriftJob) -> dict[str, str]:
    """Write the samples of every file, and return digests by file name."""
    digests = {}
    for path in map(Path, job.inputs):
        data = path.read_bytes()
        digests[path.name] = codec.digest(data)
        np.save(Path(job.out, f"{path.name}.npy"), codec.decode_array(data))
    return digests


def use_contiguous_layout(model: nn.Module) -> None:
    """Make every convolution run on contiguous weights and inputs, which both decide on the layout."""

    def relayout(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
        return tuple(x.contiguous() for x in inputs)

    model.to(memory_format=torch.contiguous_format)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(relayout)


if __name__ == "__main__":
    json.dump(work(DriftJob.from_json(sys.stdin.read())), sys.stdout)
