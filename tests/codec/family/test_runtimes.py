"""Files of the family without torch: the light runtime against torch, and its refusals."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from aez.bitstream import AezError, Header, ModelError
from aez.codec import api
from aez.codec.family import coding
from aez.codec.family.coding import FamilyCodec
from aez.codec.family.members import MODELS
from aez.codec.family.weightfile import FamilyWeights, read_family_weights, serialise_family
from aez.codec.model.graphs import Graph
from aez.codec.model.registry import FAMILY_FOLDER, read_entry
from aez.codec.model.weightfile import read_weights
from aez.codec.training.graphs import command

pytestmark = pytest.mark.torch

Photo = NDArray[np.uint8]
Both = tuple[FamilyCodec, FamilyCodec]
CODING = [name for name, member in MODELS.items() if member.grid]
SIZES = [(1, 1), (17, 33), (1, 70), (130, 71)]


def packaged(name: str) -> FamilyWeights:
    return read_family_weights(FAMILY_FOLDER / f"{name}.safetensors")


@pytest.fixture(scope="module", params=["small", *CODING])
def both(request: pytest.FixtureRequest, small_weights: FamilyWeights) -> Both:
    weights = small_weights if request.param == "small" else packaged(request.param)
    light, heavy = (FamilyCodec(weights, "cpu", runtime) for runtime in ("light", "torch"))
    assert (light.runtime, light.device, light.precision) == ("light", "cpu", "float32")
    assert (heavy.runtime, heavy.device, heavy.precision) == ("torch", "cpu", "float32")
    return light, heavy


def cut(photo: Photo, size: tuple[int, int], *, grey: bool) -> Photo:
    part = photo[100 : 100 + size[0], 200 : 200 + size[1]]
    return part[:, :, 1] if grey else part


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_runtimes_agree(both: Both, photo: Photo, size: tuple[int, int], grey: bool) -> None:
    picture = cut(photo, size, grey=grey)
    for quality in (5, 50, 100):
        position = both[0].quality_scale.position_of(quality)
        codes = [codec.code_of(picture, position) for codec in both]
        assert codes[0].shape == codes[1].shape and codes[0].any()
        assert abs(codes[0].astype(int) - codes[1]).max() <= 1  # rounding at halves
        assert (codes[0] != codes[1]).mean() < 1e-4
        header = Header(
            width=size[1],
            height=size[0],
            fingerprint=both[0].fingerprint,
            quality=position,
            colour="grey" if grey else "RGB",
        )
        shown = [codec.pixels_of(codes[0], header) for codec in both]
        assert shown[0].shape == shown[1].shape == picture.shape
        assert abs(shown[0].astype(int) - shown[1]).max() <= 1
        assert (shown[0] != shown[1]).mean() < 1e-3


def test_each_reads_the_files_of_the_other(both: Both, photo: Photo) -> None:
    picture = cut(photo, (70, 45), grey=False)
    for writer in both:
        data = writer.encode(picture, 80)
        light, heavy = (reader.decode_array(data) for reader in both)
        assert abs(light.astype(int) - heavy).max() <= 1
        assert len({reader.digest(data) for reader in both}) == 1


def test_bands_see_what_is_around_them(both: Both, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, light = cut(photo, (300, 80), grey=False), both[0]
    last = light.quality_scale.last
    header = Header(width=80, height=300, fingerprint=light.fingerprint, quality=last)
    code = light.code_of(picture, last)
    shown = light.pixels_of(code, header)
    monkeypatch.setattr(coding, "BAND_PIXELS", 64 * 80)
    assert (light.code_of(picture, last) != code).mean() < 1e-4
    assert abs(light.pixels_of(code, header).astype(int) - shown).max() <= 1


def test_the_api_passes_the_runtime() -> None:
    for runtime in ("light", "torch"):
        codec = api.load("vae", "cpu", runtime=runtime)
        assert isinstance(codec, FamilyCodec) and codec.runtime == runtime


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from aez.bitstream import AezError
from aez.cli.main import main
from aez.codec.family.members import load_family
for arguments in ARGUMENTS:
    try:
        sys.argv = ["aez", *arguments]
        main()
    except SystemExit as end:
        assert not end.code, end
try:
    load_family("denoiser")
except AezError as error:
    assert "needs PyTorch" in str(error) and "\\n" not in str(error)
else:
    raise AssertionError
assert sys.modules["torch"] is None
assert not [name for name in sys.modules if name.startswith("torch.")]
"""


@pytest.mark.parametrize("name", CODING)
def test_the_commands_need_no_torch(name: str, photo: Photo, tmp_path: Path) -> None:
    from PIL import Image

    picture = cut(photo, (70, 45), grey=False)
    Image.fromarray(picture).save(tmp_path / "a.png")
    arguments = [
        ["compress", "--model", name, "-q", "80", "-o", str(tmp_path / "a.aez"), str(tmp_path / "a.png")],
        ["decompress", "-o", str(tmp_path / "b.png"), str(tmp_path / "a.aez")],
    ]
    program = WITHOUT_TORCH.replace("ARGUMENTS", repr(arguments))
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    heavy = FamilyCodec(name, "cpu", "torch")
    expected = heavy.decode_array((tmp_path / "a.aez").read_bytes())
    assert abs(np.asarray(Image.open(tmp_path / "b.png")).astype(int) - expected).max() <= 1
    assert abs(heavy.code_of(picture, heavy.quality_scale.position_of(80)).astype(int)).max() > 1


