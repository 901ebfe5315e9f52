"""The picture filter in files: chosen by bits and error together, read again, refused if damaged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from aez.bitstream import FormatError, ModelError, read_container, write_container
from aez.codec.codec import Codec
from aez.codec.encoding.filter_fit import FilterFit
from aez.codec.model.filter_weights import FilterWeights, Moments, weight_shape
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.picture.psnr import psnr_of
from aez.codec.runtime.light.picture_filter import filtered, moments

Photo = NDArray[np.uint8]


@pytest.fixture(scope="module")
def fitted(tiny: Weights, tiny_path: Path) -> Weights:
    return replace(tiny, tensors=tiny.tensors | load_file(tiny_path.with_name("filter.safetensors")))


@pytest.fixture(scope="module")
def filtering(fitted: Weights) -> Codec:
    return Codec(fitted, "cpu", "float32")


@pytest.mark.torch
@pytest.mark.parametrize("quality", [40, 90])
def test_the_fit_gives_a_filter_as_good_as_the_frozen_one(
    tiny: Weights, fitted: Weights, filtering: Codec, photo: Photo, quality: float
) -> None:
    """Weights themselves are ill-conditioned: they move with the rounding of a few symbols."""
    import torch

    from aez.codec.training.fits.picture_filter import PictureFilterFit

    again = PictureFilterFit().apply(tiny, [torch.from_numpy(photo[:256, 100:400].copy()).permute(2, 0, 1)])
    picture, at = photo[:256, 100:400], filtering.quality_scale.position_of(quality)
    plain = filtering.decode_array(without(filtering.encode(picture, quality, effort=0))).astype(np.float32)
    sums = moments(plain, 0, 0, picture)
    frozen, found = (sums.gain(FilterWeights(weights, at, 3).mean) for weights in (fitted, again))
    assert frozen > 0.02 * sums.error
    assert found == pytest.approx(frozen, rel=0.05)
    assert again.tensors["filter.step"] == pytest.approx(fitted.tensors["filter.step"], rel=0.5)


def without(data: bytes) -> bytes:
    return write_container(replace(read_container(data), filter=None))


@pytest.mark.parametrize("grey", [False, True])
def test_files_hold_what_pays(filtering: Codec, photo: Photo, grey: bool) -> None:
    picture = photo[200:400, 120:420, 1] if grey else photo[200:400, 120:420]
    data = filtering.encode(picture, 70)
    payload = read_container(data).filter
    assert payload is not None and 8 < len(payload) < 200
    plain = filtering.decode_array(without(data))
    assert psnr_of(picture, filtering.decode_array(data)) > psnr_of(picture, plain) + 0.1


def test_without_corrections_the_models_own_is_used(filtering: Codec, photo: Photo) -> None:
    picture = photo[200:400, 120:420]
    data = filtering.encode(picture, 70, effort=0)
    assert read_container(data).filter == b""
    assert len(data) == len(without(data)) + 6
    assert psnr_of(picture, filtering.decode_array(data)) > psnr_of(picture, filtering.decode_array(without(data)))


@pytest.mark.parametrize("effort", [2, 4, pytest.param(8, marks=pytest.mark.torch)])
def test_every_effort_counts_what_it_decodes(filtering: Codec, photo: Photo, effort: int) -> None:
    picture = photo[200:330, 120:260]
    data = filtering.encode(picture, 80, effort=effort)
    assert read_container(data).filter, "nothing was counted, so the model's own filter is used"
    assert psnr_of(picture, filtering.decode_array(data)) > psnr_of(picture, filtering.decode_array(without(data)))


def test_regions_and_windows_are_filtered_like_the_whole(
    filtering: Codec, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = filtering.encode(photo[:300, :400], 70, tile_log2=4)
    whole = filtering.decode_array(data).astype(int)
    part = filtering.decode_array(data, region=(37, 90, 200, 120))
    assert np.abs(whole[90:210, 37:237] - part).max() <= 1
    assert not np.array_equal(part, filtering.decode_array(without(data), region=(37, 90, 200, 120)))


@pytest.mark.torch
def test_tensors_are_filtered(filtering: Codec, photo: Photo) -> None:
    data = filtering.encode(photo[:100, :150], 70)
    assert np.array_equal(filtering.decode_array(data), filtering.decode_tensor(data).permute(1, 2, 0).numpy())


def test_only_scales_with_the_network_are_filtered(filtering: Codec, photo: Photo) -> None:
    data = filtering.encode(photo[:320, :400], 70)
    whole = filtering.decode_array(data)
    for scale, is_filtered in ((2, True), (4, True), (8, False), (16, False)):
        small, plain = (filtering.decode_array(d, scale=1 / scale).astype(float) for d in (data, without(data)))
        assert np.array_equal(small, plain) != is_filtered
        if is_filtered:
            means = whole.reshape(320 // scale, scale, 400 // scale, scale, 3).mean((1, 3))
            assert np.abs(small - means).max() <= 1 < np.abs(plain - means).max()


def test_latents_decode_to_the_files_picture(filtering: Codec, photo: Photo) -> None:
    picture = photo[100:300, 100:300]
    latents = filtering.latents(picture, 60)
    assert latents.pixel_filter is not None
    file = np.asarray(filtering.decode(filtering.encode(picture, 60)))
    assert np.array_equal(np.asarray(filtering.from_latents(latents)), file)


def test_what_is_written_is_read(fitted: Weights, photo: Photo) -> None:
    levels = photo[:200, :200] * np.float32(0.9) + 10
    own = FilterWeights(fitted, 500, 3)
    fit = FilterFit(own, moments(levels[:, :, ::-1], 0, 0, photo[:200, :200]))  # colours exchanged: large weights
    assert fit.payload
    weights = own.parse(fit.payload)
    assert weights.shape == weight_shape(3)
    steps = (weights.reshape(3, -1).T.astype(float) - own.mean) / own.step
    assert np.abs(steps - steps.round()).max() < 1e-2 and np.abs(steps).max() > 3
    assert fit.moments.gain(own.mean + steps.round() * own.step) > fit.moments.gain(own.mean)


def test_a_filter_that_only_harms_is_left_out(fitted: Weights) -> None:
    own = FilterWeights(fitted, 500, 3)
    sums = Moments(3)
    inputs = np.random.default_rng(0).normal(size=(200, len(own.mean))) * 3
    sums.square, sums.pixels = inputs.T @ inputs, 200  # nothing is missing, whatever changes is error
    assert sums.gain(own.mean) < 0
    assert own.payload(sums) is None
    sums.product = sums.square @ own.mean  # the model's own weights are the best
    assert own.payload(sums) == b""


def test_damaged_filters_are_refused(filtering: Codec, photo: Photo) -> None:
    data = filtering.encode(photo[200:400, 120:420], 70)
    container = read_container(data)
    payload = container.filter
    assert payload
    for broken in (b"\x00" + payload[1:], b"\xff" + payload[1:], payload[:-4], payload + b"\0\0\0\0", payload[:-1]):
        with pytest.raises(FormatError):
            filtering.decode(write_container(replace(container, filter=broken)))


def test_a_model_without_filter_ignores_one(codec: Codec, photo: Photo) -> None:
    data = codec.encode(photo[:64, :64], 50)
    container = read_container(data)
    assert container.filter is None
    with_one = write_container(replace(container, filter=b""))
    assert np.array_equal(codec.decode_array(with_one), codec.decode_array(data))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mean", lambda t: t[:, :-1]),
        ("step", lambda t: t.astype(np.float32)),
        ("step", lambda t: t * float("nan")),
        ("mean", None),
        ("step", None),
    ],
)
def test_wrong_tensors_are_refused(fitted: Weights, name: str, change: object) -> None:
    tensors = dict(fitted.tensors)
    old = tensors.pop(f"filter.{name}")
    if change is not None:
        tensors[f"filter.{name}"] = change(old)  # type: ignore[operator]
    with pytest.raises(ModelError):
        parse_weights(serialise_weights(replace(fitted, tensors=tensors)))


def test_it_is_part_of_the_model(tiny: Weights, fitted: Weights) -> None:
    assert fitted.has_filter and not tiny.has_filter
    assert fitted.fingerprint != tiny.fingerprint


def test_perceptual_models_get_one_with_their_correction(fitted: Weights, photo: Photo) -> None:
    codec = Codec(replace(fitted, card={**fitted.card, "distortion": "perceptual"}), "cpu", "float32")
    data, quick = (codec.encode(photo[200:400, 120:420], 70, effort=level) for level in (2, 1))
    assert read_container(data).filter and read_container(quick).filter == b""
    assert 0 < (codec.unpack(data)[1].r != codec.unpack(quick)[1].r).mean() < 0.2


def test_grey_pictures_are_filtered_as_equal_colours(fitted: Weights, photo: Photo) -> None:
    grey = photo[:60, :80, 1:2] * np.float32(0.7) + 40  # nothing is clamped
    one, three = (filtered(np.repeat(grey, c, 2), FilterWeights(fitted, 700, c).parse(b"")) for c in (1, 3))
    assert np.abs(one - grey).max() > 1
    assert np.allclose(one, three.mean(2, keepdims=True), atol=1e-2)
