"""Configurations that `aez.benchmarks.checks.drift` compares, and processes that run in them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from aez.benchmarks.checks.drift_worker import DriftJob
from aez.bitstream.errors import AezError

# As near to another machine as one machine comes: kernels of torch, oneDNN, MKL and OpenBLAS without AVX. ONNX Runtime
# has no such setting.
_ISA = {
    "native": {},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"},
    "default": {"ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Prescott"},
    "oldest": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Prescott",
    },
}
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Setup:
    """A configuration of the codec.

    Attributes:
        threads: CPU threads.
        precision: of the residual blocks.
        isa: instruction sets, a key of ``_ISA``.
        device: ``cpu`` or ``cuda``.
        runtime: ``light`` or ``torch``.
        contiguous: plain memory layout instead of channels last.
    """

    threads: int
    precision: str
    isa: str = "native"
    device: str = "cpu"
    runtime: str = "torch"
    contiguous: bool = False

    @property
    def name(self) -> str:
        """Name in reports and of folders."""
        parts = [self.runtime, self.device, f"{self.threads}-thread", self.precision, self.isa]
        return " ".join(parts + ["contiguous"] * self.contiguous)

    def run(self, model: str, inputs: Sequence[Path], out: Path, qualities: Sequence[float] = ()) -> Mapping[str, str]:
        """Run a job in this configuration; see :class:`DriftJob` for the arguments and ``work`` for the result.

        Raises:
            AezError: the process failed; the text is its last line.
        """
        out.mkdir()
        job = DriftJob(
            model=model,
            inputs=tuple(map(str, inputs)),
            out=str(out),
            qualities=tuple(qualities),
            threads=self.threads,
            precision=self.precision,
            device=self.device,
            runtime=self.runtime,
            contiguous=self.contiguous,
        )
        done = subprocess.run(
            [sys.executable, "-m", "aez.benchmarks.checks.drift_worker"],
            input=job.to_json(),
            env=os.environ | _ISA[self.isa],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AezError(f"{self.name}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        digests: dict[str, str] = json.loads(done.stdout)
        return digests


def encoders() -> list[Setup]:
    """Return the encoders' configurations: threads × precision."""
    setups = [Setup(threads, precision) for precision in PRECISIONS for threads in (1, 2)]
    return [*setups, *(Setup(threads, "float32", runtime="light") for threads in (1, 2))]


def decoders() -> list[Setup]:
    """Return the decoders' configurations: threads × precision × instruction sets, memory layouts, and a GPU if any."""
    setups = [
        Setup(threads, precision, isa)
        for isa in ("native", "default")
        for precision in PRECISIONS
        for threads in (1, 2)
    ]
    setups += [Setup(threads, "float32", "AVX2") for threads in (1, 2)]
    setups += [Setup(threads, "float32", isa, runtime="light") for isa in _ISA for threads in (1, 2)]
    setups += [Setup(2, precision, contiguous=True) for precision in PRECISIONS]
    setups += [Setup(1, "float32", "oldest")]
    if torch.cuda.is_available():
        setups += [Setup(1, precision, device="cuda") for precision in PRECISIONS]
    return setups
