import pytest
from hypothesis import given
from hypothesis import strategies as st

from aez.bitstream import FormatError, TruncatedError
from aez.bitstream.varint import read_varint, write_varint


@given(st.integers(0, 2**32 - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_round_trip(value: int, before: bytes, behind: bytes) -> None:
    coded = write_varint(value)
    assert len(coded) == max(1, -(-value.bit_length() // 7))
    assert read_varint(before + coded + behind, len(before)) == (value, len(before) + len(coded))


@pytest.mark.parametrize(
    ("value", "coded"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (16384, "808001"), (2**32 - 1, "ffffffff0f")],
)
def test_known_forms(value: int, coded: str) -> None:
    assert write_varint(value).hex() == coded
    assert read_varint(bytes.fromhex(coded), 0)[0] == value


@pytest.mark.parametrize("value", [-1, 2**32])
def test_values_out_of_range_are_not_written(value: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        write_varint(value)


@pytest.mark.parametrize("coded", ["8000", "ff00", "80808000", "8080808000"])
def test_longer_forms_are_refused(coded: str) -> None:
    with pytest.raises(FormatError):
        read_varint(bytes.fromhex(coded), 0)


@pytest.mark.parametrize("coded", ["8080808010", "ffffffff1f", "ffffffffff01", "808080808001"])
def test_values_too_large_are_refused(coded: str) -> None:
    with pytest.raises(FormatError):
        read_varint(bytes.fromhex(coded), 0)


@given(st.integers(0, 2**32 - 1))
def test_truncated_forms_are_refused(value: int) -> None:
    coded = write_varint(value)
    for length in range(len(coded)):
        with pytest.raises(TruncatedError):
            read_varint(coded[:length], 0)
