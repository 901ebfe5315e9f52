import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.checks import floor
from aez.benchmarks.checks.floor import TOTAL, WAYS, Machine, measure_machine, mosaic, rows_of, stage_times
from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights

pytestmark = pytest.mark.torch
MACHINE = Machine(float32=200.0, float64=100.0, copied=1000.0)


def test_a_mosaic_repeats_the_pictures_without_scaling(photo: NDArray[np.uint8]) -> None:
    a, b = photo[:100, :90], photo[100:180, :130]
    pixels = mosaic([Image.fromarray(a), Image.fromarray(b)], 0.4)
    assert pixels.shape == (512, 768, 3)
    assert np.array_equal(pixels[:100, :90], a)
    assert np.array_equal(pixels[:80, 90:220], b)
    assert np.array_equal(pixels[:100, 220:310], a)
    assert pixels[-20:, -20:].any()
    assert mosaic([Image.fromarray(a)], 12).size == pytest.approx(3 * 12e6, rel=0.02)


def test_floors() -> None:
    assert MACHINE.floor("synthesis", 1000, 10) == 5
    assert MACHINE.floor("exact scale path", 1000, 10) == 10
    assert MACHINE.floor("picture filter", 1000, 1000) == 24
    assert MACHINE.floor("entropy coding", 0, 1000) is None


def test_speeds_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "_SIDE", 64)
    monkeypatch.setattr(floor, "_BYTES", 2**16)
    machine = measure_machine(1)
    assert min(machine.float32, machine.float64, machine.copied) > 0


@pytest.mark.parametrize("runtime", ["light", "torch"])
def test_stages_are_timed_in_both_runtimes(packaged: Weights, photo: NDArray[np.uint8], runtime: str) -> None:
    times = stage_times(Codec(packaged, "cpu", "float32", runtime), photo[:96, :64], 1)
    for way in WAYS:
        parts = [taken for (direction, stage), taken in times.items() if direction == way and stage != TOTAL]
        assert len(parts) >= 5 and 0 < sum(parts) <= times[way, TOTAL]


def test_rows() -> None:
    times = {
        1: {("encode", "analysis"): 10.0, ("encode", TOTAL): 20.0, ("decode", "entropy coding"): 3.0},
        2: {("encode", "analysis"): 6.0, ("encode", TOTAL): 12.0, ("decode", "entropy coding"): 2.0},
    }
    machines = {1: MACHINE, 2: Machine(400.0, 200.0, 1000.0)}
    rows = rows_of("2 MP", 100, {"encode": {"analysis": 1000}, "decode": {}}, times, machines)
    assert rows[:2] == [
        ("2 MP encode: analysis", "10.0", "5.0", "2.0", "6.0", "2.5", "2.4"),
        ("2 MP encode: total", "20.0", "5.0", "4.0", "12.0", "2.5", "4.8"),
    ]
    assert rows[2] == ("2 MP decode: entropy coding", "3.0", "", "", "2.0", "", "")
