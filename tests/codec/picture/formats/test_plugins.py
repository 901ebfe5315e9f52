"""Formats that Pillow reads with plugins of other packages."""

import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aez.bitstream import ImageError, LimitError
from aez.codec.picture.formats.jxl_size import jxl_size
from aez.codec.picture.formats.plugins import plugin_suffixes, register_for
from aez.codec.picture.metadata.chunks import exif_orientation
from aez.codec.picture.reading import read_picture

pillow_heif = pytest.importorskip("pillow_heif")
pytest.importorskip("pillow_jxl")
pillow_heif.register_heif_opener()

PACKAGES = {"HEIF": "pillow_heif", "JXL": "pillow_jxl"}
READ = "from aez.codec.picture.reading import read_picture; from pathlib import Path; import sys; "


def written(kind: str, **options: Any) -> bytes:
    """Write a picture of 60×40 whose upper left quarter is blue."""
    image = Image.new("RGB", (60, 40), "red")
    image.paste((0, 0, 255), (0, 0, 30, 20))
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def run(program: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("kind", PACKAGES)
def test_packages_are_imported_for_their_files_alone(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x.jpg").write_bytes(written(kind, quality=95))  # the suffix does not matter
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    there = "print(sorted({'pillow_heif', 'pillow_jxl'} & set(sys.modules))); "
    program = READ + "read_picture(Path('a.png')); " + there
    program += "p = read_picture(Path('x.jpg')); print(p.samples.shape, p.warnings); " + there
    assert run(program, tmp_path).splitlines() == ["[]", "(40, 60, 3) []", f"['{PACKAGES[kind]}']"]


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_missing_package_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(written(kind))
    program = READ + f"sys.modules['{PACKAGES[kind]}'] = None\n"
    program += "try: read_picture(Path('x'))\nexcept Exception as error: print(error)"
    name, package = {"HEIF": ("HEIC", "pillow-heif"), "JXL": ("JPEG XL", "pillow-jxl-plugin")}[kind]
    assert run(program, tmp_path) == f"a {name} picture needs a package: pip install {package}\n"


@pytest.mark.parametrize("kind", PACKAGES)
@pytest.mark.parametrize("orientation", [1, 6])
def test_nothing_is_turned_twice(kind: str, orientation: int) -> None:
    """HEIC and JPEG XL files state the orientation themselves, and their decoders apply it."""
    exif = Image.Exif()
    exif[274] = orientation
    picture = read_picture(io.BytesIO(written(kind, exif=exif.tobytes(), quality=95)))
    assert (picture.orientation, exif_orientation(picture.metadata.exif)) == (1, 1)
    turned = kind == "HEIF" and orientation == 6  # the JPEG XL plugin writes EXIF's orientation to EXIF alone
    assert picture.samples.shape == ((60, 40, 3) if turned else (40, 60, 3))


def test_a_jpeg_in_jpeg_xl_is_turned_by_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    (tmp_path / "a.jpg").write_bytes(written("JPEG", exif=exif.tobytes()))
    buffer = io.BytesIO()
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(buffer, "JXL", lossless_jpeg=True)
    picture = read_picture(buffer)
    assert (picture.orientation, exif_orientation(picture.metadata.exif)) == (6, 6)
    assert np.array_equal(picture.samples, read_picture(tmp_path / "a.jpg").samples)


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize(
    "size", [(1, 1), (8, 8), (60, 40), (256, 256), (320, 200), (48, 40), (500, 511), (513, 64), (160, 90), (9000, 3)]
)
def test_the_size_of_jpeg_xl(size: tuple[int, int], container: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is checked before pixels are decoded."""
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "JXL", use_container=container)
    data = buffer.getvalue()
    assert jxl_size(data) == size
    monkeypatch.setitem(Image.OPEN, "JXL", None)  # Image.open would decode the file
    with pytest.raises(LimitError, match=f"{size[0]}×{size[1]} = "):
        read_picture(io.BytesIO(data), max_pixels=size[0] * size[1] - 1)


def test_the_size_of_jpeg_xl_in_several_boxes() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (513, 64)).save(buffer, "JXL", use_container=False)
    data = buffer.getvalue()
    assert data[:2] == b"\xff\x0a"
    parts = [data[:3], data[3:4], data[4:]]
    boxes = b"".join(struct.pack(">I4sI", 12 + len(part), b"jxlp", i) + part for i, part in enumerate(parts))
    assert jxl_size(b"\0\0\0\x0cJXL \r\n\x87\n" + boxes) == (513, 64)
    large = struct.pack(">I4sQ", 1, b"jxlc", 16 + len(data)) + data
    assert jxl_size(b"\0\0\0\x0cJXL \r\n\x87\n" + large) == (513, 64)


@pytest.mark.parametrize("data", [b"", b"\0" * 40, b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\1jxlc", b"\0\0\0\3jxlc" * 9])
def test_no_size(data: bytes) -> None:
    assert jxl_size(data) is None


@pytest.mark.parametrize("kind", PACKAGES)
def test_damaged_files_are_image_errors(kind: str) -> None:
    data = written(kind)
    for cut in range(12, len(data), max(1, len(data) // 20)):
        with pytest.raises(ImageError):
            read_picture(io.BytesIO(data[:cut]))


@pytest.mark.parametrize(
    "head", [b"", b"\xff", b"\xff\xd8\xff\xe0", b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", b"\0\0\0\x18ftypmp42"]
)
def test_other_files_need_none(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "OPEN", {})
    monkeypatch.setattr("importlib.import_module", None)
    register_for(head)


def test_suffixes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plugin_suffixes(installed=True) == plugin_suffixes(installed=False) >= {".heic", ".jxl"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert plugin_suffixes(installed=True) == frozenset()
