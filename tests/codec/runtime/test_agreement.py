"""Files are the same symbols on both runtimes and any number of threads, and pixels agree (SPEC section 9)."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.codec.codec import Codec
from aez.codec.model.weightfile import Weights
from aez.codec.picture.psnr import psnr_of
from aez.codec.threads import set_threads

Photo = NDArray[np.uint8]
PICTURES = {
    "colour": (slice(0, 160), slice(150, 350), slice(None)),
    "grey": (slice(100, 260), slice(200, 350), 1),
    "odd sides": (slice(3, 100), slice(7, 140), slice(None)),
    "one pixel": (slice(9, 10), slice(9, 10), slice(None)),
}


@pytest.fixture(autouse=True)
def one_thread_afterwards() -> Iterator[None]:
    """The number of the whole suite, see the fixtures of all tests."""
    yield
    set_threads(1)


def pictures(photo: Photo) -> dict[str, Photo]:
    cut = {name: photo[place] for name, place in PICTURES.items()}
    return {**cut, "alpha": np.dstack([photo[200:300, :120], photo[:100, 300:420, 0]])}


def agree(a: Photo, b: Photo) -> bool:
    """Check that two decodings are within the tolerance of the specification."""
    off = np.abs(a.astype(int) - b)
    return a.shape == b.shape and bool((off <= 1).mean() >= 0.999) and (not off.any() or psnr_of(a, b) >= 55)


def decodings(codecs: list[Codec], data: bytes) -> Iterator[tuple[str, Photo]]:
    """Digest and picture, of each codec with one and two threads."""
    for threads in (1, 2):
        set_threads(threads)
        for codec in codecs:
            yield codec.digest(data), codec.decode_array(data)


def check(encoder: Codec, decoders: list[Codec], picture: Photo, quality: int, tile_log2: int = 0) -> None:
    data = encoder.encode(picture, quality, tile_log2=tile_log2)
    (digest, first), *others = decodings(decoders, data)
    assert encoder.digest(data) == digest
    for other, back in others:
        assert other == digest
        assert agree(first, back)


def of(weights: Weights, *runtimes: str) -> list[Codec]:
    return [Codec(weights, "cpu", "float32", runtime) for runtime in runtimes]


@pytest.mark.parametrize("quality", [5, 50, 100])
def test_threads_agree(tiny: Weights, photo: Photo, quality: int) -> None:
    (light,) = of(tiny, "light")
    for picture in pictures(photo).values():
        for tile_log2 in (0, 4):
            check(light, [light], picture, quality, tile_log2)


@pytest.mark.torch
@pytest.mark.parametrize("quality", [5, 50, 100])
def test_runtimes_agree(tiny: Weights, photo: Photo, quality: int) -> None:
    both = of(tiny, "light", "torch")
    for picture in pictures(photo).values():
        for encoder, tile_log2 in zip(both, (0, 4), strict=True):
            check(encoder, both, picture, quality, tile_log2)


@pytest.mark.torch
def test_runtimes_agree_on_the_packaged_model(packaged: Weights, photo: Photo) -> None:
    both = of(packaged, "light", "torch")
    check(both[0], both, photo[:256, 100:356], 50)


@pytest.mark.torch
@pytest.mark.parametrize("effort", [0, 1, 3, 6])
def test_encoders_choose_alike(packaged: Weights, photo: Photo, effort: int) -> None:
    """The files may differ, by a hair."""
    picture = photo[40:168, 150:300]
    files = [Codec(packaged, "cpu", "float32", name).encode(picture, 50, effort=effort) for name in ("light", "torch")]
    symbols = [Codec(packaged, "cpu").unpack(data)[1] for data in files]
    assert (symbols[0].z != symbols[1].z).mean() < 1e-2
    assert (symbols[0].r != symbols[1].r).mean() < 2e-3
    assert abs(len(files[0]) - len(files[1])) <= 0.005 * len(files[0])


def test_threads_change_no_symbol_of_the_encoder(packaged: Weights, photo: Photo) -> None:
    digests = set()
    for threads in (1, 2):
        set_threads(threads)
        codec = Codec(packaged, "cpu", runtime="light")
        digests.add(codec.digest(codec.encode(photo[40:168, 150:300], 50, effort=0)))
    assert len(digests) == 1
