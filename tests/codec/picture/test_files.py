import errno
import os
import socket
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from aez.codec.picture.files import remove_stale, write_atomically


def test_files_are_written_and_replaced(tmp_path: Path, way: None) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(params=["without a name", "with a name", "without /proc"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways in which files are written, on systems of different kinds."""
    link = os.link

    def refuse(source: object, target: object, **options: Any) -> None:
        if options:
            raise OSError(errno.EXDEV, "no /proc here")
        link(source, target)  # type: ignore[arg-type]

    if request.param == "with a name":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif request.param == "without /proc":
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files have names here")
@pytest.mark.parametrize("replace", [True, False])
def test_a_killed_process_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool) -> None:
    seen: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.extend(tmp_path.iterdir()))
    write_atomically(tmp_path / "a", b"x", replace=replace)
    assert seen == []
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("where", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: None, where: str, error: BaseException
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before")

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(where, fail)
    with pytest.raises(type(error)):
        write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folders_are_an_error(tmp_path: Path, way: None) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no" / "a", b"")


def test_files_that_must_be_new(tmp_path: Path, way: None) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"one", replace=False)
    with pytest.raises(FileExistsError):
        write_atomically(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    path, fsync, link = tmp_path / "a", os.fsync, os.link

    def appear(number: int) -> None:
        path.write_bytes(b"theirs")
        fsync(number)

    def unknown(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", link if links else unknown)
    write_atomically(tmp_path / "free", b"mine", replace=False)
    assert (tmp_path / "free").read_bytes() == b"mine"
    monkeypatch.setattr(os, "fsync", appear)
    with pytest.raises(FileExistsError):
        write_atomically(path, b"mine", replace=False)
    assert path.read_bytes() == b"theirs"
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "free"]


def test_links_stay(tmp_path: Path, way: None) -> None:
    path, link, loose = tmp_path / "a", tmp_path / "link", tmp_path / "loose"
    path.write_bytes(b"before")
    link.symlink_to("a")
    loose.symlink_to("b")
    write_atomically(link, b"after")
    write_atomically(loose, b"new")
    assert link.is_symlink() and path.read_bytes() == b"after"
    assert loose.is_symlink() and (tmp_path / "b").read_bytes() == b"new"
    for one in (link, loose):
        with pytest.raises(FileExistsError):
            write_atomically(one, b"", replace=False)
    (tmp_path / "b").unlink()
    with pytest.raises(FileExistsError):
        write_atomically(loose, b"", replace=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
@pytest.mark.parametrize("replace", [True, False])
def test_pipes_are_written_into(tmp_path: Path, replace: bool) -> None:
    path, read = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()), daemon=True)
    reader.start()
    write_atomically(path, b"through", replace=replace)
    reader.join(10)
    assert read == [b"through"]
    assert path.is_fifo() and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets in folders here")
def test_sockets_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # socket names must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        with pytest.raises(OSError, match="no regular file"):
            write_atomically(Path("socket"), b"")
        assert Path("socket").is_socket()


@pytest.mark.skipif(os.name != "posix", reason="no permission bits here")
def test_modes(tmp_path: Path, way: None) -> None:
    before = os.umask(0o022)
    try:
        for mode, expected in ((None, 0o644), (0o600, 0o600), (0o666, 0o644)):
            path = tmp_path / f"{mode}"
            write_atomically(path, b"", mode=mode)
            assert stat.S_IMODE(path.stat().st_mode) == expected
            path.chmod(0o660)
            write_atomically(path, b"", mode=mode)
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
    finally:
        os.umask(before)


def test_what_killed_processes_left_is_removed_later(tmp_path: Path) -> None:
    path, other = tmp_path / ("n" * 60), tmp_path / "other"
    mine, young, of_other = (
        f".{'n' * 48}.123-0123abcd.tmp",
        f".{'n' * 48}.124-0123abcd.tmp",
        ".another.123-0123abcd.tmp",
    )
    foreign = f".{'n' * 48}.notes.tmp"
    for name in (mine, young, of_other, foreign):
        (tmp_path / name).write_bytes(b"half")
        if name != young:
            os.utime(tmp_path / name, (time.time() - 4000,) * 2)
    remove_stale([path, other, tmp_path / "no" / "folder"])
    assert {entry.name for entry in tmp_path.iterdir()} == {young, of_other, foreign}


def test_names_of_temporary_files_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "new\nline.aez"
    monkeypatch.setattr(os, "fsync", lambda _: left.extend(tmp_path.iterdir()))
    left: list[Path] = []
    write_atomically(path, b"x")
    left[0].write_bytes(b"half")
    os.utime(left[0], (0, 0))
    remove_stale([path])
    assert list(tmp_path.iterdir()) == [path]


def test_long_names_fit(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"
