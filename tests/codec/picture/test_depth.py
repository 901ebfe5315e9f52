import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aez.bitstream import ImageError
from aez.codec.picture.depth import at_depth, is_deep, levels_of, narrowed, to_8_bits, to_16_bits, widened

EIGHT = np.arange(256, dtype=np.uint8)
SIXTEEN = np.arange(65536, dtype=np.uint16)


@pytest.mark.parametrize("depth", [10, 12])
def test_every_sample_of_a_depth_survives(depth: int) -> None:
    samples = np.arange(1 << depth, dtype=np.uint16)
    wide = widened(samples, depth)
    assert (wide[0], wide[-1]) == (0, 65535)
    assert np.array_equal(narrowed(wide, depth), samples)
    assert np.abs(wide / 65535 - samples / samples[-1]).max() < 1 / 65535


def test_full_depths_are_kept() -> None:
    assert widened(EIGHT, 8) is EIGHT
    assert narrowed(SIXTEEN, 16) is SIXTEEN


def test_levels_of_deep_samples_are_not_rounded() -> None:
    levels = levels_of(SIXTEEN)
    assert levels.dtype == np.float32
    assert np.abs(levels - SIXTEEN * (255 / 65535)).max() < 2e-5
    assert len(np.unique(levels)) == 65536
    assert levels_of(EIGHT) is EIGHT


def test_8_bits_become_16_and_back() -> None:
    deep = to_16_bits(EIGHT)
    assert is_deep(deep)
    assert not is_deep(EIGHT)
    assert (deep[0], deep[-1]) == (0, 65535)
    assert np.array_equal(to_8_bits(deep), EIGHT)
    assert np.array_equal(at_depth(EIGHT, 16), deep)
    assert np.array_equal(at_depth(deep, 8), EIGHT)
    assert at_depth(deep, 10) is deep


@given(st.integers(0, 65535))
def test_rounding_to_8_bits_goes_to_the_nearest(sample: int) -> None:
    assert to_8_bits(np.array([sample], np.uint16))[0] == round(sample * 255 / 65535)


def test_integers_within_16_bits_are_taken_as_they_are() -> None:
    assert np.array_equal(to_16_bits(np.array([0, 7, 65535], np.int32)), [0, 7, 65535])
    assert np.array_equal(to_16_bits(np.array([0, 7, 65535], ">u2")), [0, 7, 65535])


def test_others_are_scaled_from_their_range() -> None:
    assert np.array_equal(to_16_bits(np.array([-1.0, 0.0, 1.0])), [0, 32768, 65535])
    assert np.array_equal(to_16_bits(np.array([0, 2**20], np.int32)), [0, 65535])
    assert np.array_equal(to_16_bits(np.array([3.5, 3.5])), [0, 0])
    with pytest.raises(ImageError, match="not numbers"):
        to_16_bits(np.array([0.0, np.nan]))
