import pytest
import torch

from aez.codec.quantise import Quantiser

TABLES = torch.arange(64, dtype=torch.uint8)


def quantise(quantiser: Quantiser, value: float, index: int) -> int:
    return int(quantiser(torch.tensor([value]), torch.tensor([index], dtype=torch.uint8)))


@pytest.mark.parametrize("first_coded", [0, 7, 64])
def test_nothing_below_the_first_coded_table(first_coded: int) -> None:
    out = Quantiser(first_coded)(torch.full((64,), 9.0), TABLES)
    assert out.dtype == torch.int16
    assert (out[:first_coded] == 0).all()
    assert (out[first_coded:] == 9).all()


def test_dead_zone_shrinks_as_scales_grow() -> None:
    """The least value that is coded as 1 falls with σ from about 1/2 + δ to 1/2, and is never below it."""
    values = torch.linspace(0.45, 0.75, 3001)
    quantiser = Quantiser(0, dead_zone=0.12, reach=1.0)
    edges = [float(values[quantiser(values, torch.full_like(values, i, dtype=torch.uint8)) > 0][0]) for i in TABLES]
    assert edges == sorted(edges, reverse=True)
    assert edges[0] == pytest.approx(0.5 + 0.12 / (1 + 0.11**2), abs=1e-3)
    assert edges[-1] == pytest.approx(0.5, abs=1e-3)
    assert edges[0] > edges[32] > edges[-1]


def test_symbols_rise_with_values() -> None:
    values = torch.linspace(-20, 20, 5001)
    for index in (0, 20, 63):
        out = Quantiser(0)(values, torch.full_like(values, index, dtype=torch.uint8)).int()
        assert (out.diff() >= 0).all()
        assert (out.diff() <= 1).all()
        assert torch.equal(out, -out.flip(0))
        assert (out - values).abs().max() < 0.63


def test_plain_rounding() -> None:
    values = torch.linspace(-9.9, 9.9, 1777)
    out = Quantiser(3, dead_zone=0.0)(values, torch.full_like(values, 3, dtype=torch.uint8))
    assert torch.equal(out.float(), values.round())
    assert quantise(Quantiser(3, dead_zone=0.0), 5.0, 2) == 0


def test_values_are_clamped_to_what_a_file_holds() -> None:
    for quantiser in (Quantiser(0, dead_zone=0.0), Quantiser(0)):
        assert quantise(quantiser, 1e9, 63) == 2**15 - 1
        assert quantise(quantiser, -1e9, 63) == -(2**15 - 1)
