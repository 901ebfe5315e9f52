"""Choose the runtime of a model: the light one, without torch, or torch."""

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aez.bitstream.errors import AezError, ModelError
from aez.codec.extras import is_installed, require

if TYPE_CHECKING:
    from aez.codec.model.weightfile import Weights
    from aez.codec.runtime.networks import Networks

RUNTIMES = ("auto", "light", "torch")
VARIABLE = "AEZ_RUNTIME"
"""Environment variable that says what ``auto`` means."""
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
_DRIVERS = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1",)
_ROCM = Path("/dev/kfd")


def networks_for(weights: "Weights", device: str, precision: str, runtime: str) -> "Networks":
    """Load the float networks of a model.

    ``auto`` takes torch where it is installed and has an accelerator, and where only torch has what is asked for:
    another device than the CPU, bfloat16, or a model without graphs.

    Args:
        weights: a validated model.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32`` or ``bfloat16``.
        runtime: ``auto``, ``light`` or ``torch``.

    Raises:
        AezError: the device or the runtime is not there.
        ModelError: the model has no graphs, and torch is not there.
        ValueError: there is no such device, precision or runtime.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be auto, float32 or bfloat16, not {precision!r}")
    if chosen_runtime(runtime, device, precision, graphs=weights.has_graphs) == "light":
        from aez.codec.runtime.light.networks import LightNetworks

        return LightNetworks(weights)
    require_torch("this")
    from aez.codec.runtime.torch.device import choose_device, precision_for
    from aez.codec.runtime.torch.networks import TorchNetworks

    where = choose_device(device)
    return TorchNetworks(weights, where, precision_for(precision, where.type))


def chosen_runtime(runtime: str, device: str, precision: str = "auto", *, graphs: bool = True) -> str:
    """Return ``light`` or ``torch``; arguments and errors as :func:`networks_for`."""
    if runtime == "auto":
        runtime = os.environ.get(VARIABLE) or "auto"
        if runtime not in RUNTIMES:
            raise AezError(f"the environment variable {VARIABLE} must be auto, light or torch, not {runtime!r}")
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be auto, light or torch, not {runtime!r}")
    if device not in DEVICES:
        raise ValueError(f"device must be auto, cpu, cuda or mps, not {device!r}")
    only_torch = device not in ("auto", "cpu") or precision == "bfloat16"
    if runtime == "light":
        if only_torch:
            raise AezError("the light runtime computes on the CPU, in float32; --runtime torch has the rest")
        if not graphs:
            raise ModelError("the model has no graphs, which the light runtime needs; --runtime torch needs none")
        return "light"
    if runtime == "torch" or only_torch or not graphs:
        return "torch"
    return "torch" if device == "auto" and _has_accelerator() else "light"


def require_torch(what: str) -> None:
    """Refuse work that needs torch where it is not installed.

    Args:
        what: the beginning of the message.

    Raises:
        AezError: torch is not installed.
    """
    require("torch", what=what)


def _has_accelerator() -> bool:
    """Check for an accelerator that torch can use; torch is imported only where there is a driver for one."""
    if not is_installed("torch") or not (_has_driver() or "torch" in sys.modules):
        return False
    import torch

    return bool(torch.cuda.is_available() or torch.backends.mps.is_available())


def _has_driver() -> bool:
    if sys.platform == "darwin" or _ROCM.exists():
        return True
    for name in _DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False
