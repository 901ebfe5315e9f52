"""Where the float networks run, and in what precision."""

import functools
import time

import torch

from aez.bitstream.errors import AezError


def choose_device(name: str) -> torch.device:
    """`auto`, `cpu`, `cuda` or `mps` to a device.

    Raises:
        AezError: the device is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(name, False):
        raise AezError(f"there is no device {name!r} here")
    if name == "cuda":
        # Means and the linear shortcuts must be real float32: TF32 keeps 10 bits of latents that reach hundreds.
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


@functools.cache
def choose_precision(kind: str) -> torch.dtype:
    """bfloat16 where it is measured to be faster, float32 elsewhere.

    A CPU without bfloat16 arithmetic takes several times longer in it, so it is timed on a small matrix product.
    """
    if kind == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if kind != "cpu":
        return torch.float32
    wide = torch.rand(256, 256)
    narrow = wide.to(torch.bfloat16)

    def seconds(matrix: torch.Tensor) -> float:
        best = float("inf")
        for _ in range(4):
            start = time.perf_counter()
            torch.mm(matrix, matrix)
            best = min(best, time.perf_counter() - start)
        return best

    return torch.bfloat16 if seconds(narrow) * 1.5 < seconds(wide) else torch.float32