def graph(weights: FamilyWeights, name: str) -> Graph:
    return Graph.unpacked(weights.tensors[f"graphs.{name}"])


def with_tensors(weights: FamilyWeights, **tensors: NDArray[np.uint8] | None) -> FamilyWeights:
    changed = {**weights.tensors, **{f"graphs.{name}": tensor for name, tensor in tensors.items()}}
    return replace(weights, tensors={name: tensor for name, tensor in changed.items() if tensor is not None})


@pytest.mark.parametrize(
    "damage", ["missing", "cut", "noise", "dtype", "model", "swapped", "other", "names", "weights"]
)
def test_damaged_graphs_are_refused(small_weights: FamilyWeights, photo: Photo, tmp_path: Path, damage: str) -> None:
    own = graph(small_weights, "decode")
    packed = own.packed()
    bad = {
        "missing": None,
        "cut": packed[:-20],
        "noise": np.frombuffer(b"no graph at all", np.uint8),
        "dtype": packed.astype(np.int32),
        "model": replace(own, onnx=own.onnx[: len(own.onnx) // 2]).packed(),
        "swapped": graph(small_weights, "encode").packed(),
        "other": graph(packaged("vae"), "decode").packed(),
        "names": replace(own, weights=("nothing", *own.weights[1:])).packed(),
        "weights": replace(own, weights=own.weights[::-1]).packed(),
    }[damage]
    if damage == "weights":
        tensors = {**small_weights.tensors, "synthesis.tail.bias": np.zeros(3, np.float16)}
        broken = replace(small_weights, tensors=tensors)
    else:
        broken = with_tensors(small_weights, decode=bad)
    path = tmp_path / "a.safetensors"
    path.write_bytes(serialise_family(broken))
    codec = FamilyCodec(str(path), "cpu", "light")
    data = codec.encode(photo[:20, :20], 50)
    with pytest.raises(ModelError, match=r"the model('s| has)"):
        codec.decode(data)
    if damage != "weights":  # torch reads no graphs
        assert FamilyCodec(str(path), "cpu", "torch").decode(data).size == (20, 20)


def test_a_graph_of_another_shape_is_refused(photo: Photo) -> None:
    """The graphs of ``sparse`` fit this file's tensors, but not its grid."""
    renamed = replace(packaged("sparse"), name="vae")
    codec = FamilyCodec(renamed, "cpu", "light")
    with pytest.raises(ModelError, match="'encode' does not fit"):
        codec.encode(photo[:64, :64], 50)


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        ("index", np.full((4, 48), 250, np.uint8)),
        ("index", np.zeros((1, 48), np.uint8)),
        ("index", np.zeros((4, 48), np.int32)),
        ("index", np.zeros(48, np.uint8)),
        ("index", np.zeros((4, 0), np.uint8)),
        ("index", None),
        ("counts", np.ones(7, np.int32)),
        ("sizes_of_tables", np.array([2], np.int32)),
    ],
)
def test_damaged_tables_are_refused(small_weights: FamilyWeights, tensor: str, value: NDArray[np.int32] | None) -> None:
    tensors = {name: t for name, t in {**small_weights.tensors, tensor: value}.items() if t is not None}
    with pytest.raises(ModelError, match=r"table|index"):
        FamilyCodec(replace(small_weights, tensors=tensors), "cpu", "light")


def test_graphs_are_not_in_the_fingerprint() -> None:
    for name in CODING:
        weights = packaged(name)
        assert weights.has_graphs
        bare = replace(weights, tensors=weights.own_tensors)
        assert not bare.has_graphs and bare.fingerprint == weights.fingerprint
        assert not [key for key in bare.tensors if key.startswith("graphs.")]


def test_without_graphs_torch_computes(small_weights: FamilyWeights) -> None:
    bare = replace(small_weights, tensors=small_weights.own_tensors)
    assert FamilyCodec(bare, "cpu").runtime == "torch"
    with pytest.raises(ModelError, match="no graphs"):
        FamilyCodec(bare, "cpu", "light")


def test_what_the_light_runtime_lacks(small_weights: FamilyWeights) -> None:
    with pytest.raises(AezError, match="on the CPU"):
        FamilyCodec(small_weights, "cuda", "light")
    with pytest.raises(ValueError, match="runtime must be"):
        FamilyCodec(small_weights, "cpu", "heavy")


def test_graphs_are_added_to_files_of_both_kinds(tiny_path: Path, small_weights: FamilyWeights, tmp_path: Path) -> None:
    own, family, other = (tmp_path / name for name in ("own", "family", "plain"))
    shutil.copy(tiny_path, own)
    family.write_bytes(serialise_family(replace(small_weights, tensors=small_weights.own_tensors)))
    shutil.copy(FAMILY_FOLDER / "plain.safetensors", other)
    before = [read_entry(path) for path in (own, family, other)]
    result = CliRunner().invoke(command, [str(own), str(family), str(other)])
    assert result.exit_code == 0, result.output
    assert [read_entry(path) for path in (own, family, other)] == before
    assert read_weights(own).has_graphs
    made = read_family_weights(family)
    assert made.tensors.keys() == small_weights.tensors.keys() and made.has_graphs
    assert not read_family_weights(other).has_graphs


def test_files_that_are_no_weights_get_no_graphs(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"something else")
    result = CliRunner().invoke(command, [str(path)])
    assert result.exit_code == 1 and result.output.startswith("Error: ") and result.output.count("\n") == 1
    assert path.read_bytes() == b"something else"
