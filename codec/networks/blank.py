"""Networks without a start, for weights that are read: nothing is initialised, and no memory is taken."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class _NoStart(TorchFunctionMode):
    """Skips the functions of ``torch.nn.init``: on the meta device some of them import torch's compiler."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


@contextmanager
def blank() -> Iterator[None]:
    """Build networks on the meta device within the context; :func:`is_blank` says so to their constructors."""
    with torch.device("meta"), _NoStart():
        yield


def is_blank(layer: torch.nn.Conv2d | torch.nn.Linear) -> bool:
    """Check whether a layer was built by :func:`blank`, so that its start need not be computed."""
    return layer.weight.is_meta
