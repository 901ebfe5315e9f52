from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aez.bitstream import FormatError, Header, TruncatedError
from aez.bitstream.errors import NEWER

SIDES = st.integers(1, 65535)
HEADERS = st.builds(
    Header,
    width=SIDES,
    height=SIDES,
    fingerprint=st.binary(min_size=6, max_size=6),
    quality=st.integers(0, 65535),
    colour=st.sampled_from(["RGB", "grey", "grey RGB"]),
    depth=st.sampled_from([8, 10, 12, 16]),
    alpha=st.booleans(),
    orientation=st.integers(1, 8),
    layout=st.integers(0, 31),
    tile_log2=st.sampled_from([0, *range(4, 13)]),
)
HEADER = Header(width=300, height=20, fingerprint=b"abcdef", quality=0x1234)
# Positions of fields in HEADER's payload: here, width takes two bytes and height one.
PIXEL, LAYOUT = 3, 4


@given(HEADERS)
def test_round_trip(header: Header) -> None:
    assert Header.from_bytes(header.to_bytes()) == header


def test_bytes_are_as_specified() -> None:
    header = replace(HEADER, colour="grey", depth=12, alpha=True, orientation=6, layout=3, tile_log2=7)
    assert header.to_bytes().hex() == "ac0214" + "ad" + "83" + b"abcdef".hex() + "3412" + "07"


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"width": 65536},
        {"height": 0},
        {"height": 65536},
        {"fingerprint": b"abcde"},
        {"fingerprint": b"abcdefg"},
        {"quality": -1},
        {"quality": 65536},
        {"colour": "YCbCr"},
        {"depth": 9},
        {"orientation": 0},
        {"orientation": 9},
        {"layout": -1},
        {"layout": 32},
        {"tile_log2": 3},
        {"tile_log2": 13},
    ],
)
def test_fields_out_of_range_are_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(HEADER, **wrong).to_bytes()


@given(HEADERS)
def test_missing_and_additional_bytes_are_refused(header: Header) -> None:
    payload = header.to_bytes()
    for length in range(len(payload)):
        with pytest.raises(TruncatedError):
            Header.from_bytes(payload[:length])
    with pytest.raises(FormatError):
        Header.from_bytes(payload + b"\0")


@pytest.mark.parametrize(
    "sides",
    [b"\x00\x01", b"\x01\x00", b"\x80\x80\x04\x01", b"\x01\x80\x80\x04", b"\x80\x00\x01"],
    ids=["no columns", "no rows", "65536 columns", "65536 rows", "long number"],
)
def test_sides_out_of_range_are_refused(sides: bytes) -> None:
    with pytest.raises(FormatError):
        Header.from_bytes(sides + HEADER.to_bytes()[3:])


@pytest.mark.parametrize(("at", "value"), [(PIXEL, 3), (LAYOUT, 0x20), (LAYOUT, 0x40)], ids=["colour", "bit", "bit"])
def test_reserved_values_are_refused(at: int, value: int) -> None:
    payload = bytearray(HEADER.to_bytes())
    assert (payload[PIXEL], payload[LAYOUT]) == (0, 0)
    payload[at] = value
    with pytest.raises(FormatError, match=NEWER):
        Header.from_bytes(bytes(payload))


@pytest.mark.parametrize("tile_log2", [0, 3, 13, 255])
def test_tile_sizes_out_of_range_are_refused(tile_log2: int) -> None:
    payload = bytearray(replace(HEADER, tile_log2=4).to_bytes())
    payload[-1] = tile_log2
    with pytest.raises(FormatError):
        Header.from_bytes(bytes(payload))


@given(HEADERS.filter(lambda header: header.tile_log2 == 0 or header.tile_count() < 5000))
def test_tiles_cover_every_latent_once(header: Header) -> None:
    tiles = header.tiles()
    rows, cols = header.latent_shape
    assert (rows - 1) * 16 < header.height <= rows * 16
    assert (cols - 1) * 16 < header.width <= cols * 16
    assert len(tiles) == header.tile_count()
    assert sum((a.stop - a.start) * (b.stop - b.start) for a, b in tiles) == rows * cols
    starts = [(a.start, b.start) for a, b in tiles]
    assert starts == sorted(set(starts))
    assert all(0 < a.stop <= rows and 0 < b.stop <= cols for a, b in tiles)
