"""Options: each default and each check once, and the same for every function that encodes or decodes."""

import inspect
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from aez import codec
from aez.codec import DecodeOptions, EncodeOptions, Target
from aez.codec.base import PictureCodec
from aez.codec.codec import Codec
from aez.codec.encoding.effort import EFFORT_MAX
from aez.codec.options import DecodeSettings, EncodeSettings, option_names


def test_settings_are_the_fields() -> None:
    assert {"quality", *EncodeSettings.__annotations__} == option_names(EncodeOptions)
    assert set(DecodeSettings.__annotations__) == option_names(DecodeOptions)


def on_tensors(name: str) -> Any:
    return pytest.param(codec, name, marks=pytest.mark.torch)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(codec, "encode"), (PictureCodec, "encode"), on_tensors("encode_tensor"), on_tensors("encode_batch")],
)
def test_functions_that_encode_have_no_defaults_of_their_own(owner: Any, name: str) -> None:
    parameters = inspect.signature(getattr(owner, name)).parameters
    assert parameters["quality"].default is None
    assert parameters["settings"].kind is inspect.Parameter.VAR_KEYWORD
    assert not option_names(EncodeOptions) & (set(parameters) - {"quality"})


@pytest.mark.parametrize(
    ("owner", "name"),
    [(codec, "decode"), (codec, "decode_array"), (PictureCodec, "decode_picture"), on_tensors("decode_tensor")],
)
def test_functions_that_decode_have_no_defaults_of_their_own(owner: Any, name: str) -> None:
    parameters = inspect.signature(getattr(owner, name)).parameters
    assert parameters["settings"].kind is inspect.Parameter.VAR_KEYWORD
    assert not option_names(DecodeOptions) & set(parameters)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"quality": 0}, ValueError, "quality must be from 1 to 100, not 0"),
        ({"quality": float("nan")}, ValueError, "quality"),
        ({"quality": "high"}, TypeError, "quality must be a number, not 'high'"),
        ({"alpha_quality": 101}, ValueError, "alpha quality must be from 1 to 100, not 101"),
        ({"effort": EFFORT_MAX + 1}, ValueError, "effort must be from 0 to 9, not 10"),
        ({"effort": 2.5}, TypeError, "effort must be a whole number, not 2.5"),
        ({"effort": True}, TypeError, "effort must be a whole number, not True"),
        ({"tile_log2": 4.0}, TypeError, "tile_log2 must be a whole number, not 4.0"),
        ({"tile_log2": 3}, ValueError, "tile_log2 must be 0, from 4 to 12, or None, not 3"),
        ({"depth": 9}, ValueError, "depth must be 8, 10, 12, 16 or None, not 9"),
        ({"depth": "16"}, TypeError, "depth must be a whole number, not"),
        ({"target": 9000}, TypeError, "target must be a Target, not int"),
        ({"speed": 3}, TypeError, "there is no option 'speed'; there is alpha_quality, content, depth, effort,"),
    ],
)
def test_what_is_refused(codec: Codec, settings: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        codec.encode(np.zeros((8, 8, 3), np.uint8), **settings)


def test_numpys_numbers_are_numbers(codec: Codec) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    assert codec.encode(picture, np.float32(40), effort=np.int64(0)) == codec.encode(picture, 40, effort=0)


def test_scales() -> None:
    for divisor in (1, 2, 4, 8, 16):
        assert DecodeOptions(scale=1 / divisor).reduction == DecodeOptions(scale=Fraction(1, divisor)).reduction
        assert DecodeOptions(scale=1 / divisor).reduction == divisor


def test_regions_are_whole_numbers() -> None:
    assert DecodeOptions(region=(np.int64(1), 2, 3, 4)).region == (1, 2, 3, 4)
    with pytest.raises(TypeError, match="four whole numbers"):
        DecodeOptions(region=(0, 0, 8.5, 8))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="four whole numbers, not 5"):
        DecodeOptions(region=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="there is no option 'size'; there is limits, region, scale"):
        DecodeOptions.of(size=3)  # type: ignore[call-arg]


def test_what_is_not_given_has_its_default() -> None:
    assert EncodeOptions.of(30, target=Target(size=9)) == EncodeOptions(quality=30, target=Target(size=9))
    assert EncodeOptions.of() == EncodeOptions()


@pytest.mark.torch
def test_batches_take_every_option() -> None:
    import torch

    from aez.codec.tensors import encode_batch, encode_tensor

    rng = np.random.default_rng(0)
    batch = torch.from_numpy(rng.integers(0, 256, (2, 4, 40, 40), dtype=np.uint8))
    (plain, _), (lossy, _), (with_preview, _) = (
        encode_batch(batch, 20, effort=0, **settings) for settings in ({}, {"alpha_quality": 10}, {"preview": True})
    )
    assert len(lossy) < 0.9 * len(plain)
    assert with_preview == encode_tensor(batch[0], 20, effort=0, preview=True) != plain
