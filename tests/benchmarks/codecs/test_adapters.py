import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.codecs.base import UnavailableError
from aez.benchmarks.codecs.external import split_description
from aez.benchmarks.codecs.matching import match_size
from aez.benchmarks.codecs.selection import choose_codecs
from aez.benchmarks.codecs.specs import DEFAULT_CODECS, CodecSpec, build, parse_codec
from aez.benchmarks.metrics import psnr
from aez.bitstream.errors import AezError

pytestmark = pytest.mark.torch


@pytest.fixture
def image(photo: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(photo[60:157, 180:311])  # 131 × 97: nothing divides it


@pytest.mark.parametrize("name", [name for name in DEFAULT_CODECS if name != "aez"] + ["jpeg-plain"])
def test_more_bytes_show_more(image: Image.Image, name: str) -> None:
    try:
        adapter = build(parse_codec(name), "cpu")
    except UnavailableError as error:
        pytest.skip(str(error))
    files = sorted((adapter.encode(image, q) for q in (adapter.qualities[0], adapter.qualities[-1])), key=len)
    low, high = (psnr(np.asarray(image), np.asarray(adapter.decode(data))) for data in files)
    assert len(adapter.qualities) >= 8
    assert 10 < low < high - 5
    assert len(files[0]) < len(files[1]) / 2
    assert adapter.version


def test_ours(image: Image.Image, tiny_path: Path) -> None:
    adapter = build(parse_codec(f"aez:model={tiny_path}"), "cpu")
    small, large = (adapter.encode(image, quality) for quality in (1, 100))
    assert len(small) < len(large)
    assert adapter.decode(large).size == image.size
    with pytest.raises(AezError, match="effort"):
        build(parse_codec(f"aez:model={tiny_path}:effort=99"), "cpu")


def test_random_weights_are_never_rated(image: Image.Image) -> None:
    pytest.importorskip("compressai")
    adapter = build(parse_codec("compressai:arch=bmshj2018-factorized:weights=random"), "cpu")
    assert not adapter.rated
    assert "random weights" in adapter.note
    assert adapter.decode(adapter.encode(image, adapter.qualities[0])).size == image.size


def test_jpeg_2000_uses_the_colour_transform(image: Image.Image) -> None:
    adapter = build(parse_codec("jpeg2000"), "cpu")
    ours = psnr(np.asarray(image), np.asarray(adapter.decode(adapter.encode(image, 20))))
    import io

    buffer = io.BytesIO()
    image.save(buffer, "JPEG2000", quality_mode="rates", quality_layers=[20], irreversible=True)
    assert ours > psnr(np.asarray(image), np.asarray(Image.open(buffer))) + 0.5


SCRIPT = """
import sys
from PIL import Image
source, target, quality = sys.argv[1:]
Image.open(source).save(target, "JPEG", quality=int(quality))
"""


def test_external_command(image: Image.Image, tmp_path: Path) -> None:
    script = tmp_path / "codec.py"
    script.write_text(SCRIPT)
    text = f"mine: {sys.executable} {script} {{in}} {{out:.jpg}} {{quality}}"
    spec = choose_codecs(["jpeg-plain"], [text], ["mine=20,80"])[1]
    adapter = build(spec, "cpu")
    assert adapter.encode(image, 20) == build(parse_codec("jpeg-plain"), "cpu").encode(image, 20)
    assert adapter.decode(adapter.encode(image, 80)).size == image.size
    broken = build(CodecSpec("bad", "external", {"encode": f"{sys.executable} -c 1/0", "decode": ""}, (1,)), "cpu")
    with pytest.raises(AezError, match="ZeroDivisionError"):
        broken.encode(image, 1)


@pytest.mark.parametrize(
    ("names", "external", "qualities", "what"),
    [
        (["nothing"], [], [], "no codec"),
        (["jpeg:quality"], [], [], "option=value"),
        (["jpeg", "jpeg"], [], [], "two codecs"),
        (["jpeg"], ["x {in} {out}"], [], "quality"),
        (["jpeg"], [], ["webp=3"], "not among"),
        (["jpeg"], [], ["a,b"], "not a list"),
    ],
)
def test_what_cannot_be_chosen(names: list[str], external: list[str], qualities: list[str], what: str) -> None:
    with pytest.raises(AezError, match=what):
        choose_codecs(names, external, qualities)


@pytest.mark.parametrize(
    "text", ["jpeg:subsampling=411", "jpeg:speed=3", "avif:speed=x", "avif:tune=eyes", "compressai:arch=none"]
)
def test_wrong_options(text: str) -> None:
    with pytest.raises(AezError):
        build(parse_codec(text), "cpu")


def test_tuned_encoders_differ(image: Image.Image) -> None:
    by_eye, by_error = (build(parse_codec(name), "cpu").encode(image, 60) for name in ("avif-s6", "avif-s6-psnr"))
    assert by_eye != by_error


def test_an_encoder_without_a_tuning_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **options: object) -> None:
        raise ValueError(options)

    monkeypatch.setattr(Image.Image, "save", refuse)
    with pytest.raises(UnavailableError, match="has no tune=iq: pip install -U pillow"):
        build(parse_codec("avif-s6"), "cpu")


def test_qualities_out_of_range() -> None:
    with pytest.raises(AezError, match="1 to 100"):
        build(choose_codecs(["jpeg"], [], ["0"])[0], "cpu")


def test_description_of_a_command() -> None:
    assert split_description("v: e {in} {out} {quality} => d {in} {out}") == (
        "v",
        "e {in} {out} {quality}",
        "d {in} {out}",
    )
    assert split_description("/usr/bin/enc {in} {out} {quality}")[0] == "enc"


@pytest.mark.parametrize("tune", ["iq", "ssim", "psnr"])
def test_avif_has_all_qualities_of_its_scale(image: Image.Image, tune: str) -> None:
    pytest.importorskip("PIL._avif")
    adapter = build(parse_codec(f"avif:tune={tune}"), "cpu")
    assert adapter.scale is not None
    small, large = (len(adapter.encode(image, quality)) for quality in (adapter.scale.low, adapter.scale.high))
    assert small < large


@pytest.mark.parametrize("name", ["jpeg", "jpeg2000"])  # of one a higher quality is larger, of the other smaller
def test_match_size(image: Image.Image, name: str) -> None:
    adapter = build(parse_codec(name), "cpu")
    match = match_size(adapter, image, 3000)
    assert 2700 < len(match.data) <= 3000
    assert match_size(adapter, image, 1).data == min(
        (adapter.encode(image, q) for q in (adapter.scale.low, adapter.scale.high) if adapter.scale), key=len
    )
