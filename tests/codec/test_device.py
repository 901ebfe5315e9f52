import pytest
import torch

from aez.bitstream import AezError
from aez.codec.device import choose_device, choose_precision


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(AezError, match="tpu"):
        choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_missing_devices_are_an_error() -> None:
    with pytest.raises(AezError, match="cuda"):
        choose_device("cuda")


def test_precision_is_one_of_two() -> None:
    assert choose_precision("cpu") in (torch.float32, torch.bfloat16)
    assert choose_precision("mps") == torch.float32
