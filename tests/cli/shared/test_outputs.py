"""Which output belongs to which input, and that nothing is ever lost."""

import errno
import os
import shutil
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from aez.bitstream import AezError
from aez.cli.shared.inputs import Input
from aez.cli.shared.paths import check_output, plan_outputs
from aez.codec.codec import Codec


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(result: Any, *parts: object) -> None:
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("aez: ")
    assert result.err.count("\n") == 1
    for part in parts:
        assert str(part) in result.err


def inputs(*places: str) -> list[Input]:
    return [Input(place, Path(place).name) for place in places]


def local(*parts: str) -> str:
    return str(Path(*parts))


def test_plan() -> None:
    assert plan_outputs(inputs("x/a.b.png"), None, ".aez") == [("x/a.b.png", local("x", "a.b.aez"))]
    assert plan_outputs(inputs("x/.png"), None, ".aez") == [("x/.png", local("x", ".png.aez"))]
    assert plan_outputs(inputs("plain"), None, ".aez") == [("plain", "plain.aez")]
    day = "holiday.2024-05-01"
    assert plan_outputs(inputs(day), None, ".aez") == [(day, f"{day}.aez")]
    assert plan_outputs(inputs(f"{day}.JPG"), None, ".aez") == [(f"{day}.JPG", f"{day}.aez")]
    assert plan_outputs(inputs(f"{day}.aez"), None, ".png") == [(f"{day}.aez", f"{day}.png")]
    assert plan_outputs(inputs("a.jpg.aez"), None, ".png") == [("a.jpg.aez", "a.jpg.png")]
    assert plan_outputs(inputs("a.jpg"), None, ".aez", append=True) == [("a.jpg", "a.jpg.aez")]
    assert plan_outputs(inputs("s3://b/x.y/a.jpg"), None, ".aez", append=True)[0][1] == "s3://b/x.y/a.jpg.aez"
    assert plan_outputs(inputs("x/a.png"), "y/c.bin", ".aez") == [("x/a.png", "y/c.bin")]
    assert plan_outputs(inputs("-"), None, ".aez") == [("-", "-")]
    assert plan_outputs(inputs("-"), "y/c.bin", ".aez") == [("-", "y/c.bin")]
    assert plan_outputs(inputs("x/a.png"), "-", ".aez") == [("x/a.png", "-")]
    with pytest.raises(AezError, match=r"a\.aez"):
        plan_outputs(inputs("a.png", "a.jpg"), None, ".aez")
    with pytest.raises(AezError, match="only one input"):
        plan_outputs(inputs("a.png", "b.jpg"), "-", ".aez")
    with pytest.raises(AezError, match="not a folder"):
        plan_outputs(inputs("-"), "out/", ".aez")


def test_plan_of_trees() -> None:
    tree = [Input("in/a.png", "a.png", True), Input("in/b/a.png", local("b", "a.png"), True)]
    assert [target for _, target in plan_outputs(tree, "out", ".aez")] == [
        local("out", "a.aez"),
        local("out", "b", "a.aez"),
    ]
    assert plan_outputs(tree[1:], "out", ".aez") == [("in/b/a.png", local("out", "b", "a.aez"))]
    assert plan_outputs(tree, None, ".aez")[1] == ("in/b/a.png", local("in", "b", "a.aez"))


def test_plan_of_urls() -> None:
    assert plan_outputs(inputs("s3://b/x/a.png"), None, ".aez") == [("s3://b/x/a.png", "s3://b/x/a.aez")]
    tree = [Input("s3://b/x/y/a.png", "y/a.png", True)]
    assert plan_outputs(tree, "s3://c/out/", ".aez") == [("s3://b/x/y/a.png", "s3://c/out/y/a.aez")]
    assert plan_outputs(tree, "out", ".aez") == [("s3://b/x/y/a.png", local("out", "y", "a.aez"))]


def test_outputs_that_are_other_inputs() -> None:
    with pytest.raises(AezError, match="would replace the input"):
        plan_outputs(inputs("x/a.png", "x/a.aez"), "x/", ".aez")
    with pytest.raises(AezError, match="would replace the input"):
        plan_outputs(inputs("x/a.png", "x/../x/a.aez"), None, ".aez")


