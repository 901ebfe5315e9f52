import io
from pathlib import Path
from typing import Any

import pytest
import torch

from aez.bitstream import AezError
from aez.codec.runtime.torch.device import choose_device, choose_precision

pytestmark = pytest.mark.torch


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(AezError, match="tpu"):
        choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_missing_devices_are_an_error() -> None:
    with pytest.raises(AezError, match="cuda"):
        choose_device("cuda")


CPUINFO = {
    "x86 without": ("flags\t\t: fpu avx2 avx512f avx512bw avx512_vnni\n", torch.float32),
    "AVX-512": ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 clzero\nflags\t: fpu\n", torch.bfloat16),
    "AMX": ("flags\t\t: amx_bf16 amx_tile amx_int8\n", torch.bfloat16),
    "ARM": ("Features\t: fp asimd i8mm bf16 dgh\n", torch.bfloat16),
    "ARM without": ("Features\t: fp asimd\n", torch.float32),
    "silent": ("processor\t: 0\n", torch.float32),
}


@pytest.mark.parametrize("name", CPUINFO)
def test_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, expected = CPUINFO[name]
    monkeypatch.setattr(Path, "open", lambda *_, **__: io.StringIO(text))
    assert choose_precision.__wrapped__("cpu") == expected


@pytest.mark.parametrize(("answer", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_precision_where_linux_does_not_say(
    monkeypatch: pytest.MonkeyPatch, answer: bool, expected: torch.dtype
) -> None:
    def missing(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "open", missing)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: answer, raising=False)
    assert choose_precision.__wrapped__("cpu") == expected
    monkeypatch.delattr("torch.cpu._is_avx512_bf16_supported")
    assert choose_precision.__wrapped__("cpu") == torch.float32


def test_precision_does_not_depend_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    first = choose_precision.__wrapped__("cpu")

    def ask(*_: Any) -> Any:
        raise AssertionError("a measurement depends on what else the machine is doing")

    monkeypatch.setattr("time.perf_counter", ask)
    assert choose_precision.__wrapped__("cpu") == first


def test_other_devices() -> None:
    assert choose_precision("mps") == torch.float32
