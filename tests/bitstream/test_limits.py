import pytest

from aez.bitstream import Container, Header, LimitError, Limits, read_container, write_container
from aez.bitstream.header import HYPER_STRIDE
from aez.codec.family.code import Code
from aez.codec.family.weightfile import read_family_weights
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.registry import packaged_models
from aez.codec.model.weightfile import read_weights


def header(width: int, height: int) -> Header:
    return Header(width=width, height=height, fingerprint=b"abcdef", quality=0)


def test_pixels_are_limited_inclusively() -> None:
    Limits(max_pixels=600).check(header(30, 20))
    with pytest.raises(LimitError, match="600"):
        Limits(max_pixels=599).check(header(30, 20))


def test_pixels_a_byte_are_limited() -> None:
    limits = Limits(max_pixels=2**32, max_pixels_per_byte=1000)
    limits.check_size(header(1024, 1024), 0)
    limits.check_size(header(1024, 1024 + 100), 103)
    with pytest.raises(LimitError, match="bytes"):
        limits.check_size(header(1024, 1024 + 100), 102)


def test_sides_are_limited() -> None:
    Limits(max_side=30).check(header(30, 20))
    for shape in ((31, 1), (1, 31)):
        with pytest.raises(LimitError, match="30 a side"):
            Limits(max_side=30).check(header(*shape))


def test_memory_and_symbols_are_limited() -> None:
    limits = Limits(max_memory=1000, max_symbols=7)
    limits.check_memory(1000)
    limits.check_symbols(7)
    with pytest.raises(LimitError, match="max_memory"):
        limits.check_memory(1001)
    with pytest.raises(LimitError, match="8 symbols"):
        limits.check_symbols(8)


def test_the_packaged_models_write_no_smaller_files_than_are_allowed() -> None:
    """The most probable symbols of z, or of a code, take more bits than the default of pixels per byte asks for."""
    most = []
    for entry in packaged_models():
        if entry.family and entry.points:
            code = Code.of(read_family_weights(entry.path))
            most += [8 * code.grid.stride**2 / code.tables.least_bits[row].sum() for row in code.index]
        elif not entry.family:
            weights = read_weights(entry.path)
            for point in range(entry.points):
                for grey in (False, True):
                    coder = OperatingPoint(weights, 256 * point, grey).hyper_coder
                    first = coder.tables.least_bits[coder.indices].sum()
                    later = 3 * first if coder.context is None else 0
                    most.append(8 * HYPER_STRIDE**2 * 4 / (first + later))
    assert 3 * max(most) < 4 * Limits().max_pixels_per_byte


def test_limits_hold_before_the_streams_are_looked_at() -> None:
    data = write_container(Container(header(65535, 65535), b"", [b""]))
    with pytest.raises(LimitError):
        read_container(data)
    with pytest.raises(LimitError):
        read_container(data[:50], Limits(max_pixels=2**32))
    assert read_container(data, Limits(max_pixels=2**32, max_pixels_per_byte=2**32)).header.width == 65535