def test_outputs_behind_links(tmp_path: Path) -> None:
    """Writing follows a link, so what it leads to counts."""
    (tmp_path / "one.aez").symlink_to(tmp_path / "photo.png")
    (tmp_path / "two.aez").symlink_to(tmp_path / "three.aez")
    one, two, three, picture = (str(tmp_path / f"{name}.png") for name in ("one", "two", "three", "photo"))
    with pytest.raises(AezError, match="would replace the input"):
        plan_outputs(inputs(one, picture), None, ".aez")
    with pytest.raises(AezError, match=r"its output .*three\.aez is that of .*two\.png"):
        plan_outputs(inputs(two, three), None, ".aez")


def test_named_output(aez: Any, folder: Path, model: Any) -> None:
    assert aez("compress", folder / "a.png", "-o", folder / "other.bin", *model).code == 0
    assert aez("decompress", folder / "other.bin", "-o", folder / "other.bmp", *model).code == 0
    assert not (folder / "a.aez").exists()
    assert (folder / "other.bmp").read_bytes()[:2] == b"BM"


@pytest.mark.parametrize(
    ("command", "name", "target"), [("compress", "a.png", "out.aez"), ("decompress", "low.aez", "out.jpg")]
)
def test_the_last_of_two_arguments(aez: Any, folder: Path, model: Any, command: str, name: str, target: str) -> None:
    assert aez(command, folder / name, folder / target, *model).code == 0
    made = folder / target
    assert made.read_bytes()[:4] in (b"\x89aez", b"\xff\xd8\xff\xe0")
    assert len(list(folder.iterdir())) == 3
    before = snapshot(folder)
    for overwrite in ((), ("--overwrite",)):
        refused(aez(command, folder / name, made, *model, *overwrite), made, "exists already", "-o")
    other = shutil.copy(folder / name, folder / f"b-{name}")
    before = snapshot(folder)
    refused(
        aez(command, folder / name, other, folder / f"no-{target}", *model),
        f"no-{target}: no such file",
        "that -o names",
    )
    assert snapshot(folder) == before


def test_two_inputs_are_two_inputs(aez: Any, folder: Path, model: Any) -> None:
    shutil.copy(folder / "a.png", folder / "b.png")
    assert aez("compress", folder / "a.png", folder / "b.png", *model).code == 0
    assert (folder / "a.aez").exists() and (folder / "b.aez").exists()


@pytest.mark.torch
def test_a_changed_picture_is_not_named_by_a_second_input(aez: Any, folder: Path) -> None:
    result = aez("denoise", folder / "a.png", folder / "c.png")
    assert "c.png: no such file" in result.err
    assert not (folder / "c.png").exists()


@pytest.mark.parametrize("name", ["out.jpg", "out.PNG", "out.webp"])
def test_aez_files_are_not_named_as_pictures(aez: Any, folder: Path, model: Any, name: str) -> None:
    before = snapshot(folder)
    refused(aez("compress", folder / "a.png", "-o", folder / name, *model), folder / name, ".aez")
    assert snapshot(folder) == before


@pytest.mark.parametrize("name", ["album.aez", "album.jpg"])
def test_folders_are_not_named_as_files(aez: Any, folder: Path, model: Any, name: str) -> None:
    shutil.copy(folder / "a.png", folder / "b.png")
    album, inputs = folder / name, (folder / "a.png", folder / "b.png")
    before = snapshot(folder)
    refused(aez("compress", *inputs, "-o", album, *model), album, "folder")
    refused(aez("compress", "-r", folder, "-o", album, *model), album, "folder")
    assert snapshot(folder) == before and not album.exists()
    assert aez("compress", *inputs, "-o", f"{album}{os.sep}", *model).code == 0
    assert aez("compress", *inputs, "-o", album, *model, "--overwrite").code == 0
    assert sorted(path.name for path in album.iterdir()) == ["a.aez", "b.aez"]


