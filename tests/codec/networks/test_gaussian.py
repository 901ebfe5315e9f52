import math

import pytest
import torch

from aez.codec.networks.gaussian import unit_bits

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("sigma", [0.11, 0.7, 3.0, 200.0])
def test_bits_are_those_of_the_mass(sigma: float) -> None:
    values = torch.tensor([0.0, 0.3, -1.0, 2.0], dtype=torch.float64)
    found = unit_bits(values, torch.tensor(sigma, dtype=torch.float64))
    for value, bits in zip(values.tolist(), found.tolist(), strict=True):
        low, high = (math.erfc((edge - abs(value)) / (sigma * math.sqrt(2))) / 2 for edge in (0.5, -0.5))
        if high - low > 1e-9:
            assert bits == pytest.approx(-math.log2(high - low), rel=1e-5, abs=1e-6)


def test_far_values_have_a_slope() -> None:
    values = torch.tensor([0.0, 5.0, 40.0], requires_grad=True)
    unit_bits(values, torch.tensor(0.3)).sum().backward()
    assert values.grad is not None and bool(values.grad.isfinite().all())
    assert values.grad[2] > values.grad[1] > 1
