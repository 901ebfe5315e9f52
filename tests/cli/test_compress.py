import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aez.codec.codec import Codec
from aez.codec.picture.outputs import write_picture
from aez.codec.picture.picture import Picture
from aez.codec.picture.reading import read_picture


def test_a_jpeg_without_its_end(aez: Any, folder: Path, model: Any) -> None:
    with Image.open(folder / "a.png") as image:
        image.save(folder / "b.jpg")
    data = (folder / "b.jpg").read_bytes()
    (folder / "b.jpg").write_bytes(data[:-2])
    result = aez("compress", folder / "b.jpg", "--delete-source", *model)
    assert result.code == 0
    assert f"{folder / 'b.jpg'}: the end of the JPEG file is missing" in result.err
    assert (folder / "b.jpg").exists() and (folder / "b.aez").exists()
    (folder / "b.jpg").write_bytes(data[: len(data) * 2 // 3])
    result = aez("compress", folder / "b.jpg", "--overwrite", *model)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "truncated" in result.err.lower()


@pytest.mark.parametrize(
    ("kind", "suffix", "module"), [("HEIF", ".HEIC", "pillow_heif"), ("JXL", ".jxl", "pillow_jxl")]
)
def test_formats_of_other_packages(
    aez: Any, tmp_path: Path, model: Any, kind: str, suffix: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken from folders, and their suffix is replaced; without the package the error names it."""
    pytest.importorskip(module)
    buffer = io.BytesIO()
    if module == "pillow_heif":
        sys.modules[module].register_heif_opener()
    Image.new("RGB", (24, 16), "red").save(buffer, kind)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"a{suffix}").write_bytes(buffer.getvalue())
    result = aez("compress", "-r", tmp_path / "in", *model)
    assert (result.code, result.err) == (0, "")
    assert (tmp_path / "in" / "a.aez").exists()
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(Image.OPEN, kind)
    result = aez("compress", tmp_path / "in" / f"a{suffix}", "--overwrite", *model)
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert f"a{suffix}: a " in result.err and "pip install pillow-" in result.err


def test_beside_the_input(aez: Any, folder: Path, model: Any, codec: Codec) -> None:
    result = aez("compress", folder / "a.png", *model)
    assert (result.code, result.err) == (0, "")
    data = (folder / "a.aez").read_bytes()
    assert codec.decode(data).size == (40, 30)
    assert result.out.count("\n") == 1
    for part in (str(folder / "a.png"), str(folder / "a.aez"), f"{len(data)} bytes", f"{8 * len(data) / 1200:.3f} bpp"):
        assert part in result.out


def test_quality_is_what_was_asked_for(aez: Any, folder: Path, model: Any, codec: Codec) -> None:
    picture = np.array(Image.open(folder / "a.png"))
    for arguments, quality in (((), 70), (("-q", "12.5"), 12.5), (("--quality", "100"), 100)):
        assert aez("compress", folder / "a.png", *model, *arguments, "--overwrite").code == 0
        assert (folder / "a.aez").read_bytes() == codec.encode(picture, quality)


@pytest.mark.parametrize("quality", ["0", "101", "nan", "high"])
def test_quality_out_of_range(aez: Any, folder: Path, model: Any, quality: str) -> None:
    assert aez("compress", folder / "a.png", "-q", quality, *model).code == 2
    assert not (folder / "a.aez").exists()


@pytest.mark.parametrize("suffix", ["jpg", "webp", "bmp", "tif", "gif", "ppm"])
def test_formats(aez: Any, folder: Path, model: Any, codec: Codec, suffix: str) -> None:
    Image.open(folder / "a.png").save(folder / f"b.{suffix}")
    assert aez("compress", folder / f"b.{suffix}", *model).code == 0
    assert codec.decode((folder / "b.aez").read_bytes()).size == (40, 30)


def test_what_is_lost_is_said(aez: Any, folder: Path, model: Any) -> None:
    Image.open(folder / "a.png").convert("CMYK").save(folder / "ink.jpg")
    result = aez("compress", folder / "ink.jpg", *model, "--quiet")
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith(f"aez: warning: {folder / 'ink.jpg'}: ")
    assert result.err.count("\n") == 1


def test_max_pixels(aez: Any, folder: Path, model: Any) -> None:
    result = aez("compress", folder / "a.png", *model, "--max-pixels", 1199)
    assert result.code == 1
    assert str(folder / "a.png") in result.err
    assert "1199" in result.err
    assert not (folder / "a.aez").exists()
    assert aez("compress", folder / "a.png", *model, "--max-pixels", 1200).code == 0


def test_pillows_own_limit_does_not_matter(aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    result = aez("compress", folder / "a.png", *model)
    assert (result.code, result.err) == (0, "")
    assert Image.MAX_IMAGE_PIXELS == 100
    result = aez("decompress", folder / "low.aez", *model)
    assert (result.code, result.err) == (0, "")


def test_threads(aez: Any, folder: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr("aez.codec.threads.set_threads", threads.append)
    assert aez("compress", folder / "a.png", *model, "--threads", 3).code == 0
    assert threads == [3]
    assert aez("compress", folder / "a.png", *model, "--threads", 0).code == 2


def test_the_default_model_is_packaged(aez: Any, folder: Path) -> None:
    assert aez("compress", folder / "a.png", "--quiet").code == 0
    assert aez("decompress", folder / "a.aez", "-o", folder / "back.png", "--quiet").code == 0
    assert Image.open(folder / "back.png").size == (40, 30)


@pytest.mark.parametrize("name", ["unheard of", "a.png"])
def test_unknown_models(aez: Any, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = aez("compress", "a.png", "--model", name)
    assert result.code == 1
    assert result.err.startswith(f"aez: {name}: ")
    assert result.err.count("\n") == 1
    assert not (folder / "a.aez").exists()


def test_comments_are_named_and_their_files_kept(aez: Any, folder: Path, model: Any) -> None:
    with Image.open(folder / "a.png") as image:
        image.save(folder / "a.jpg", comment=b"Grandmother, 1954")
    result = aez("compress", folder / "a.jpg", *model, "--delete-source")
    assert (result.code, (folder / "a.jpg").exists()) == (0, True)
    assert f"{folder / 'a.jpg'}: a comment is not kept" in result.err.replace("\n", " ")
    result = aez("compress", folder / "a.jpg", *model, "--strip", "--delete-source", "--overwrite")
    assert (result.code, (folder / "a.jpg").exists()) == (0, False)
    assert "comment" not in result.err


def test_frames(aez: Any, tmp_path: Path, model: Any, codec: Codec) -> None:
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    result = aez("compress", tmp_path / "a.gif", "--frame", 2, *model)
    assert result.code == 0
    assert result.err == f"aez: warning: {tmp_path / 'a.gif'}: only frame 2 of 3 is kept\n"
    assert codec.decode_array((tmp_path / "a.aez").read_bytes())[8, 12].argmax() == 1
    result = aez("compress", tmp_path / "a.gif", "--frame", 4, "--overwrite", *model)
    assert (result.code, result.err) == (1, f"aez: {tmp_path / 'a.gif'}: there is no frame 4: the file has only 3\n")
    assert aez("compress", tmp_path / "a.gif", "--frame", 0, *model).code == 2
    frames[0].save(tmp_path / "b.png")
    result = aez("compress", tmp_path / "b.png", "--frame", 2, *model)
    assert result.err == f"aez: {tmp_path / 'b.png'}: there is no frame 2: the file has only one\n"
    assert aez("compress", tmp_path / "b.png", "--frame", 1, *model).err == ""


@pytest.mark.parametrize("depth", [None, 8, 10, 12, 16])
def test_depth(aez: Any, tmp_path: Path, model: Any, depth: int | None) -> None:
    """Samples of 16 bits come back as so many as the option says."""
    ramp = np.linspace(0, 65535, 40 * 50).astype(np.uint16).reshape(40, 50)
    made, _ = write_picture(Picture(np.dstack([ramp, ramp, ramp[::-1]])), "PNG")
    (tmp_path / "a.png").write_bytes(made)
    options = [] if depth is None else ["--depth", depth]
    assert aez("compress", tmp_path / "a.png", *options, *model).err == ""
    assert f"{depth or 16}-bit RGB" in aez("info", tmp_path / "a.aez").out
    result = aez("decompress", tmp_path / "a.aez", "-o", tmp_path / "b.png", "--delete-source", *model)
    assert (result.code, result.err) == (0, "")
    assert not (tmp_path / "a.aez").exists()
    assert read_picture(tmp_path / "b.png").depth == (depth or 16)
    assert aez("compress", tmp_path / "b.png", "--depth", 9, *model).code == 2


def test_deep_outputs(aez: Any, tmp_path: Path, model: Any, codec: Codec) -> None:
    ramp = np.linspace(0, 65535, 40 * 50).astype(np.uint16).reshape(40, 50)
    (tmp_path / "a.aez").write_bytes(codec.encode(np.dstack([ramp, ramp, ramp[::-1]]), 90))
    result = aez("decompress", tmp_path / "a.aez", "-o", tmp_path / "a.jpg", *model)
    assert result.code == 0
    assert "a.jpg: 16-bit samples are written with 8 bits in JPEG" in result.err
