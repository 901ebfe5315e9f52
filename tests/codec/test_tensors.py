import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.bitstream import ImageError
from aez.codec import Target, api, decode_batch, decode_tensor, encode_batch, encode_tensor
from aez.codec.codec import Codec

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tensors_are_pictures(codec: Codec, photo: Photo, tiny_path: object, channels: int) -> None:
    model = str(tiny_path)
    array = np.dstack([photo, photo])[100:150, 200:270, :channels]
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    data = encode_tensor(tensor, 60, model=model, device="cpu")
    assert codec.digest(data) == api.load(model, "cpu").digest(api.encode(array, 60, model=model, device="cpu"))
    back = decode_tensor(data, model=model, device="cpu")
    assert (back.shape, back.dtype) == (tensor.shape, torch.uint8)
    assert back.is_contiguous()
    assert not back.is_inference()
    expected = codec.decode_array(data).reshape(50, 70, -1)
    assert np.abs(back.permute(1, 2, 0).numpy() - expected.astype(int)).max() <= 1
    part = decode_tensor(data, model=model, device="cpu", region=(10, 20, 30, 16), scale=1 / 2)
    small = codec.decode_array(data, region=(10, 20, 30, 16), scale=1 / 2).reshape(8, 15, -1)
    assert np.abs(part.permute(1, 2, 0).numpy() - small.astype(int)).max() <= 1


def test_batches(photo: Photo, tiny_path: object) -> None:
    model = str(tiny_path)
    batch = torch.from_numpy(photo[:64, :96].copy()).permute(2, 0, 1).unfold(2, 32, 32).permute(2, 0, 1, 3)
    files = encode_batch(batch, 50, model=model, device="cpu")
    assert len(files) == 3
    back = decode_batch(files, model=model, device="cpu")
    assert back.shape == (3, 3, 64, 32)
    assert torch.equal(back[1], decode_tensor(files[1], model=model, device="cpu"))
    other = encode_tensor(batch[0, :, :32], model=model, device="cpu")
    with pytest.raises(ImageError, match="different shapes"):
        decode_batch([files[0], other], model=model, device="cpu")
    with pytest.raises(ValueError, match="no files"):
        decode_batch([])


@pytest.mark.parametrize("shape", [(4, 4), (1, 3, 4, 4), (5, 4, 4), (3, 0, 4)])
def test_other_shapes_are_refused(tiny_path: object, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        encode_tensor(torch.zeros(shape, dtype=torch.uint8), model=str(tiny_path), device="cpu")
    with pytest.raises(ValueError, match="shape"):
        encode_batch(torch.zeros(3, 4, 4, dtype=torch.uint8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int8, torch.int64])
def test_other_types_are_refused(dtype: torch.dtype) -> None:
    """The error says what was given, and a line that converts it."""
    tensor = torch.zeros(3, 4, 4, dtype=dtype)
    with pytest.raises(TypeError, match=f"must be uint8 .*not {dtype}: ") as caught:
        encode_tensor(tensor)
    converted = eval(str(caught.value).rsplit(" by ", 1)[1], {"tensor": tensor, "torch": torch})
    assert converted.dtype == torch.uint8


@pytest.mark.parametrize("dtype", [torch.uint16, torch.bool])
def test_types_of_arrays_are_those_of_tensors(codec: Codec, tiny_path: object, dtype: torch.dtype) -> None:
    tensor = torch.tensor([[[0, 1], [1, 0]]]).to(dtype)
    options = {"model": str(tiny_path), "device": "cpu"}
    assert encode_tensor(tensor, 50, **options) == api.encode(tensor[0].numpy(), 50, **options)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_pictures_are_decoded_on_the_gpu(photo: Photo, tiny_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    model = str(tiny_path)
    data = encode_tensor(torch.from_numpy(photo.copy()).permute(2, 0, 1).cuda(), 60, model=model, device="cuda")
    host = decode_tensor(data, model=model, device="cpu")
    monkeypatch.setattr(torch.Tensor, "cpu", None)
    back = decode_tensor(data, model=model, device="cuda")
    assert back.is_cuda
    assert (back.to("cpu").int() - host.int()).abs().max() <= 1


def test_effort_and_target_reach_the_encoder(codec: Codec, photo: Photo, tiny_path: object) -> None:
    tensor = torch.from_numpy(photo[:96, :96].copy()).permute(2, 0, 1)
    options = {"model": str(tiny_path), "device": "cpu"}
    by_effort = [encode_tensor(tensor, 60, effort=effort, **options) for effort in (0, 3)]
    assert by_effort[0] != by_effort[1]
    assert by_effort[1] == encode_batch(tensor[None], 60, effort=3, **options)[0]
    size = len(by_effort[0]) + 30
    assert 0.98 * size <= len(encode_tensor(tensor, target=Target(size=size), **options)) <= size
