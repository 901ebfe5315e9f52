"""Choose the device and the precision of the float networks."""

import functools
import os
from pathlib import Path

import torch

from aez.bitstream.errors import AezError
from aez.codec.threads import chosen_threads

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""CPU flags in Linux of instructions that multiply bfloat16: AVX-512 and AMX on x86, and those of ARM."""

if count := chosen_threads():
    torch.set_num_threads(count)
if hasattr(os, "register_at_fork"):
    # A forked child lacks the threads of torch's pool: if it used the pool, it would wait forever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def choose_device(name: str) -> torch.device:
    """Return the device of a name: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        AezError: the device is not available.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(name, False):
        raise AezError(f"there is no device {name!r} here")
    if name == "cuda":
        # Means and linear paths need full float32: TF32 keeps 10 bits of the mantissa, and latents reach hundreds.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device(name)


def precision_for(name: str, kind: str) -> torch.dtype:
    """Return the precision for a name, ``auto``, ``float32`` or ``bfloat16``, on a kind of device."""
    if name == "auto":
        return choose_precision(kind)
    return torch.float32 if name == "float32" else torch.bfloat16


@functools.cache
def choose_precision(kind: str) -> torch.dtype:
    """Return bfloat16 if a kind of device has instructions that multiply it, else float32.

    The two precisions give slightly different files, so the choice is the same in every run on one machine. It is not
    based on timing, because timing depends on the load of the machine.
    """
    if kind == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if kind == "cpu" and _cpu_has_bfloat16() else torch.float32


def _cpu_has_bfloat16() -> bool:
    """Check for CPU instructions that multiply bfloat16; without them it is several times slower than float32."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    except OSError:  # not Linux
        return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())  # torch 2.6 and later
    return not _BFLOAT16_FLAGS.isdisjoint(flags.split())
