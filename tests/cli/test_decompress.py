from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from aez.codec.codec import Codec


def test_beside_the_input(aez: Any, folder: Path, model: Any, codec: Codec) -> None:
    data = (folder / "low.aez").read_bytes()
    result = aez("decompress", folder / "low.aez", *model)
    assert (result.code, result.err) == (0, "")
    assert result.out.count("\n") == 1
    assert "150×100" in result.out
    with Image.open(folder / "low.png") as image:
        difference = np.abs(np.asarray(image).astype(int) - codec.decode_array(data))
    assert (difference <= 1).mean() >= 0.999


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [("png", "PNG"), ("jpg", "JPEG"), ("JPEG", "JPEG"), ("webp", "WEBP"), ("bmp", "BMP"), ("tif", "TIFF")],
)
def test_formats(aez: Any, folder: Path, model: Any, codec: Codec, suffix: str, kind: str) -> None:
    target = folder / f"out.{suffix}"
    result = aez("decompress", folder / "low.aez", "-o", target, *model)
    assert (result.code, result.err) == (0, "")
    with Image.open(target) as image:
        assert (image.format, image.size) == (kind, (150, 100))
        back = np.asarray(image.convert("RGB")).astype(int)
    error = np.abs(back - codec.decode_array((folder / "low.aez").read_bytes()))
    assert error.mean() < (3 if kind == "JPEG" else 0.1)


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.aez", "out.psd"])
def test_unknown_formats(aez: Any, folder: Path, model: Any, name: str) -> None:
    result = aez("decompress", folder / "low.aez", "-o", folder / name, *model)
    assert result.code == 1
    assert result.err.startswith(f"aez: {folder / name}: ")
    assert result.err.count("\n") == 1
    assert not (folder / name).exists()


def test_unknown_formats_of_unnamed_outputs(aez: Any, folder: Path, model: Any) -> None:
    result = aez("decompress", folder / "low.aez", "-f", "xyz", *model)
    assert result.code == 2
    assert "--format xyz: Pillow cannot write pictures with the suffix '.xyz'" in result.err


def test_a_source_stays_if_its_output_cannot_be_read_back(aez: Any, folder: Path, model: Any) -> None:
    out = folder / "low.pdf"
    result = aez("decompress", folder / "low.aez", "-o", out, "--delete-source", *model)
    assert (result.code, out.read_bytes()[:4]) == (0, b"%PDF")
    assert f"{folder / 'low.aez'}: is kept, since {out} lacks pixels that can be read back" in result.err
    assert (folder / "low.aez").exists()


def test_pictures_that_a_format_cannot_hold(aez: Any, folder: Path, model: Any, codec: Codec) -> None:
    (folder / "wide.aez").write_bytes(codec.encode(np.zeros((1, 17000, 3), np.uint8), 1))
    result = aez("decompress", folder / "wide.aez", "-o", folder / "wide.webp", *model)
    assert result.code == 1
    assert result.err.startswith(f"aez: {folder / 'wide.webp'}: cannot be written as WEBP")
    assert not (folder / "wide.webp").exists()


def test_max_pixels(aez: Any, folder: Path, model: Any) -> None:
    result = aez("decompress", folder / "low.aez", *model, "--max-pixels", 14999)
    assert result.code == 1
    assert result.err.startswith(f"aez: {folder / 'low.aez'}: ")
    assert "14999" in result.err
    assert not (folder / "low.png").exists()
    assert aez("decompress", folder / "low.aez", *model, "--max-pixels", 15000).code == 0


def test_unknown_fingerprints(aez: Any, folder: Path, codec: Codec) -> None:
    for arguments in ((), ("--model", "photo")):
        result = aez("decompress", folder / "low.aez", *arguments)
        assert result.code == 1
        assert result.err.startswith(f"aez: {folder / 'low.aez'}: made with")
        assert codec.weights.fingerprint.hex() in result.err
        assert result.err.count("\n") == 1
    assert not (folder / "low.png").exists()


@pytest.fixture
def sideways(folder: Path) -> Path:
    """A JPEG picture of 40×30 pixels to be turned for display, coded."""
    exif = Image.Exif()
    exif[274] = 6
    with Image.open(folder / "a.png") as image:
        image.save(folder / "sideways.jpg", exif=exif, quality=95)
    return folder / "sideways.jpg"


def look(path: Path) -> tuple[tuple[int, int], int]:
    with Image.open(path) as image:
        return image.size, image.getexif().get(274, 1)


