import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from aez.bitstream import ChunkType, Container, FormatError, Limits, read_container, read_preview, write_container
from aez.codec.codec import Codec
from aez.codec.decoding.previews import preview_reduction
from aez.codec.picture import previews
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.picture import Picture
from aez.codec.picture.previews import thumbnail

Photo = NDArray[np.uint8]


def with_preview(codec: Codec, photo: Photo, payload: bytes | None = None) -> bytes:
    """A file whose preview is ``payload``."""
    parts = read_container(codec.encode(photo[:32, :32], 20, preview=payload is None))
    metadata = parts.metadata | ({ChunkType.PREVIEW: payload} if payload is not None else {})
    return write_container(Container(parts.header, parts.hyper, parts.tiles, metadata))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_previews(codec: Codec, photo: Photo, mode: str, orientation: int) -> None:
    image = Image.fromarray(photo[:, :400]).convert(mode)
    picture = from_image(image)
    metadata = Metadata(exif=b"II*\0" + bytes(20), xmp=b"<x/>")
    picture = Picture(picture.samples, picture.alpha, orientation, metadata)
    data = codec.encode(picture, 60, preview=True)
    container = read_container(data)
    assert [kind for kind, _ in container.chunks[:2]] == ["H", "p"]
    small = codec.preview(data)
    assert (small.mode, small.size) == (mode, (256, 200) if orientation == 6 else (200, 256))
    full = codec.decode(data)
    expected = full.resize(small.size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(expected)).mean() < 16
    assert not read_container(read_preview(data) or b"").metadata
    assert codec.digest(data) == codec.digest(codec.encode(picture, 60))


def test_the_first_bytes_are_enough(codec: Codec, photo: Photo) -> None:
    data = codec.encode(photo, 60, preview=True)
    payload = read_preview(data)
    assert payload is not None
    end = data.index(payload) + len(payload) + 4
    assert np.array_equal(np.asarray(codec.preview(data[:end])), np.asarray(codec.preview(data)))
    with pytest.raises(FormatError):
        codec.preview(data[: end - 1])


def test_without_a_preview_the_picture_is_scaled(codec: Codec, photo: Photo) -> None:
    assert codec.preview(codec.encode(photo[:300, :512], 60)).size == (256, 150)
    assert codec.preview(codec.encode(photo[:30, :40], 60)).size == (40, 30)
    header = read_container(codec.encode(photo[:30, :40], 60)).header
    assert preview_reduction(header) == 1


def test_thumbnails(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    tall = np.tile(photo, (5, 1, 1))
    whole = thumbnail(Picture(tall, tall[..., 0]), 64)
    assert (whole.samples.shape, whole.mode) == ((64, 13, 3), "RGBA")
    monkeypatch.setattr(previews, "_BAND", 2000)
    banded = thumbnail(Picture(tall, tall[..., 0]), 64)
    assert np.array_equal(whole.to_array(), banded.to_array())
    assert thumbnail(Picture(photo[:1, :300, 0]), 64).samples.shape == (1, 64)
    assert thumbnail(Picture(photo[:5, :7]), 64).samples.shape == (5, 7, 3)


def test_thumbnails_are_srgb(photo: Photo) -> None:
    profile: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # type: ignore[no-untyped-call]
    swapped = profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "BGR!".encode("utf-16-be")).replace(b"sRGB", b"BGR!")
    small = thumbnail(Picture(photo[:64, :64], metadata=Metadata(icc=swapped)), 64)
    assert small.metadata == Metadata()
    assert np.abs(small.samples.astype(int) - photo[:64, :64, ::-1]).mean() < 2


def test_hostile_previews_are_refused(codec: Codec, photo: Photo) -> None:
    nested = with_preview(codec, photo)
    large = codec.encode(photo[:1, :1].repeat(1025, 1), 1)
    bad = bytearray(codec.encode(photo[:32, :32], 20))
    bad[-8] ^= 1
    for payload in (nested, large, b"nonsense", bytes(bad), codec.encode(photo[:8, :8])[:-1]):
        data = with_preview(codec, photo, payload)
        with pytest.raises(FormatError):
            codec.preview(data)
        assert codec.decode(data).size == (32, 32)


def test_previews_are_limited(codec: Codec, photo: Photo) -> None:
    from aez.bitstream import LimitError

    data = with_preview(codec, photo)
    with pytest.raises(LimitError):
        codec.preview(data, limits=Limits(max_metadata=20))
    with pytest.raises(LimitError):
        codec.preview(data, limits=Limits(max_pixels=32 * 32 - 1))
