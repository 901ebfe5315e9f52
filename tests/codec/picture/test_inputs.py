from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.picture.inputs import from_array

Photo = NDArray[np.uint8]


def test_arrays(photo: Photo) -> None:
    assert np.array_equal(from_array(photo[:5, :7]).samples, photo[:5, :7])
    assert from_array(photo[:5, :7, :1]).mode == from_array(photo[:5, :7, 0]).mode == "L"
    for channels, mode in ((2, "LA"), (3, "RGB"), (4, "RGBA")):
        array = np.dstack([photo, photo])[:5, :7, :channels]
        result = from_array(array)
        assert result.mode == mode
        assert np.array_equal(result.to_array(), array)
    assert from_array(photo[::2, ::-1]).samples.flags.c_contiguous


@pytest.mark.parametrize("shape", [(4,), (4, 4, 5), (4, 4, 0), (4, 4, 3, 1), (0, 4, 3), (4, 0, 3), (0, 0), (4, 0), ()])
def test_arrays_of_other_shapes(codec: Codec, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        codec.encode(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint32, np.int64, complex])
def test_arrays_of_other_types(codec: Codec, dtype: Any) -> None:
    """The error names the dtype, and gives a line that converts the array."""
    array = np.zeros((4, 4, 3), dtype)
    with pytest.raises(TypeError, match="must be uint8") as caught:
        codec.encode(array)
    words = str(caught.value)
    assert f"not {array.dtype}: " in words
    if array.dtype != complex:
        converted = eval(words.rsplit(" by ", 1)[1], {"array": array})
        assert codec.decode_array(codec.encode(converted, 10)).shape == array.shape


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_either_byte_order(dtype: str) -> None:
    values = np.array([[0, 128, 129, 256, 65535]])
    result = from_array(values.astype(dtype))
    assert (result.samples.dtype, result.depth) == (np.uint16, 16)
    assert result.samples.tolist() == values.tolist()
    assert result.warnings == []


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_deep_arrays(channels: int) -> None:
    """Alpha is rounded to 8 bits, with a warning if that changes it."""
    array = np.linspace(1, 65534, 5 * 7 * channels).astype(np.uint16).reshape(5, 7, channels)
    result = from_array(array)
    colours = array if channels in (1, 3) else array[..., :-1]
    assert np.array_equal(result.samples.reshape(colours.shape), colours)
    assert result.warnings == ([] if channels in (1, 3) else ["16-bit transparency is rounded to 8 bits"])
    if channels in (2, 4):
        assert result.alpha is not None
        assert np.array_equal(result.alpha, np.round(array[..., -1] / 257))
        array[..., -1] = 65535
        assert from_array(array).warnings == []


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bool_is_black_and_white(channels: int) -> None:
    array = np.zeros((2, 3, channels), bool)
    array[0, 1] = True
    result = from_array(array)
    assert (result.samples.dtype, result.warnings) == (np.uint8, [])
    assert result.to_array().reshape(2, 3, channels).tolist() == (array * 255).tolist()


def test_channels_first() -> None:
    with pytest.raises(ValueError, match=r"not \(3, 40, 50\): array.transpose\(1, 2, 0\) puts"):
        from_array(np.zeros((3, 40, 50), np.uint8))


@pytest.mark.parametrize("image", [b"\x89PNG", None, {}, [["a"]]])
def test_what_is_no_picture(codec: Codec, image: Any) -> None:
    with pytest.raises(TypeError, match=f"array or the path of a file, not as {type(image).__name__}"):
        codec.encode(image)
