"""Folders of files: trees, rules about existing files, JSON, times, the table."""

import contextlib
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aez.codec.base import PictureCodec
from aez.codec.codec import Codec


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def tree(folder: Path) -> Path:
    for name in ("in/one.png", "in/sub/two.png", "in/sub/deep/one.bmp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(folder / "a.png").save(folder / name)
    (folder / "in" / "notes.txt").write_text("not a picture")
    return folder


def test_trees_there_and_back(aez: Any, tree: Path, model: Any) -> None:
    result = aez("compress", "-r", tree / "in", "-o", tree / "out", *model)
    assert result.code == 0
    names = ["one.aez", "sub/deep/one.aez", "sub/two.aez"]
    assert sorted(p.relative_to(tree / "out").as_posix() for p in (tree / "out").rglob("*.*")) == names
    assert len(result.out.splitlines()) == 3
    result = aez("decompress", "-r", tree / "out", "-o", tree / "back", "-f", "jpg", *model, "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert Image.open(tree / "back" / "sub" / "deep" / "one.jpg").size == (40, 30)


def test_processes_write_what_one_does(aez: Any, tree: Path, model: Any) -> None:
    assert aez("compress", "-r", tree / "in", "-o", tree / "out1", *model, "--threads", 1).code == 0
    assert aez("compress", "-r", tree / "in", "-o", tree / "out2", *model, "--threads", 2, "-j", 2).code == 0
    one, two = snapshot(tree / "out1"), snapshot(tree / "out2")
    assert list(one.values()) == list(two.values())


def test_a_folder_without_r(aez: Any, tree: Path, model: Any) -> None:
    result = aez("compress", tree / "in", tree / "a.png", "-o", tree / "out", *model)
    assert result.code == 1
    assert f"{tree / 'in'}: is a folder (-r takes what is in it)" in result.err
    assert (tree / "out" / "a.aez").exists()


def test_patterns_are_expanded(aez: Any, tree: Path, model: Any) -> None:
    assert aez("compress", tree / "in" / "**" / "*.png", *model).code == 0
    assert (tree / "in" / "one.aez").exists()
    assert (tree / "in" / "sub" / "two.aez").exists()
    result = aez("compress", tree / "*.gif", *model)
    assert (result.code, result.err) == (1, f"aez: {tree / '*.gif'}: no file matches\n")


def test_json_lines(aez: Any, tree: Path, model: Any, codec: Codec) -> None:
    (tree / "in" / "bad.png").write_bytes(b"not a picture")
    (tree / "out" / "sub").mkdir(parents=True)
    shutil.copy(tree / "low.aez", tree / "out" / "sub" / "two.aez")
    result = aez("compress", "-r", tree / "in", "-o", tree / "out", *model, "--json", "--skip-existing")
    assert result.code == 1
    lines = {Path(line["input"]).name: line for line in map(json.loads, result.out.splitlines())}
    assert {name: line["status"] for name, line in lines.items()} == {
        "one.png": "done",
        "one.bmp": "done",
        "two.png": "skipped",
        "bad.png": "failed",
    }
    assert "not a picture" in lines["bad.png"]["error"]
    done, data = lines["one.png"], (tree / "out" / "one.aez").read_bytes()
    assert done["output"] == str(tree / "out" / "one.aez")
    assert (done["width"], done["height"], done["output_bytes"]) == (40, 30, len(data))
    assert done["input_bytes"] == (tree / "in" / "one.png").stat().st_size
    assert done["bpp"] == pytest.approx(8 * len(data) / 1200, abs=1e-4)
    assert (done["error"], done["warnings"]) == (None, [])
    result = aez("decompress", tree / "out" / "one.aez", *model, "--json")
    assert json.loads(result.out)["bpp"] == done["bpp"]
    assert json.loads(result.out)["input_bytes"] == len(data)


def test_the_table_adds_up(aez: Any, tree: Path, model: Any) -> None:
    shutil.copy(tree / "in" / "one.png", tree / "in" / "three.png")
    shutil.copy(tree / "low.aez", tree / "in" / "three.aez")
    result = aez("compress", "-r", tree / "in", *model, "--skip-existing")
    assert result.code == 0
    header, row = (line.split() for line in result.err.splitlines())
    assert header[:3] == ["done", "skipped", "failed"]
    sizes = sum(p.stat().st_size for p in (tree / "in").rglob("*.aez") if p.name != "three.aez")
    before = sum((tree / "in" / name).stat().st_size for name in ("one.png", "sub/two.png", "sub/deep/one.bmp"))
    assert row[:7] == ["3", "1", "0", str(before), str(sizes), f"1:{before / sizes:.2f}", f"{8 * sizes / 3600:.3f}"]
    assert f"{tree / 'in' / 'three.png'}: skipped" in result.out
    assert (tree / "in" / "three.aez").read_bytes() == (tree / "low.aez").read_bytes()


def test_what_a_killed_run_left_is_removed(aez: Any, tree: Path, model: Any) -> None:
    left = tree / "out" / "sub" / ".two.aez.123-0123abcd.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert aez("compress", "-r", tree / "in", "-o", tree / "out", *model).code == 0
    assert left.exists()  # it may be another process's
    os.utime(left, (0, 0))
    assert aez("compress", "-r", tree / "in", "-o", tree / "out", *model, "--skip-existing").code == 0
    assert not left.exists()


def test_what_skip_existing_takes_for_done(aez: Any, folder: Path, model: Any) -> None:
    """An empty file is none, and is replaced; another file is neither an output nor to be lost."""
    out = folder / "a.aez"
    out.write_bytes(b"")
    assert aez("compress", folder / "a.png", *model, "--skip-existing", "--json").out.count('"done"') == 1
    made = out.read_bytes()
    assert aez("compress", folder / "a.png", *model, "--skip-existing", "--json").out.count('"skipped"') == 1
    assert out.read_bytes() == made
    out.write_bytes(b"a letter to my aunt")
    result = aez("compress", folder / "a.png", *model, "--skip-existing")
    assert (result.code, result.err) == (1, f"aez: {out}: exists already (--overwrite replaces it)\n")
    assert out.read_bytes() == b"a letter to my aunt"
    (folder / "low.png").write_bytes(b"")
    assert aez("decompress", folder / "low.aez", *model, "--skip-existing").code == 0
    assert Image.open(folder / "low.png").size == (150, 100)


def test_rules_that_exclude_each_other(aez: Any, folder: Path) -> None:
    before = snapshot(folder)
    for rules in (("--overwrite", "--skip-existing"), ("--ray", "local", "-j", "2")):
        result = aez("compress", folder / "a.png", *rules)
        assert result.code == 2
        assert "exclude each other" in result.err
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("command", "name", "output"), [("compress", "a.png", "a.aez"), ("decompress", "low.aez", "low.png")]
)
def test_times(aez: Any, folder: Path, model: Any, command: str, name: str, output: str) -> None:
    os.utime(folder / name, ns=(10**18, 10**18 + 5 * 10**9))
    assert aez(command, folder / name, *model, "--keep-times").code == 0
    assert (folder / output).stat().st_mtime == pytest.approx(10**9 + 5)
    assert aez(command, folder / name, *model, "--overwrite").code == 0
    assert (folder / output).stat().st_mtime > 10**9 + 1000


@pytest.mark.parametrize(
    ("command", "name", "output"), [("compress", "a.png", "a.aez"), ("decompress", "low.aez", "low.png")]
)
def test_sources_are_deleted_only_on_request(
    aez: Any, folder: Path, model: Any, command: str, name: str, output: str
) -> None:
    assert aez(command, folder / name, *model).code == 0
    assert (folder / name).exists()
    assert aez(command, folder / name, *model, "--overwrite", "--delete-source").code == 0
    assert not (folder / name).exists()
    assert (folder / output).exists()


def pages(path: Path, kind: str) -> None:
    """A file of more than one picture, or of float samples."""
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "green", "blue")]
    if kind == "depth":
        Image.fromarray(np.arange(384, dtype=np.float32).reshape(16, 24)).save(path)
    else:
        frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(("name", "kind"), [("a.gif", "frames"), ("a.tif", "frames"), ("deep.tif", "depth")])
