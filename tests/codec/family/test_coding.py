"""Files of the family: what goes in comes back, and what is not a file is refused."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import FormatError, Header, ModelError, read_container, write_container
from aez.codec.encoding.target import Target
from aez.codec.family import coding
from aez.codec.family.coding import FamilyCodec
from aez.codec.family.collapsed import PlainAutoencoder
from aez.codec.family.loading import family_weights
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.picture import Picture
from aez.codec.picture.psnr import psnr_of

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (1, 70), (64, 64)])
def test_pictures_come_back(family_codec: FamilyCodec, photo: Photo, size: tuple[int, int]) -> None:
    picture = photo[100 : 100 + size[0], 200 : 200 + size[1]]
    data = family_codec.encode(picture, 100)
    back = family_codec.decode_array(data)
    assert back.shape == picture.shape
    assert psnr_of(picture, back) > 22
    header, symbols = family_codec.unpack(data)
    assert header.layout == 1
    assert np.array_equal(symbols.r, family_codec.code_of(picture, header.quality))
    assert len(family_codec.digest(data)) == 64


def test_quality_is_rate(family_codec: FamilyCodec, photo: Photo) -> None:
    sizes = [len(family_codec.encode(photo[:128, :128], quality)) for quality in (1, 50, 100)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_a_target_is_met(family_codec: FamilyCodec, photo: Photo) -> None:
    data = family_codec.encode(photo[:128, :128], target=Target(size=1500))
    assert 1470 <= len(data) <= 1500


def test_grey_alpha_and_metadata(family_codec: FamilyCodec, photo: Photo) -> None:
    grey = photo[:40, :50, 1]
    alpha = np.tile(np.arange(50, dtype=np.uint8), (40, 1))
    picture = Picture(grey, alpha, 6, Metadata(xmp=b"<x/>"))
    back = family_codec.decode_picture(family_codec.encode(picture, 90, preview=True))
    assert back.samples.shape == grey.shape
    assert back.alpha is not None and np.array_equal(back.alpha, alpha)
    assert (back.orientation, back.metadata.xmp) == (6, b"<x/>")
    assert family_codec.decode(family_codec.encode(picture, 90)).size == (40, 50)
    lossy = family_codec.decode_picture(family_codec.encode(picture, 90, alpha_quality=50))
    assert lossy.alpha is not None and abs(lossy.alpha.astype(int) - alpha).mean() < 20


def test_regions_and_scales(family_codec: FamilyCodec, photo: Photo) -> None:
    picture = photo[:70, :90]
    data = family_codec.encode(picture, 80)
    whole = family_codec.decode_array(data)
    assert np.array_equal(family_codec.decode_array(data, region=(5, 7, 20, 30)), whole[7:37, 5:25])
    small = family_codec.decode_array(data, scale=Fraction(1, 2))
    assert small.shape == (35, 45, 3)
    assert abs(small.astype(int) - whole.reshape(35, 2, 45, 2, 3).mean((1, 3))).max() <= 1
    tensor = family_codec.decode_tensor(data)
    assert torch.equal(tensor, torch.from_numpy(whole).permute(2, 0, 1))
    assert family_codec.preview(data).size[0] >= 90


def test_bands_are_the_whole_picture(family_codec: FamilyCodec, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = photo[:300, :80]
    whole = family_codec.code_of(picture, 500)
    header = Header(width=80, height=300, fingerprint=family_codec.fingerprint, quality=500)
    shown = family_codec.pixels_of(whole, header)
    monkeypatch.setattr(coding, "BAND_PIXELS", 64 * 80)
    assert abs(family_codec.code_of(picture, 500).astype(int) - whole).max() <= 1  # rounding at halves
    assert (family_codec.code_of(picture, 500) != whole).mean() < 1e-3
    assert abs(family_codec.pixels_of(whole, header).astype(int) - shown).max() <= 1


def test_what_is_refused(family_codec: FamilyCodec, photo: Photo) -> None:
    data = family_codec.encode(photo[:32, :32], 60)
    container = read_container(data)
    other = replace(container, header=replace(container.header, fingerprint=b"others"))
    with pytest.raises(ModelError, match="another model"):
        family_codec.decode(write_container(other))
    with pytest.raises(FormatError, match="hyper-latent"):
        family_codec.decode(write_container(replace(container, hyper=b"1234")))
    with pytest.raises(FormatError, match="layout"):
        family_codec.decode(write_container(replace(container, header=replace(container.header, layout=0))))
    with pytest.raises(FormatError, match="beyond the model"):
        family_codec.decode(write_container(replace(container, header=replace(container.header, quality=4 * 256))))
    with pytest.raises(FormatError):
        family_codec.decode(write_container(replace(container, tiles=[container.tiles[0][:-4]])))
    with pytest.raises(ValueError, match="one tile"):
        family_codec.encode(photo[:32, :32], 60, tile_log2=6)


def test_only_what_codes_is_a_codec() -> None:
    with pytest.raises(ModelError, match="plain is not a model that compresses"):
        FamilyCodec(family_weights(PlainAutoencoder(code=4, width=8), {}), "cpu")


def test_pillow_pictures(family_codec: FamilyCodec, photo: Photo) -> None:
    assert family_codec.decode(family_codec.encode(Image.fromarray(photo[:33, :20]))).size == (20, 33)