def test_orientation(aez: Any, folder: Path, model: Any, sideways: Path) -> None:
    assert aez("compress", sideways, *model).code == 0
    for options, name, expected in (
        ((), "a1.png", ((40, 30), 6)),
        ((), "a2.bmp", ((30, 40), 1)),
        (("--auto-orient",), "a3.png", ((30, 40), 1)),
        (("--strip",), "a4.png", ((30, 40), 1)),
    ):
        assert aez("decompress", folder / "sideways.aez", "-o", folder / name, *model, *options).code == 0
        assert look(folder / name) == expected
    for options, expected in (
        (("--auto-orient",), ((30, 40), 1)),
        (("--strip",), ((30, 40), 1)),
    ):
        assert aez("compress", sideways, "--overwrite", *model, *options).code == 0
        assert aez("decompress", folder / "sideways.aez", "-o", folder / "b.png", "--overwrite", *model).code == 0
        assert look(folder / "b.png") == expected


def test_background(aez: Any, folder: Path, model: Any) -> None:
    image = Image.open(folder / "a.png").convert("RGBA")
    image.putalpha(0)
    image.save(folder / "clear.png")
    assert aez("compress", folder / "clear.png", *model).code == 0
    for options, level in (((), (255, 255, 255)), (("--background", "#102030"), (16, 32, 48))):
        assert (
            aez("decompress", folder / "clear.aez", "-o", folder / "c.bmp", "--overwrite", *model, *options).code == 0
        )
        assert Image.open(folder / "c.bmp").getpixel((3, 3)) == level
    result = aez("decompress", folder / "clear.aez", "-o", folder / "c.bmp", "--background", "nothing", *model)
    assert result.code == 2


def test_what_a_format_cannot_hold_is_said(aez: Any, folder: Path, model: Any, sideways: Path) -> None:
    assert aez("compress", sideways, *model).code == 0
    result = aez("decompress", folder / "sideways.aez", "-o", folder / "c.bmp", "--quiet", *model)
    assert result.err == f"aez: warning: {folder / 'c.bmp'}: EXIF metadata cannot be kept in BMP\n"


def test_regions_and_scales(aez: Any, folder: Path, model: Any, codec: Codec) -> None:
    data = (folder / "low.aez").read_bytes()
    for options, expected in (
        (("--region", "20,30,50,40"), codec.decode_array(data, region=(20, 30, 50, 40))),
        (("--scale", "1/8"), codec.decode_array(data, scale=1 / 8)),
        (("--scale", "1/2", "--region", "0,0,9,9"), codec.decode_array(data, scale=1 / 2, region=(0, 0, 9, 9))),
        (("--preview",), codec.decode_array(data)),
    ):
        assert aez("decompress", folder / "low.aez", "-o", folder / "b.png", "--overwrite", *model, *options).code == 0
        assert np.abs(np.asarray(Image.open(folder / "b.png")).astype(int) - expected).max() <= 1


def test_regions_are_as_seen(aez: Any, folder: Path, model: Any, sideways: Path) -> None:
    assert aez("compress", sideways, *model).code == 0
    for name in ("c.png", "c.bmp"):
        assert (
            aez("decompress", folder / "sideways.aez", "-o", folder / name, "--region", "0,20,30,20", *model).code == 0
        )
    whole = ImageOps.exif_transpose(Image.open(sideways)).crop((0, 20, 30, 40))
    for name, size in (("c.png", (20, 30)), ("c.bmp", (30, 20))):
        with Image.open(folder / name) as image:
            assert image.size == size
            part = ImageOps.exif_transpose(image)
        assert np.abs(np.asarray(part).astype(int) - np.asarray(whole)).mean() < 25


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--region", "1,2,3"), 2),
        (("--region", "a,b,c,d"), 2),
        (("--region", "1,2,3,999"), 1),
        (("--scale", "1/3"), 2),
        (("--scale", "1/2", "--preview"), 2),
        (("--region", "1,2,3,4", "--preview"), 2),
    ],
)
def test_parts_that_cannot_be(aez: Any, folder: Path, model: Any, options: tuple[str, ...], code: int) -> None:
    result = aez("decompress", folder / "low.aez", *options, *model)
    assert result.code == code
    assert not (folder / "low.png").exists()
    if code == 1:
        assert result.err == (f"aez: {folder / 'low.aez'}: the region 1,2,3,999 is not within the picture of 150×100\n")


def test_previews_are_read_alone(aez: Any, folder: Path, model: Any, photo: Any) -> None:
    Image.fromarray(photo).save(folder / "p.png")
    assert aez("compress", folder / "p.png", "--preview", *model).code == 0
    data = (folder / "p.aez").read_bytes()
    (folder / "cut.aez").write_bytes(data[: len(data) // 3])
    assert aez("decompress", folder / "cut.aez", *model).code == 1
    assert aez("decompress", folder / "cut.aez", "--preview", *model).code == 0
    assert Image.open(folder / "cut.png").size == (256, 256)


@pytest.mark.parametrize("options", [(), ("--region", "0,0,1,1"), ("--preview",)])
def test_empty_files(aez: Any, folder: Path, model: Any, options: tuple[str, ...]) -> None:
    (folder / "empty.aez").write_bytes(b"")
    result = aez("decompress", folder / "empty.aez", *options, *model)
    assert (result.code, result.err) == (1, f"aez: {folder / 'empty.aez'}: the file is empty\n")
