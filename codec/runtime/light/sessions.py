"""ONNX Runtime sessions of a model's graphs, with the weights of its weights file."""

import contextlib
import functools
import os
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

# ONNX Runtime's library otherwise writes what it did, and where, into the user's cache, for its makers. It reads the
# variable when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort
from numpy.typing import NDArray

from aez.bitstream.errors import ModelError
from aez.codec.model.eight_bits import Arrays
from aez.codec.model.graphs import PREFIX, Graph
from aez.codec.runtime.light.layers import stored_floats
from aez.codec.runtime.networks import Floats
from aez.codec.threads import threads

_POOL = 0, 0, -1, -1
"""No limit; grow in powers of two; and the usual sizes of the first block and of what may lie unused in one."""
_alive: "weakref.WeakSet[Sessions]" = weakref.WeakSet()
_of_parent: list[object] = []


class Sessions:
    """The sessions of one model, each made when it is first needed; safe to use from several threads."""

    def __init__(self, tensors: Arrays) -> None:
        """Make no session yet.

        Args:
            tensors: those of a weights file with graphs.
        """
        self._tensors = tensors
        self._lock = threading.Lock()
        self._made: dict[tuple[str, int], Future[Any]] = {}
        _alive.add(self)

    def run(self, name: str, shapes: Sequence[tuple[int, ...]], **inputs: NDArray[Any]) -> list[Floats]:
        """Run a graph on one picture.

        Args:
            name: of the graph.
            shapes: those that its outputs must have.
            inputs: by name.

        Returns:
            The outputs, float32.

        Raises:
            ModelError: the model has no such graph, or one that does not fit its tensors.
            MemoryError: there is not enough memory.
        """
        feed = {key: np.ascontiguousarray(x[None], np.float32) for key, x in inputs.items()}
        session = self._session(name)
        try:
            out = session.run(None, feed)
        except MemoryError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no other base
            if "alloc" in str(error).lower():
                raise MemoryError from None
            raise _unfit(name) from None
        if [(x.shape, x.dtype) for x in out] != [((1, *shape), np.float32) for shape in shapes]:
            raise _unfit(name)
        return [x[0] for x in out]

    def prepare(self, names: Sequence[str]) -> None:
        """Begin to make sessions in a thread, while the caller does other work; errors are those of :meth:`run`."""
        missing = [name for name in names if (name, threads()) not in self._made]
        if missing:
            threading.Thread(target=self._make, args=(missing,)).start()

    def leave_to_parent(self) -> None:
        """Forget the sessions of a forked child's parent, without freeing them.

        To run or to free one would wait for its threads, which the child lacks.
        """
        _of_parent.append(self._made)
        self._lock, self._made = threading.Lock(), {}

    def _make(self, names: Sequence[str]) -> None:
        with contextlib.suppress(Exception):  # whoever needs the session meets it, too
            for name in names:
                self._session(name)

    def _session(self, name: str) -> Any:
        key = name, threads()
        with self._lock:
            found = self._made.get(key)
            session = self._made.setdefault(key, Future())
        if found is None:
            try:
                session.set_result(_session(self._tensors, *key))
            except BaseException as error:
                session.set_exception(error)
        return session.result()


def _session(tensors: Arrays, name: str, threads: int) -> Any:
    if PREFIX + name not in tensors:
        raise ModelError(f"the model has no graph {name!r}")
    graph = Graph.unpacked(tensors[PREFIX + name])
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_pattern = False  # which would plan memory for every size of window anew
    if _has_shared_memory():
        options.add_session_config_entry("session.use_env_allocators", "1")
    # Threads that wait busily would take the cores from NumPy, which computes between the graphs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        values = [ort.OrtValue.ortvalue_from_numpy(x) for x in stored_floats(tensors, graph.weights)]
        options.add_external_initializers(list(graph.weights), values)
        return ort.InferenceSession(graph.onnx, options, providers=["CPUExecutionProvider"])
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # ONNX Runtime's exceptions share no other base
        if "alloc" in str(error).lower():
            raise MemoryError from None
        raise _unfit(name) from None


@functools.cache
def _has_shared_memory() -> bool:
    """Let the sessions of this process take their memory from one pool; without it each keeps what it once needed."""
    kind = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    try:
        memory = ort.OrtMemoryInfo("Cpu", kind, 0, ort.OrtMemType.DEFAULT)
        ort.create_and_register_allocator(memory, ort.OrtArenaCfg(*_POOL))
    except Exception:  # ONNX Runtime's exceptions share no other base; another library may have made a pool
        return False
    return True


def _unfit(name: str) -> ModelError:
    return ModelError(f"the model's graph {name!r} does not fit its tensors")


def _after_fork() -> None:
    for sessions in list(_alive):
        sessions.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
