"""Fits as one protocol: order, names, and the command that measures them for a weights file."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from aez.codec.model.weightfile import read_weights
from aez.codec.training.fits import FITS, fits_named
from aez.codec.training.fits.__main__ import command

pytestmark = pytest.mark.torch


def test_fits_are_applied_in_their_own_order() -> None:
    assert [fit.name for fit in fits_named(["grey", "hyper_context"])] == ["hyper_context", "grey"]
    order = ["hyper_context", "residual_tables", "picture_filter", "grey", "copula", "quality_scores"]
    assert [fit.name for fit in FITS] == order
    assert all(fit.needs >= 1 for fit in FITS)
    with pytest.raises(ValueError, match="has no 'gray'; there are hyper_context"):
        fits_named(["gray"])


def test_the_command_measures_what_is_asked_for(tmp_path: Path, tiny_path: Path, photo: NDArray[np.uint8]) -> None:
    Image.fromarray(photo[:64, :64]).save(tmp_path / "a.png")
    out = tmp_path / "out.safetensors"
    words = [str(tiny_path), str(tmp_path / "a.png"), "--fit", "grey", "-o", str(out)]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    before, after = read_weights(tiny_path), read_weights(out)
    assert set(after.tensors) - set(before.tensors) == {
        f"tables.grey_{name}" for name in ("offset", "hyper_index", "hyper_mean")
    }
    assert f"fingerprint {after.fingerprint.hex()}" in done.output