def test_sources_of_which_something_is_left_out_are_kept(
    aez: Any, tmp_path: Path, model: Any, name: str, kind: str
) -> None:
    source, target = tmp_path / name, (tmp_path / name).with_suffix(".aez")
    pages(source, kind)
    result = aez("compress", source, *model, "--delete-source", "--quiet")
    assert result.code == 0
    assert source.exists() and target.exists()
    assert f"aez: warning: {source}: is kept, since {target} lacks what the warning says\n" in result.err


@pytest.mark.parametrize(("kind", "lacks"), [("jpg", "the exact pixels"), ("bmp", "transparency"), ("webp", None)])
def test_sources_are_deleted_for_outputs_that_give_every_pixel_back(
    aez: Any, folder: Path, model: Any, kind: str, lacks: str | None
) -> None:
    image = Image.open(folder / "a.png")
    if kind != "jpg":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save(folder / "b.png")
    assert aez("compress", folder / "b.png", *model).code == 0
    source, target = folder / "b.aez", folder / f"out.{kind}"
    result = aez("decompress", source, "-o", target, *model, "--delete-source")
    assert result.code == 0
    assert source.exists() == (lacks is not None)
    assert result.err == (f"aez: warning: {source}: is kept, since {target} lacks {lacks}\n" if lacks else "")


