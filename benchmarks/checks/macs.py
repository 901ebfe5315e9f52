"""Complexity: multiply–accumulates (MAC) per pixel of each stage, counted during a real encode and decode.

Every convolution and matrix product that torch dispatches is counted from the shapes of its tensors, the integers of
the exact scale path included, and put down to the stage that runs. Biases, activations and gains are left out, as is
usual. The light runtime does the same work; torch is needed to count it. Exit code 1 if decoding takes more than
``--limit`` kMAC per pixel.

    python -m aez.benchmarks.checks.macs PICTURE [--model NAME|PATH] [--limit 15]
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from aez.benchmarks.commands import model_option, run, table
from aez.benchmarks.pictures import read_rgb
from aez.benchmarks.stages import STAGES, around_stages
from aez.bitstream import read_container
from aez.bitstream.errors import AezError
from aez.codec.codec import Codec
from aez.codec.decoding.decoder import View
from aez.codec.model.weightfile import Weights
from aez.codec.symbols.streams import StreamReader
from aez.codec.symbols.tiles import ArrayResiduals

_aten = torch.ops.aten
_LEFT_OPERAND = {_aten.mm: 0, _aten.bmm: 0, _aten.addmm: 1, _aten.addmm_: 1, _aten.baddbmm: 1}
"""Operations that all matrix products come down to, and the number of the argument that is the left operand."""


class MacCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A counter of multiply–accumulates, active as a context.

    Attributes:
        counts: by stage; ``""`` for what runs outside all stages.
        stage: the one that runs.
    """

    def __init__(self) -> None:
        """Count from zero."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[str] = Counter()
        self.stage = ""

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """Count for a stage within the context."""
        self.stage = stage
        yield
        self.stage = ""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation, and count its multiply–accumulates."""
        kwargs = kwargs or {}
        with self:
            # In inference mode composite operations (conv2d, matmul) arrive whole: take them apart first.
            result = func.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
        result = func(*args, **kwargs)
        self.counts[self.stage] += macs_of(func.overloadpacket, args, result)
        return result


def macs_of(operation: Any, args: Sequence[Any], result: Any) -> int:
    """Return the multiply–accumulates of a torch operation; 0 if it is no convolution or matrix product."""
    if operation is _aten.convolution:
        source, weight, _, _, _, _, transposed, *_ = args
        positions: Tensor = source if transposed else result
        return int(positions.numel() * math.prod(weight.shape[1:]))
    if operation in _LEFT_OPERAND:
        return int(result.numel() * args[_LEFT_OPERAND[operation]].shape[-1])
    return 0


def counting_codec(model: str | Weights) -> Codec:
    """Load a model in the runtime whose work can be counted."""
    return Codec(model, "cpu", "float32", "torch")


def count_codec(codec: Codec, picture: NDArray[np.uint8]) -> tuple[Counter[str], Counter[str]]:
    """Count multiply–accumulates of encoding and of decoding a picture, by stage.

    Args:
        codec: one of :func:`counting_codec`.
        picture: (H, W, 3).
    """
    encoding, decoding = MacCounter(), MacCounter()
    with around_stages(encoding.running), encoding:
        data = codec.encode(picture)
    with around_stages(decoding.running), decoding:
        # In this thread: `decode_array` reads tiles in another, where the counter does not see them.
        reader = StreamReader(read_container(data), codec.weights)
        symbols = reader.symbols()
        codec.decoder(reader).decode(symbols.z, ArrayResiduals(symbols.r), View.whole(reader.grid))
    # The exact path runs in NumPy, where no counter sees it: every weight counts once per cell.
    exact = codec.weights.exact
    products = sum(layer.size for layer in (exact.conv1, exact.conv2, exact.conv3, exact.linear))
    for counts in (encoding.counts, decoding.counts):
        counts["exact scale path"] += products * math.prod(reader.grid.cells.shape)
    return encoding.counts, decoding.counts


@click.command()
@click.argument("picture", type=click.Path(path_type=Path))
@model_option
@click.option("--limit", type=float, default=15.5, show_default=True, help="kMAC per pixel that decoding may take.")
def command(picture: Path, model: str, limit: float) -> None:
    """Count kMAC per pixel of encoding and decoding PICTURE."""
    pixels = np.asarray(read_rgb(picture))
    codec = counting_codec(model)
    counts = count_codec(codec, pixels)
    height, width = pixels.shape[:2]
    kilo = 1000 * width * height
    rows = [
        (stage or "elsewhere", *(f"{count[stage] / kilo:.3f}" for count in counts))
        for stage in (*STAGES, "")
        if any(count[stage] for count in counts)
    ]
    encoding, decoding = (count.total() / kilo for count in counts)
    rows.append(("total", f"{encoding:.3f}", f"{decoding:.3f}"))
    click.echo(f"model {codec.weights.name} ({codec.weights.fingerprint.hex()}), picture {width}×{height}")
    click.echo(table(("kMAC/pixel", "encode", "decode"), rows))
    if decoding > limit:
        raise AezError(f"decoding takes {decoding:.2f} kMAC/pixel, above the limit of {limit:g}")


if __name__ == "__main__":
    run(command)
