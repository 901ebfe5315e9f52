"""Paths as arguments in place of pictures and bytes."""

import io
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

import aez.codec as library
from aez.bitstream import AezError, ImageError, LimitError
from aez.codec.api import load
from aez.codec.picture.reading import read_picture


class Named:
    """A path type of another library."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


KINDS: list[Callable[[Path], Any]] = [Path, str, Named]


@pytest.fixture
def options(tiny_path: Path) -> dict[str, str]:
    return {"model": str(tiny_path), "device": "cpu"}


@pytest.fixture
def files(tmp_path: Path, photo: NDArray[np.uint8], options: dict[str, str]) -> Path:
    """Write ``a.png``, and ``a.aez`` with a preview."""
    Image.fromarray(photo[100:130, 200:240]).save(tmp_path / "a.png")
    (tmp_path / "a.aez").write_bytes(library.encode(photo[100:130, 200:240], preview=True, **options))
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_by_path(files: Path, options: dict[str, str], kind: Callable[[Path], Any]) -> None:
    with Image.open(files / "a.png") as image:
        assert library.encode(kind(files / "a.png"), 30, **options) == library.encode(image, 30, **options)
        assert np.array_equal(
            library.latents(kind(files / "a.png"), 30, **options).y, library.latents(image, 30, **options).y
        )


@pytest.mark.parametrize("kind", KINDS)
def test_files_by_path(files: Path, options: dict[str, str], kind: Callable[[Path], Any]) -> None:
    data, path = (files / "a.aez").read_bytes(), kind(files / "a.aez")
    for data_or_path in (data, memoryview(data), bytearray(data)):
        assert library.decode(path, **options) == library.decode(data_or_path, **options)
    assert np.array_equal(library.decode_array(path, **options), library.decode_array(data, **options))
    assert library.preview(path, **options) == library.preview(data, **options)
    assert library.info(path) == library.info(data)


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_of_files_by_path(files: Path, options: dict[str, str], kind: Callable[[Path], Any]) -> None:
    data, path = (files / "a.aez").read_bytes(), kind(files / "a.aez")
    assert library.decode_tensor(path, **options).equal(library.decode_tensor(data, **options))
    assert library.decode_batch([path, data], **options).shape == (2, 3, 30, 40)


CALLS = ["decode", "decode_array", pytest.param("decode_tensor", marks=pytest.mark.torch), "preview", "info"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("name", "words"),
    [("none.aez", "no such file"), ("folder", "is a folder"), ("a.png", "not an .aez file"), ("cut.aez", "")],
)
def test_errors_name_the_file(files: Path, call: str, name: str, words: str) -> None:
    (files / "folder").mkdir()
    (files / "cut.aez").write_bytes((files / "a.aez").read_bytes()[:-9])
    with pytest.raises(AezError) as caught:
        getattr(library, call)(files / name)
    assert str(caught.value).startswith(f"{files / name}: {words}")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("data", [None, 7, ["a.aez"]])
def test_what_is_no_file(call: str, data: Any) -> None:
    with pytest.raises(TypeError, match=f"given as bytes, another buffer or a path, not as {type(data).__name__}"):
        getattr(library, call)(data)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.png", "no such file"),
        ("folder", "is a folder"),
        ("empty.png", "the file is empty"),
        ("text.png", "not a picture that Pillow can read"),
        ("a.aez", "is an .aez file already"),
        ("cut.png", "cannot be read as a picture"),
    ],
)
def test_errors_name_the_picture(files: Path, options: dict[str, str], name: str, words: str) -> None:
    (files / "folder").mkdir()
    (files / "empty.png").touch()
    (files / "text.png").write_text("hello, this is not a picture")
    (files / "cut.png").write_bytes((files / "a.png").read_bytes()[:900])
    with pytest.raises(ImageError) as caught:
        library.encode(files / name, **options)
    assert str(caught.value).startswith(f"{files / name}: {words}")


def test_the_first_frame_of_a_file_is_taken_and_said(tmp_path: Path, options: dict[str, str]) -> None:
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "green")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="only the first frame"):
        data = library.encode(tmp_path / "a.gif", 90, **options)
    assert data == library.encode(frames[0], 90, **options)


def test_limits(files: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]) -> None:
    with pytest.raises(LimitError, match=r"40×30 = 1200 pixels, above the limit of 1199"):
        read_picture(files / "a.png", max_pixels=1199)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(LimitError, match=r"a.png: .*MAX_IMAGE_PIXELS"):
        library.encode(files / "a.png", **options)


def test_reading_converts_to_srgb_if_asked(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # type: ignore[no-untyped-call]
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", icc_profile=profile)
    assert read_picture(tmp_path / "a.png").metadata.icc == profile
    assert read_picture(tmp_path / "a.png", to_srgb=True).metadata.icc is None
    assert read_picture(io.BytesIO((tmp_path / "a.png").read_bytes())).metadata.icc == profile


def test_bytes_paths_are_data(files: Path, options: dict[str, str]) -> None:
    with pytest.raises(AezError, match=r"^not an .aez file"):
        library.decode(os.fsencode(files / "a.aez"), **options)
    assert load(options["model"], "cpu").encode(str(files / "a.png")) == library.encode(files / "a.png", **options)


def test_reading_needs_no_torch() -> None:
    program = "import sys, aez.codec.picture.sources, aez.codec.picture.reading; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("suffix", [".tif", ".pgm"])
def test_files_are_not_mapped(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapped file that becomes shorter would end the process."""
    Image.new("L", (40, 30), 77).save(tmp_path / f"a{suffix}")
    monkeypatch.setattr(mmap, "mmap", None)
    assert read_picture(tmp_path / f"a{suffix}").samples[5, 6] == 77