@pytest.mark.parametrize("options", [(), ("--auto-orient",), ("--strip",)])
@pytest.mark.parametrize("mode", ["L", "RGB", "LA"])
def test_turned_and_grey_pictures_are_given_back(
    aez: Any, folder: Path, model: Any, options: tuple[str, ...], mode: str
) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.open(folder / "a.png").convert(mode).save(folder / "b.png", exif=exif)
    for kind in ("png", "webp"):
        assert aez("compress", folder / "b.png", *model).code == 0
        result = aez("decompress", folder / "b.aez", "-o", folder / f"out.{kind}", *model, "--delete-source", *options)
        assert (result.code, result.err) == (0, "")
        assert not (folder / "b.aez").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("decompress", "low.aez", "--region", "0,0,8,8"),
        ("decompress", "low.aez", "--scale", "1/8"),
        ("decompress", "low.aez", "--preview"),
        ("compress", "a.png", "--denoise"),
        ("denoise", "a.png"),
        ("colourise", "a.png"),
    ],
)
def test_sources_are_not_deleted_for_a_part_or_another_picture(
    aez: Any, folder: Path, arguments: tuple[str, ...]
) -> None:
    before = snapshot(folder)
    result = aez(arguments[0], folder / arguments[1], *arguments[2:], "--delete-source")
    assert (result.code, result.out) == (2, "")
    assert "--delete-source" in result.err
    assert snapshot(folder) == before


def test_sources_that_are_skipped_are_kept(aez: Any, folder: Path, model: Any) -> None:
    assert aez("compress", folder / "a.png", *model).code == 0
    before = snapshot(folder)
    assert aez("compress", folder / "a.png", *model, "--skip-existing", "--delete-source").code == 0
    assert snapshot(folder) == before


@pytest.mark.parametrize("change", ["written", "replaced", "gone"])
def test_sources_that_change_meanwhile_are_kept(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    source, encode = folder / "a.png", Codec.encode_with

    def and_change(*arguments: Any, **options: Any) -> bytes:
        if change == "written":
            with source.open("ab") as file:
                file.write(b"more")
        else:
            source.unlink()
        if change == "replaced":
            source.write_bytes(b"another")
        return encode(*arguments, **options)

    monkeypatch.setattr(Codec, "encode_with", and_change)
    result = aez("compress", source, *model, "--delete-source")
    assert result.code == 0
    assert result.err == f"aez: warning: {source}: is kept, since it changed while it was read\n"
    assert source.exists() == (change != "gone")
    assert (folder / "a.aez").exists()


@pytest.mark.parametrize("fault", ["not written", "differs", "does not decode", "exists", "disk"])
def test_sources_survive_whatever_goes_wrong(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    from aez.bitstream import ChecksumError
    from aez.codec.picture import files

    def fail(*_: Any, **__: Any) -> Any:
        raise ChecksumError("damaged") if fault == "does not decode" else OSError(5, "input/output error")

    if fault == "differs":
        monkeypatch.setattr(files, "write_atomically", lambda path, data, **_: path.write_bytes(data[:-1]))
    elif fault == "not written":
        monkeypatch.setattr(files, "write_atomically", lambda path, data, **_: None)
    elif fault == "does not decode":
        monkeypatch.setattr("aez.codec.codec.Codec.digest", fail)
    elif fault == "exists":
        (folder / "a.aez").write_bytes(b"precious")
    else:
        monkeypatch.setattr(os, "fsync", fail)
    before = (folder / "a.png").read_bytes()
    result = aez("compress", folder / "a.png", *model, "--delete-source")
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert (folder / "a.png").read_bytes() == before


def test_names_cannot_steer_the_terminal(aez: Any, folder: Path, model: Any) -> None:
    name = "new\nline\x1b[31m.png"
    shutil.copy(folder / "a.png", folder / name)
    result = aez("compress", folder / name, *model)
    assert result.code == 0
    assert result.out.count("\n") == 1
    assert "\x1b" not in result.out
    result = aez("compress", os.fsencode(folder / "bad").decode() + os.fsdecode(b"\xff.png"), *model)
    assert (result.code, result.err.count("\n")) == (1, 1)


def test_bugs_are_reported_in_one_line(aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("bug")

    monkeypatch.setattr("aez.codec.codec.Codec.encode_with", fail)
    result = aez("compress", folder / "a.png", *model)
    assert result.code == 1
    assert result.err == f"aez: {folder / 'a.png'}: error in aez, please report it (KeyError: 'bug')\n"


def test_an_interruption_that_an_import_swallows_ends_the_run(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exceptions raised while some extensions are imported are printed and dropped."""
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    original = PictureCodec.encode_with

    def swallowing(*arguments: Any, **options: Any) -> bytes:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        return original(*arguments, **options)

    monkeypatch.setattr(PictureCodec, "encode_with", swallowing)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where tests run behind a shell
    try:
        result = aez("compress", folder / "a.png", folder / "b.png", *model)
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.code == 130
    assert "interrupted: 1 of 2 files not done" in result.err
    assert (folder / "a.aez").exists() and not (folder / "b.aez").exists()
