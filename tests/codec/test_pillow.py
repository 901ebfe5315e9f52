"""The Pillow plugin."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

import aez.codec.pillow as plugin
from aez.bitstream import ChunkType, read_container, write_container
from aez.codec import Target, decode_array, encode, load
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.metadata.orientation import orientation_of
from aez.codec.picture.picture import Picture


@pytest.fixture(scope="module")
def data() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8)).save(buffer, "AEZ", quality=80)
    return buffer.getvalue()


def test_open_and_save(data: bytes, tmp_path: Path) -> None:
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size, image.mode, image.get_format_mimetype()) == (
            "AEZ",
            (40, 30),
            "RGB",
            plugin.MIME,
        )
        assert np.array_equal(np.asarray(image), decode_array(data))
        image.save(tmp_path / "x.aez", quality=10)
    assert (tmp_path / "x.aez").stat().st_size < len(data)
    with Image.open(tmp_path / "x.aez") as image:
        assert image.convert("L").size == (40, 30)


def test_the_runtime_waits_for_pixels(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.aez").write_bytes(data)
    program = (
        "import sys, aez.codec.pillow; from PIL import Image; i = Image.open('x.aez'); i.size; i.info;"
        "assert not {'torch', 'onnxruntime'} & set(sys.modules);"
        "i.load(); assert 'onnxruntime' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_orientation_is_exifs(data: bytes) -> None:
    exif = Image.Exif()
    exif[274] = 6
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(buffer, "AEZ", exif=exif)
    with Image.open(buffer) as image:
        assert image.size == (40, 30)
        assert image.getexif()[274] == 6
        turned = ImageOps.exif_transpose(image)
    assert turned is not None
    assert turned.size == (30, 40)


@pytest.mark.parametrize("at", [0, 5, 12, 20])
def test_what_is_not_aez(data: bytes, at: int) -> None:
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(data[:at]))


@pytest.mark.parametrize("kind", ["truncated", "damaged"])
def test_damaged_files_open_and_fail_to_load(data: bytes, kind: str) -> None:
    bad = data[:-20] if kind == "truncated" else data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
    with Image.open(io.BytesIO(bad)) as image, pytest.raises(OSError, match=r"cannot be decoded"):
        image.load()


def test_bombs(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pixels_are_decoded_also_of_files_longer_than_the_raw_picture(mode: str, tmp_path: Path) -> None:
    image = Image.new(mode, (8, 8), 77 if mode == "L" else (77, 99, 11, 200)[: len(mode)])
    image.save(tmp_path / "x.aez", xmp=b"<x/>" * 200)
    data = (tmp_path / "x.aez").read_bytes()
    assert len(data) > 8 * 8 * 4
    for source in (tmp_path / "x.aez", io.BytesIO(data)):
        with Image.open(source) as back:
            assert np.array_equal(np.asarray(back), decode_array(data))
            changed = back.copy()
            back.putpixel((0, 0), changed.getpixel((1, 1)))
    assert (tmp_path / "x.aez").read_bytes() == data


def test_a_picture_can_be_used_when_its_file_is_closed(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.aez").write_bytes(data)
    with Image.open(tmp_path / "x.aez") as image:
        image.load()
    assert np.array_equal(np.asarray(image.transpose(Image.Transpose.ROTATE_180)), decode_array(data)[::-1, ::-1])


def with_exif(exif: bytes, orientation: int = 1) -> bytes:
    picture = Picture(np.zeros((4, 6, 3), np.uint8), orientation=orientation, metadata=Metadata(exif=exif))
    return load().encode(picture, 10, effort=0)


DAMAGED = {
    "no TIFF": b"nonsense",
    "short": b"II*\0",
    "no directory": b"II*\0\xff\0\0\0",
    "cut": b"MM\0*\0\0\0\x08\0\x02\x01",
    "no values": b"II*\0\x08\0\0\0\x01\0\x12\x01\x05\0\x01\0\0\0\xff\xff\xff\xff",
}


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("exif", DAMAGED.values(), ids=DAMAGED)
def test_damaged_exif_is_left_out(exif: bytes, orientation: int) -> None:
    with Image.open(io.BytesIO(with_exif(exif, orientation))) as image:
        assert image.getexif().get(274, 1) == orientation
        turned = ImageOps.exif_transpose(image)
    assert turned is not None
    assert turned.size == ((6, 4) if orientation == 1 else (4, 6))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_exif_opens() -> None:
    exif = Image.Exif()
    exif[274], exif[ExifTags.Base.Artist], exif[ExifTags.Base.XResolution] = 6, "somebody", 72.0
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ExposureTime: 0.01}
    sound = exif.tobytes()
    plain, random = load().encode(np.zeros((4, 6, 3), np.uint8), 10, effort=0), np.random.default_rng(3)
    container = read_container(plain)
    for _ in range(300):
        hurt = bytearray(sound)
        for at in random.integers(0, len(sound), 3):
            hurt[at] = random.integers(256)
        data = write_container(replace(container, metadata={ChunkType.EXIF: bytes(hurt)}))
        with Image.open(io.BytesIO(data)) as image:
            assert orientation_of(image.getexif()) == 1


def test_unknown_models_are_oserrors(goldens: dict[str, bytes]) -> None:
    with Image.open(io.BytesIO(goldens["low"])) as image:
        assert image.size == (150, 100)
        with pytest.raises(OSError, match="model"):
            image.load()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_modes_and_metadata_come_back(mode: str, photo: np.ndarray, tmp_path: Path) -> None:  # type: ignore[type-arg]
    image = Image.fromarray(photo[:48, 100:170]).convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(np.tile(np.arange(70, dtype=np.uint8), (48, 1))))
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "nobody"
    name = "sRGB" if mode.startswith("RGB") else None
    kept = {"exif": exif.tobytes(), "xmp": b"<x:xmpmeta/>"}
    if name:
        kept["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]
    image.save(tmp_path / "x.aez", quality=95, effort=0, **kept)
    with Image.open(tmp_path / "x.aez") as back:
        assert back.mode == mode
        assert {key: back.info[key] for key in kept} == kept
        back.load()
        if mode.endswith("A"):
            assert np.array_equal(np.asarray(back.getchannel("A")), np.asarray(image.getchannel("A")))
        back.save(tmp_path / "again.aez")
    with Image.open(tmp_path / "again.aez") as again:
        assert {key: again.info[key] for key in kept} == kept
        again.save(tmp_path / "bare.aez", icc_profile=None, exif=b"", xmp=b"")
    with Image.open(tmp_path / "bare.aez") as bare:
        assert not set(kept) & set(bare.info)


def test_save_options(photo: np.ndarray, tmp_path: Path) -> None:  # type: ignore[type-arg]
    image = Image.fromarray(photo[:96, 100:228])
    for name, options in {"quick": {"effort": 0}, "slow": {"effort": 4}, "sized": {"target": Target(size=900)}}.items():
        image.save(tmp_path / f"{name}.aez", **options)
    assert (tmp_path / "quick.aez").read_bytes() != (tmp_path / "slow.aez").read_bytes()
    assert 0.98 * 900 <= (tmp_path / "sized.aez").stat().st_size <= 900


def test_deep_pictures() -> None:
    """Grey has a mode of 16 bits; colour, and grey with alpha, are rounded to 8."""
    ramp = np.linspace(0, 65535, 40 * 50).astype(np.uint16).reshape(40, 50)
    grey = encode(ramp, 80, depth=12)
    with Image.open(io.BytesIO(grey)) as image:
        assert image.mode == "I;16"
        assert np.array_equal(np.asarray(image) >> 4, decode_array(grey))
        buffer = io.BytesIO()
        image.save(buffer, "AEZ")
        assert decode_array(buffer.getvalue()).dtype == np.uint16
    for array, mode in ((np.dstack([ramp, ramp, ramp[::-1]]), "RGB"), (np.dstack([ramp, ramp // 257 * 257]), "LA")):
        data = encode(array, 80)
        with Image.open(io.BytesIO(data)) as image:
            assert image.mode == mode
            assert np.abs(np.asarray(image) - decode_array(data) / 257).max() <= 0.5
