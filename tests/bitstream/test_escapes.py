import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aez.bitstream import FormatError, TruncatedError
from aez.bitstream.escapes import read_escapes, write_escapes

EXCESS = st.integers(1, 2**15 - 1).flatmap(lambda magnitude: st.sampled_from([magnitude, -magnitude]))


@given(st.lists(EXCESS, max_size=40))
def test_round_trip(excess: list[int]) -> None:
    coded = write_escapes(excess)
    assert read_escapes(coded, len(excess)).tolist() == excess
    bits = sum(2 * abs(value).bit_length() for value in excess)
    assert len(coded) == -(-bits // 8)


@pytest.mark.parametrize(
    ("excess", "bits"), [([1], "10000000"), ([-1], "11000000"), ([2], "01000000"), ([-3, 1], "01111000"), ([], "")]
)
def test_known_codes(excess: list[int], bits: str) -> None:
    assert "".join(f"{byte:08b}" for byte in write_escapes(excess)) == bits


@given(st.lists(EXCESS, min_size=1, max_size=10), st.binary(min_size=1, max_size=3))
def test_wrong_lengths_are_refused(excess: list[int], behind: bytes) -> None:
    coded = write_escapes(excess)
    with pytest.raises(FormatError):
        read_escapes(coded + behind, len(excess))
    with pytest.raises(FormatError):
        read_escapes(coded[:-1], len(excess))
    with pytest.raises(TruncatedError):
        read_escapes(coded, 4 * len(coded) + 1)


def test_leftover_bits_are_refused() -> None:
    for bits in ("10010000", "10000001", "11000001"):
        with pytest.raises(FormatError):
            read_escapes(bytes([int(bits, 2)]), 1)
    with pytest.raises(FormatError):
        read_escapes(b"\x00", 0)


def test_long_codes_are_refused() -> None:
    longest = "0" * 15 + "1" * 16 + "0"
    assert read_escapes(int(longest, 2).to_bytes(4, "big"), 1).tolist() == [2**16 - 1]
    with pytest.raises(FormatError):
        read_escapes(int("0" * 16 + "1" * 17 + "0" * 7, 2).to_bytes(5, "big"), 1)


def test_a_huge_count_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(TruncatedError):
        read_escapes(b"\xff" * 100, 2**50)


@given(st.binary(max_size=20), st.integers(0, 80))
def test_garbage_raises_nothing_else(data: bytes, count: int) -> None:
    try:
        excess = read_escapes(data, count)
    except FormatError:
        return
    assert len(excess) == count
    assert np.abs(excess).max(initial=0) < 2**16
    assert (excess != 0).all()
    assert write_escapes(excess.tolist()) == data