@pytest.mark.parametrize("command", ["compress", "decompress", pytest.param("denoise", marks=pytest.mark.torch)])
@pytest.mark.parametrize("name", [".", "/", "..", ""])
def test_folders_that_have_no_name(
    aez: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    monkeypatch.chdir(folder)
    before = snapshot(folder)
    refused(aez(command, name), "folder" if name else "empty")
    assert snapshot(folder) == before


def test_an_output_without_a_name(aez: Any, folder: Path) -> None:
    result = aez("compress", folder / "a.png", "-o", "")
    assert (result.code, result.out) == (2, "")


def test_names_that_differ_in_their_suffix(aez: Any, folder: Path, model: Any) -> None:
    shutil.copy(folder / "a.png", folder / "a.jpg")
    refused(aez("compress", "-r", folder, *model), folder / "a.aez", "--append-suffix")
    assert aez("compress", "-r", folder, "-o", folder / "out", "--append-suffix", *model).code == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jpg.aez", "a.png.aez"]
    assert aez("decompress", "-r", folder / "out", *model).code == 0
    assert sorted(path.name for path in (folder / "out").glob("*.png")) == ["a.jpg.png", "a.png.png"]


@pytest.mark.parametrize("exists", [True, False])
def test_folder_of_outputs(aez: Any, folder: Path, model: Any, exists: bool) -> None:
    out = folder / "deep" / "out"
    if exists:
        out.mkdir(parents=True)
    assert aez("compress", folder / "a.png", "-o", out if exists else f"{out}{os.sep}", *model).code == 0
    assert [path.name for path in out.iterdir()] == ["a.aez"]


def test_several_inputs(aez: Any, folder: Path, model: Any) -> None:
    for name in ("b.png", "c.png"):
        shutil.copy(folder / "a.png", folder / name)
    inputs = [folder / name for name in ("a.png", "b.png", "c.png")]
    result = aez("compress", *inputs, "-o", folder / "out", *model)
    assert result.code == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.aez", "b.aez", "c.aez"]
    assert [line.split(" → ")[0] for line in result.out.splitlines()] == [str(path) for path in inputs]
    result = aez("decompress", *sorted((folder / "out").iterdir()), *model, "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert len(list((folder / "out").glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("command", "name", "target"), [("compress", "a.png", "a.aez"), ("decompress", "low.aez", "low.png")]
)
def test_outputs_are_not_overwritten(aez: Any, folder: Path, model: Any, command: str, name: str, target: str) -> None:
    (folder / target).write_bytes(b"precious")
    before = snapshot(folder)
    refused(aez(command, folder / name, *model), folder / target, "--overwrite")
    assert snapshot(folder) == before
    assert aez(command, folder / name, *model, "--overwrite").code == 0
    assert (folder / target).read_bytes() != b"precious"


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
@pytest.mark.parametrize(("command", "name"), [("compress", "a.png"), ("decompress", "low.aez")])
def test_inputs_are_not_overwritten(
    aez: Any, folder: Path, model: Any, overwrite: tuple[str, ...], link: str, command: str, name: str
) -> None:
    target = folder / (name if link == "same" else "link.aez" if command == "compress" else "link.png")
    if link == "symbolic":
        target.symlink_to(folder / name)
    elif link == "hard":
        target.hardlink_to(folder / name)
    before = snapshot(folder)
    refused(aez(command, folder / name, "-o", target, *model, *overwrite), target, "replace the input")
    assert snapshot(folder) == before


def test_two_inputs_with_one_output(aez: Any, folder: Path, model: Any) -> None:
    (folder / "sub").mkdir()
    shutil.copy(folder / "a.png", folder / "sub" / "a.png")
    shutil.copy(folder / "a.png", folder / "a.bmp")
    before = snapshot(folder)
    refused(aez("compress", folder / "a.png", folder / "a.bmp", *model), folder / "a.aez")
    refused(aez("compress", folder / "a.png", folder / "sub" / "a.png", "-o", folder, *model), folder / "a.aez")
    refused(aez("compress", folder / "a.png", folder / "a.png", *model), folder / "a.aez")
    assert snapshot(folder) == before


def test_outputs_that_cannot_be(aez: Any, folder: Path, model: Any) -> None:
    (folder / "dir.aez").mkdir()
    (folder / "a.aez").mkdir()
    before = snapshot(folder)
    refused(aez("compress", folder / "a.png", *model), folder / "a.aez", "folder")
    refused(aez("compress", folder / "a.png", "-o", folder / "no" / "b.aez", *model), "no", "folder")
    refused(aez("compress", folder / "a.png", "-o", folder / "low.aez" / "b.aez", *model), folder / "low.aez")
    refused(aez("compress", folder / "a.png", "-o", f"{folder / 'low.aez'}/", *model), folder / "low.aez")
    assert snapshot(folder) == before


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="no devices here")
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_devices_are_written_into(aez: Any, folder: Path, model: Any, overwrite: tuple[str, ...]) -> None:
    """By a link, so that a fault would cost the link and not the machine."""
    (folder / "null").symlink_to("/dev/null")
    assert aez("compress", folder / "a.png", "-o", folder / "null", *model, *overwrite).code == 0
    assert (folder / "null").is_symlink() and (folder / "null").is_char_device()
    result = aez("compress", folder / "a.png", "-o", folder / "null", *model, "--delete-source", *overwrite)
    refused(result, folder / "null", "read back")
    assert (folder / "a.png").exists()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets in folders here")
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_sockets_are_refused(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch, overwrite: tuple[str, ...]
) -> None:
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        refused(aez("compress", "a.png", "-o", "socket", *model, *overwrite), "socket: is a device or socket")
        assert Path("socket").is_socket()


