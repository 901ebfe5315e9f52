"""Which runtime is chosen, and what is refused."""

import sys

import pytest

from aez.bitstream import AezError, ModelError
from aez.codec.codec import Codec
from aez.codec.model.graphs import PREFIX
from aez.codec.model.weightfile import Weights
from aez.codec.runtime import choice
from aez.codec.runtime.choice import VARIABLE, chosen_runtime


@pytest.mark.parametrize(
    ("runtime", "device", "precision", "graphs", "accelerator", "expected"),
    [
        ("auto", "auto", "auto", True, False, "light"),
        ("auto", "auto", "auto", True, True, "torch"),
        ("auto", "auto", "float32", True, False, "light"),
        ("auto", "cpu", "auto", True, True, "light"),
        ("auto", "cpu", "bfloat16", True, False, "torch"),
        ("auto", "cpu", "auto", False, False, "torch"),
        ("auto", "cuda", "auto", True, False, "torch"),
        ("auto", "mps", "auto", True, False, "torch"),
        ("light", "auto", "auto", True, True, "light"),
        ("light", "cpu", "float32", True, True, "light"),
        ("torch", "cpu", "auto", True, False, "torch"),
        ("torch", "auto", "auto", False, False, "torch"),
    ],
)
def test_what_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
    runtime: str,
    device: str,
    precision: str,
    graphs: bool,
    accelerator: bool,
    expected: str,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(choice, "_has_accelerator", lambda: accelerator)
    assert chosen_runtime(runtime, device, precision, graphs=graphs) == expected


@pytest.mark.parametrize(
    ("value", "runtime", "expected"),
    [
        ("torch", "auto", "torch"),
        ("light", "auto", "light"),
        ("auto", "auto", "light"),
        ("", "auto", "light"),
        ("torch", "light", "light"),
        ("light", "torch", "torch"),
    ],
)
def test_the_variable_says_what_auto_means(
    monkeypatch: pytest.MonkeyPatch, value: str, runtime: str, expected: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert chosen_runtime(runtime, "cpu") == expected


@pytest.mark.parametrize(
    ("arguments", "graphs", "error", "text"),
    [
        (("heavy", "cpu"), True, ValueError, "runtime must be auto, light or torch, not 'heavy'"),
        (("auto", "tpu"), True, ValueError, "device must be auto, cpu, cuda or mps, not 'tpu'"),
        (("light", "cuda"), True, AezError, "on the CPU, in float32; --runtime torch has the rest"),
        (("light", "cpu", "bfloat16"), True, AezError, "on the CPU, in float32; --runtime torch has the rest"),
        (("light", "cpu"), False, ModelError, "the model has no graphs, .* --runtime torch needs none"),
    ],
)
def test_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], graphs: bool, error: type[Exception], text: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(error, match=text):
        chosen_runtime(*arguments, graphs=graphs)


def test_a_wrong_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "heavy")
    with pytest.raises(AezError, match="AEZ_RUNTIME must be auto, light or torch, not 'heavy'"):
        chosen_runtime("auto", "cpu")


def test_a_wrong_precision_is_refused(tiny: Weights) -> None:
    with pytest.raises(ValueError, match="precision must be auto, float32 or bfloat16, not 'float64'"):
        Codec(tiny, "cpu", "float64")


def test_without_torch_nothing_else_is_chosen(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(choice, "_has_driver", lambda: True)
    monkeypatch.setitem(sys.modules, "torch", None)
    codec = Codec(tiny)
    assert (codec.runtime, codec.device, codec.precision) == ("light", "cpu", "float32")
    for arguments in (("cuda",), ("cpu", "bfloat16"), ("cpu", "auto", "torch")):
        with pytest.raises(AezError, match=r"this needs PyTorch, .* 'aez\[torch\]'"):
            Codec(tiny, *arguments)
    with pytest.raises(AezError, match="an effort of 9 needs PyTorch"):
        codec.check_effort(9)
    codec.check_effort(7)


def test_models_without_graphs(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tiny.without(PREFIX)
    assert tiny.has_graphs and not bare.has_graphs
    assert bare.fingerprint == tiny.fingerprint
    with pytest.raises(ModelError, match="the model has no graphs") as caught:
        Codec(bare, "cpu", runtime="light")
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(AezError, match="this needs PyTorch"):
        Codec(bare, "cpu")


@pytest.mark.torch
def test_models_without_graphs_run_in_torch(tiny: Weights, goldens: dict[str, bytes], digests: dict[str, str]) -> None:
    codec = Codec(tiny.without(PREFIX), "cpu")
    assert codec.runtime == "torch"
    assert codec.digest(goldens["low"]) == digests["low"]
    assert codec.decode_array(goldens["low"]).shape == (100, 150, 3)
