import pytest

from aez.bitstream import Container, Header, LimitError, Limits, read_container, write_container


def header(width: int, height: int) -> Header:
    return Header(width=width, height=height, fingerprint=b"abcdef", quality=0)


def test_pixels_are_limited_inclusively() -> None:
    Limits(max_pixels=600).check(header(30, 20), 100)
    with pytest.raises(LimitError, match="600"):
        Limits(max_pixels=599).check(header(30, 20), 100)


def test_pixels_a_byte_are_limited() -> None:
    limits = Limits(max_pixels=2**32, max_pixels_per_byte=1000)
    limits.check(header(2048, 2048), 0)
    limits.check(header(2048, 2048 + 100), 205)
    with pytest.raises(LimitError, match="bytes"):
        limits.check(header(2048, 2048 + 100), 204)


def test_limits_hold_before_the_streams_are_looked_at() -> None:
    data = write_container(Container(header(65535, 65535), b"", [b""]))
    with pytest.raises(LimitError):
        read_container(data)
    with pytest.raises(LimitError):
        read_container(data[:50], Limits(max_pixels=2**32))
    assert read_container(data, Limits(max_pixels=2**32, max_pixels_per_byte=2**32)).header.width == 65535