def test_links_are_followed(aez: Any, folder: Path, model: Any) -> None:
    (folder / "there").mkdir()
    link = folder / "a.aez"
    link.symlink_to(Path("there", "real.aez"))
    with pytest.raises(AezError, match="exists already"):
        check_output(str(folder / "a.png"), str(link), False)  # before any work is done
    refused(aez("compress", folder / "a.png", *model), link, "exists already")
    assert aez("compress", folder / "a.png", *model, "--overwrite").code == 0
    assert link.is_symlink() and (folder / "there" / "real.aez").stat().st_size > 0
    assert aez("info", link).code == 0


@pytest.mark.skipif(os.name != "posix", reason="no permission bits here")
def test_outputs_are_as_private_as_their_inputs(aez: Any, folder: Path, model: Any) -> None:
    def mode(name: str) -> int:
        return stat.S_IMODE((folder / name).stat().st_mode)

    (folder / "a.png").chmod(0o600)
    assert aez("compress", folder / "a.png", *model).code == 0
    assert mode("a.aez") == 0o600
    assert aez("decompress", folder / "a.aez", "-o", folder / "b.png", *model).code == 0
    assert aez("info", folder / "a.aez", "--heatmap", folder / "heat.png", *model).code == 0
    assert mode("b.png") == mode("heat.png") == 0o600
    (folder / "a.aez").chmod(0o640)
    assert aez("compress", folder / "a.png", *model, "--overwrite").code == 0
    assert mode("a.aez") == 0o640


def test_a_name_that_becomes_too_long(aez: Any, folder: Path, model: Any) -> None:
    name = "y" * 255
    shutil.copy(folder / "a.png", folder / name)
    before = snapshot(folder)
    refused(aez("compress", folder / name, *model), name, os.strerror(errno.ENAMETOOLONG))
    for recursive in ((), ("-r",)):
        refused(aez("compress", folder / f"{name}y", *recursive, *model), os.strerror(errno.ENAMETOOLONG))
    assert snapshot(folder) == before
    result = aez("compress", folder / name, folder / "a.png", "-o", folder, *model)
    assert (result.code, result.err.count(name)) == (1, 1)
    assert (folder / "a.aez").exists()


def test_an_output_that_appears_meanwhile_is_kept(
    aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Codec.encode_with

    def and_appear(*arguments: Any, **options: Any) -> bytes:
        (folder / "a.aez").write_bytes(b"theirs")
        return encode(*arguments, **options)

    monkeypatch.setattr(Codec, "encode_with", and_appear)
    refused(aez("compress", folder / "a.png", *model), folder / "a.aez", "exists already")
    assert (folder / "a.aez").read_bytes() == b"theirs"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_folders_without_permission(aez: Any, folder: Path, model: Any) -> None:
    out = folder / "locked"
    out.mkdir(mode=0o500)
    refused(aez("compress", folder / "a.png", "-o", out, *model), out / "a.aez")
    assert list(out.iterdir()) == []
