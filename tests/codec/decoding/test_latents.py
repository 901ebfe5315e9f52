import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez import codec as public
from aez.bitstream import ModelError, read_container
from aez.codec.codec import Codec
from aez.codec.decoding.rate_map import rate_map
from aez.codec.geometry import windows
from aez.codec.heatmap import heatmap
from aez.codec.model.weightfile import Weights
from aez.codec.picture.picture import Picture
from aez.codec.symbols.representation import anomaly_of, region_bits

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def real(packaged: Weights) -> Codec:
    return Codec(packaged, "cpu", "float32")


@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 70), (128, 96), (130, 201)])
@pytest.mark.parametrize("quality", [10, 80])
def test_latents_give_back_what_a_file_gives(
    codec: Codec, photo: Photo, height: int, width: int, quality: float
) -> None:
    picture = photo[60 : 60 + height, 150 : 150 + width]
    latents = codec.latents(picture, quality)
    data = codec.encode(picture, quality)
    assert np.array_equal(np.asarray(codec.from_latents(latents)), codec.decode_array(data))
    _, symbols = codec.unpack(data)
    for mine, theirs in ((latents.z_hat, symbols.z), (latents.r, symbols.r), (latents.indices, symbols.indices)):
        assert np.array_equal(mine, theirs)
    m, z = codec.weights.config.latent, codec.weights.config.hyper
    grid = -(-height // 16), -(-width // 16)
    assert latents.y.shape == latents.y_hat.shape == latents.bits.shape == (m, *grid)
    assert latents.hyper_bits.shape == (z, -(-height // 64), -(-width // 64))
    # Rounding moves an element by half a step, or by what is saved for it; the rest is the analysis's.
    assert np.abs(latents.y - latents.y_hat).mean() < 1.5


@pytest.mark.parametrize("kind", ["grey", "alpha", "turned"])
def test_latents_of_other_pictures(codec: Codec, photo: Photo, kind: str) -> None:
    samples = photo[:90, 200:300]
    picture = {
        "grey": Picture(samples[..., 0].copy()),
        "alpha": Picture(samples, alpha=photo[100:190, 200:300, 1].copy()),
        "turned": Picture(samples, orientation=6),
    }[kind]
    latents = codec.latents(picture, 60)
    back = codec.from_latents(latents)
    expected = codec.decode(codec.encode(picture, 60))
    assert (back.mode, back.size) == (expected.mode, expected.size)
    assert np.array_equal(np.asarray(back), np.asarray(expected))


def test_large_pictures_in_windows(codec: Codec, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(area: windows.Window, **_: object) -> list[windows.Window]:
        return windows.cell_windows(area, height=2, size=4, whole=1)

    whole = codec.latents(photo[:250, :300], 60)
    monkeypatch.setattr("aez.codec.autoencoder.cell_windows", small)
    pieces = codec.latents(photo[:250, :300], 60)
    assert np.allclose(whole.y_hat, pieces.y_hat, atol=1e-3)
    a, b = (np.asarray(codec.from_latents(one)).astype(int) for one in (whole, pieces))
    assert np.abs(a - b).max() <= 1


def test_edits_decode(codec: Codec, photo: Photo) -> None:
    latents = codec.latents(photo[:128, 160:288], 70)
    edited = latents.y_hat.copy()
    edited[:, :4] = 0
    made = np.asarray(codec.from_latents(replace(latents, y_hat=edited))).astype(int)
    plain = np.asarray(codec.from_latents(latents)).astype(int)
    assert made[:48].std() < plain[:48].std() / 2, "without latents the upper part is flat"
    reach = 16 * (4 + codec.weights.config.synthesis_halo)
    assert np.array_equal(made[reach:], plain[reach:]), "the lower part knows nothing of it"


def test_bad_edits_are_refused(codec: Codec, photo: Photo) -> None:
    latents = codec.latents(photo[:64, :64], 50)
    with pytest.raises(ValueError, match="shape"):
        codec.from_latents(replace(latents, y_hat=latents.y_hat[:, :2]))
    wrong = latents.y_hat.copy()
    wrong[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        codec.from_latents(replace(latents, y_hat=wrong))
    with pytest.raises(ValueError, match="quality"):
        codec.latents(photo[:64, :64], 0)


@pytest.mark.parametrize("quality", [20, 60])
def test_costs_add_up_to_the_payload(real: Codec, photo: Photo, quality: float) -> None:
    data = real.encode(photo[:300, 100:420], quality)
    container = read_container(data)
    payload = len(container.hyper) + sum(map(len, container.tiles))
    rates = rate_map(real.weights, data)
    assert rates.shape == (19, 20)
    assert rates.sum() / 8 == pytest.approx(payload, rel=0.01)
    tiled = real.encode(photo[:300, 100:420], quality, tile_log2=4)
    assert rate_map(real.weights, tiled).sum() / 8 == pytest.approx(
        sum(map(len, read_container(tiled).tiles)) + len(container.hyper), rel=0.01
    )
    latents = real.latents(photo[:300, 100:420], quality)
    assert np.allclose(latents.rate_map, rates, rtol=1e-5)
    assert latents.bits.sum() + latents.hyper_bits.sum() == pytest.approx(rates.sum(), rel=1e-5)


def test_costs_of_z_are_spread_over_their_cells() -> None:
    spent, hyper = np.zeros((5, 6)), np.array([[16.0, 8.0], [4.0, 6.0]])
    rates = region_bits(spent, hyper)
    assert rates.sum() == pytest.approx(hyper.sum())
    assert (rates[:4, :4] == 1).all() and (rates[:4, 4:] == 1).all()
    assert (rates[4, :4] == 1).all() and (rates[4, 4:] == 3).all()


def test_a_defect_stands_out(real: Codec) -> None:
    """A scratch and a spot on a regular, noisy surface cost bits that nothing around them does."""
    random = np.random.default_rng(3)
    row, col = np.mgrid[:320, :320]
    surface = 120 + 25 * np.sin(row / 5) * np.sin(col / 7) + random.normal(0, 3, row.shape)
    defect = surface.copy()
    defect[150:154, 200:240] += 70  # within regions (9, 12) to (9, 14)
    defect[66:74, 36:44] -= 80  # region (4, 2)
    pictures = [np.repeat(np.clip(p, 0, 255).astype(np.uint8)[..., None], 3, 2) for p in (surface, defect)]
    sound, scored = (real.latents(p, 50).anomaly for p in pictures)
    places = {(9, 12), (9, 13), (9, 14), (4, 2)}
    highest = {divmod(int(k), 20) for k in np.argsort(scored.ravel())[-4:]}
    assert highest == places
    assert min(scored[place] for place in places) > 3.5
    elsewhere = [scored[i, j] for i in range(20) for j in range(20) if (i, j) not in places]
    assert sorted(elsewhere)[-8] < min(scored[place] for place in places) / 2
    assert sound.max() < min(scored[place] for place in places)


def test_scores() -> None:
    bits = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 60.0]])
    # median 3.5, median absolute deviation 1.5
    assert anomaly_of(bits)[1, 2] == pytest.approx(0.6745 * 56.5 / 1.5)
    assert anomaly_of(bits)[0, 0] == pytest.approx(-0.6745 * 2.5 / 1.5)
    assert (anomaly_of(np.full((3, 3), 7.0)) == 0).all()
    spot = np.zeros((4, 4))
    spot[1, 1] = 5
    assert anomaly_of(spot)[1, 1] > 3.5 and (np.delete(anomaly_of(spot).ravel(), 5) == 0).all()


@pytest.mark.torch
def test_members_of_the_family_have_other_latents(photo: Photo) -> None:
    with pytest.raises(ModelError, match="sparse: not one of the codec's own"):
        public.latents(photo[:64, :64], model="sparse")
    codec = public.load("sparse")
    with pytest.raises(ModelError, match="sparse: not one of the codec's own"):
        heatmap(codec, codec.encode(photo[:64, :64]))


def test_functions_of_the_package(photo: Photo) -> None:
    image = Image.fromarray(photo[:64, :64])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        latents = public.latents(image, 40)
        back = public.from_latents(latents)
    assert isinstance(latents, public.Latents)
    assert np.array_equal(np.asarray(back), np.asarray(public.decode(public.encode(image, 40))))
