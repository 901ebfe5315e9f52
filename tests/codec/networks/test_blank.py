"""Models that are read are not initialised, and do not import torch's compiler."""

import json
import subprocess
import sys

import pytest
import torch

from aez.codec.family.members import MODELS, family_class, load_family
from aez.codec.model.config import NetworkConfig
from aez.codec.networks import HyperpriorModel
from aez.codec.networks.blank import blank, is_blank

pytestmark = pytest.mark.torch

_HEAVY = ("torch._dynamo", "torch._inductor", "sympy", "torch.fx.experimental.symbolic_shapes")
_READ = """
import json, sys
from aez.codec.codec import Codec
from aez.codec.family.members import MODELS, load_family
Codec(device="cpu")
for name in MODELS:
    load_family(name)
print(json.dumps(sorted(sys.modules)))
"""


def test_reading_a_model_imports_no_compiler() -> None:
    out = subprocess.run([sys.executable, "-c", _READ], capture_output=True, text=True, check=True).stdout
    modules = set(json.loads(out))
    plain = "import torch, json, sys; print(json.dumps(sorted(sys.modules)))"
    torchs_own = set(json.loads(subprocess.check_output([sys.executable, "-c", plain], text=True)))
    assert not [name for name in _HEAVY if name in modules - torchs_own]


def test_blank_networks_have_shapes_and_no_values() -> None:
    with blank():
        model = HyperpriorModel(NetworkConfig())
    started = HyperpriorModel(NetworkConfig())
    assert {k: v.shape for k, v in model.state_dict().items()} == {k: v.shape for k, v in started.state_dict().items()}
    assert all(value.is_meta for value in model.state_dict().values())
    assert is_blank(model.analysis.linear) and not is_blank(started.analysis.linear)


def test_other_networks_are_started_as_before() -> None:
    with blank():
        HyperpriorModel(NetworkConfig())
    model = HyperpriorModel(NetworkConfig())
    assert float(model.analysis.tail.weight.std()) == pytest.approx(1e-3, rel=0.1)
    basis = model.analysis.linear.weight.flatten(1)
    assert torch.allclose(basis @ basis.t(), torch.eye(len(basis)) * 64, atol=1e-3)
    rows = model.encoder_gain.rows
    assert (float(rows[0, 0]), float(rows[-1, 5])) == (pytest.approx(-1.2), pytest.approx(2.4))


@pytest.mark.parametrize("name", MODELS)
def test_members_are_read_without_a_start(name: str) -> None:
    assert isinstance(load_family(name), family_class(name))
