"""Damage to a file is detected before any symbol is decoded."""

import pytest

from aez.bitstream import AezError, Container, Header, read_container, write_container

EMPTY = write_container(
    Container(Header(width=700, height=300, fingerprint=b"abcdef", quality=7, tile_log2=4), b"", [b""] * 6, filter=b"")
)


@pytest.fixture(params=["dot", "low", "empty streams"])
def file(request: pytest.FixtureRequest, goldens: dict[str, bytes]) -> bytes:
    data = goldens.get(request.param, EMPTY)
    read_container(data)
    return data


def test_every_flipped_bit_is_detected(file: bytes) -> None:
    accepted = []
    for bit in range(8 * len(file)):
        flipped = bytearray(file)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            read_container(bytes(flipped))
        except AezError:
            continue
        accepted.append(bit)
    assert accepted == []


def test_every_truncation_is_detected(file: bytes) -> None:
    for length in range(len(file)):
        with pytest.raises(AezError):
            read_container(file[:length])


def test_every_appended_byte_is_detected(file: bytes) -> None:
    for byte in range(256):
        with pytest.raises(AezError):
            read_container(file + bytes([byte]))


def test_missing_and_doubled_bytes_are_detected(file: bytes) -> None:
    for at in range(len(file)):
        for damaged in (file[:at] + file[at + 1 :], file[:at] + file[at : at + 1] + file[at:]):
            if damaged != file:
                with pytest.raises(AezError):
                    read_container(damaged)
