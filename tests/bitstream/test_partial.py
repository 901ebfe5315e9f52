"""Files of which parts are read, and which become shorter meanwhile."""

import os
from pathlib import Path

import pytest

from aez.bitstream import AezError, TruncatedError, read_container, read_header
from aez.bitstream.partial import FileBytes


@pytest.fixture
def path(tmp_path: Path, goldens: dict[str, bytes]) -> Path:
    path = tmp_path / "a.aez"
    path.write_bytes(goldens["tiled"])
    return path


def test_bytes_are_those_of_the_file(path: Path, goldens: dict[str, bytes]) -> None:
    data = goldens["tiled"]
    with FileBytes(path) as file:
        assert len(file) == len(data)
        assert file[:] == data
        assert file[100:200] == data[100:200]
        assert file[10:10] == b"" and file[10:5] == b""
        assert file[len(data) - 2 : len(data) + 9] == data[-2:]
        assert bytes(file[at] for at in range(len(data))) == data
        with pytest.raises(IndexError):
            file[len(data)]
        assert read_container(file) == read_container(data)
        assert read_container(file, tiles={1}) == read_container(data, tiles={1})


def test_a_file_that_becomes_shorter_is_an_error(path: Path) -> None:
    with FileBytes(path) as file:
        read_header(file)
        os.truncate(path, 200)
        with pytest.raises(TruncatedError, match="shorter while"):
            read_container(file)


def test_only_what_is_needed_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FileBytes(path) as file:
        parts: list[int] = []
        read = file._read
        monkeypatch.setattr(file, "_read", lambda start, length: parts.append(length) or read(start, length))
        read_header(file)
        assert sum(parts) < 2**12 + 60


def test_damage_is_noticed(path: Path, goldens: dict[str, bytes]) -> None:
    for at in range(0, len(goldens["tiled"]), 7):
        damaged = bytearray(goldens["tiled"])
        damaged[at] ^= 4
        path.write_bytes(damaged)
        with FileBytes(path) as file, pytest.raises(AezError):
            read_container(file)
