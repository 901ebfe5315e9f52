"""Whatever is wrong: one line on standard error that names the file, exit code 1, and nothing left behind."""

import errno
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def damage(path: Path, kind: str) -> None:
    data = path.read_bytes()
    if kind == "missing":
        path.unlink()
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(
            {
                "empty": b"",
                "truncated": data[: len(data) // 2],
                "cut by one": data[:-1],
                "flipped": data[:100] + bytes([data[100] ^ 4]) + data[101:],
                "text": b"hello, this is not a picture\n" * 9,
                "zeros": bytes(1000),
            }[kind]
        )


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "truncated", "flipped", "text", "zeros", "foreign"])
def test_bad_pictures(aez: Any, folder: Path, model: Any, kind: str) -> None:
    source = folder / "a.png"
    if kind == "foreign":
        shutil.copy(folder / "low.aez", source)
    else:
        damage(source, kind)
    before = snapshot(folder)
    result = aez("compress", source, *model)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"aez: {source}: ")
    assert result.err.count("\n") == 1
    assert snapshot(folder) == before


def test_raw_files_of_cameras(aez: Any, folder: Path, model: Any) -> None:
    """Pillow opens most of them as the thumbnail that they hold."""
    with Image.open(folder / "a.png") as image:
        image.save(folder / "cam.tif", tiffinfo={50706: b"\1\4\0\0"})
    (folder / "cam.tif").rename(folder / "cam.dng")
    before = snapshot(folder)
    result = aez("compress", folder / "cam.dng", "--delete-source", *model)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"aez: {folder / 'cam.dng'}: is a raw file; only its thumbnail can be read\n"
    assert snapshot(folder) == before


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, TypeError, struct.error, MemoryError])
@pytest.mark.parametrize("where", ["PIL.Image.open", "PIL.PngImagePlugin.PngImageFile.load"])
def test_whatever_pillow_raises(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch, error: type[Exception], where: str
) -> None:
    """Its plugins raise far more than OSError on damaged files."""

    def fail(*_: Any) -> None:
        raise error("damaged")

    source = folder / "a.png"
    monkeypatch.setattr(where, fail)
    result = aez("compress", source, *model)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"aez: {source}: ")
    assert result.err.count("\n") == 1


KINDS = ["missing", "folder", "empty", "truncated", "cut by one", "flipped", "text", "zeros", "foreign"]


@pytest.mark.parametrize("command", [("decompress",), ("info",), ("info", "--json"), ("info", "--digest")])
@pytest.mark.parametrize("kind", KINDS)
def test_bad_files(aez: Any, folder: Path, model: Any, kind: str, command: tuple[str, ...]) -> None:
    source = folder / "low.aez"
    if kind == "foreign":
        shutil.copy(folder / "a.png", source)
    else:
        damage(source, kind)
    before = snapshot(folder)
    result = aez(*command, source, *model)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"aez: {source}: ")
    assert result.err.count("\n") == 1
    assert result.err.count(str(source)) == 1
    assert snapshot(folder) == before


@pytest.mark.parametrize(("command", "name"), [("compress", "a.png"), ("decompress", "low.aez")])
@pytest.mark.parametrize("overwrite", [False, True])
def test_full_disks(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch, command: str, name: str, overwrite: bool
) -> None:
    target = folder / ("out.aez" if command == "compress" else "out.png")
    if overwrite:
        target.write_bytes(b"precious")
    before = snapshot(folder)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = aez(command, folder / name, "-o", target, *model, "--overwrite")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"aez: {target}: cannot be written ({os.strerror(errno.ENOSPC)})\n"
    assert snapshot(folder) == before


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_one_bad_file_among_three(aez: Any, folder: Path, model: Any, quiet: tuple[str, ...]) -> None:
    for name in ("b.png", "c.png"):
        shutil.copy(folder / "a.png", folder / name)
    damage(folder / "b.png", "truncated")
    result = aez("compress", folder / "a.png", folder / "b.png", folder / "c.png", *model, *quiet)
    assert result.code == 1
    assert sorted(path.name for path in folder.glob("*.aez")) == ["a.aez", "c.aez", "low.aez"]
    lines = [line for line in result.err.splitlines() if line.strip()]
    assert lines[0].startswith(f"aez: {folder / 'b.png'}: ")
    assert lines[3:] == ([] if quiet else ["aez: 1 of 3 files failed"])
    if not quiet:
        assert lines[1].split()[:3] == ["done", "skipped", "failed"]
        assert lines[2].split()[:3] == ["2", "0", "1"]
    assert len(result.out.splitlines()) == (0 if quiet else 2)


@pytest.mark.torch
def test_missing_devices(aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for command, name in (("compress", "a.png"), ("decompress", "low.aez")):
        result = aez(command, folder / name, "--device", "cuda", *model)
        assert result.code == 1
        assert result.err.startswith("aez: ")
        assert "cuda" in result.err
        assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress",),
        ("decompress",),
        ("info",),
        ("compress", "--unknown", "a.png"),
        ("compress", "a.png", "--device", "tpu"),
        ("compress", "a.png", "--max-pixels", "0"),
        ("decompress", "low.aez", "-q", "5"),
        ("compress", "a.png", "--alpha-quality", "nan"),
        ("colourise", "a.png", "--saturation", "nan"),
        ("compare", "a.png", "--codecs", "jpeg", "--bpp", "inf"),
        ("train", "a.png", "--minutes", "nan", "--out", "x"),
        ("bench", "a.png", "-o", "x", "--viewer-mb", "nan"),
        ("info", "--json", "--digest", "low.aez"),
        ("info", "low.aez", "low.aez"),
        ("frobnicate",),
        ("train", "a.png"),
        ("train", "a.png", "--minutes", "1", "--out", "x", "--crop", "100"),
    ],
)
def test_wrong_usage(aez: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(folder)
    before = snapshot(folder)
    result = aez(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage: aez" in result.err
    assert snapshot(folder) == before


OUT_OF_MEMORY = [
    MemoryError(),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried to allocate"
    ),
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    RuntimeError("can't start new thread"),
]


@pytest.mark.parametrize(("command", "name"), [("compress", "a.png"), ("decompress", "low.aez")])
@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_out_of_memory(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch, command: str, name: str, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    for step in ("encode_with", "decode_picture"):
        monkeypatch.setattr(f"aez.codec.codec.Codec.{step}", fail)
    before = snapshot(folder)
    target = folder / ("out.aez" if command == "compress" else "out.png")
    result = aez(command, folder / name, "-o", target, *model)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"aez: {folder / name}: not enough memory for a picture of this size\n"
    assert snapshot(folder) == before
