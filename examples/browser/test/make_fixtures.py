"""Write files, weights and what Python decodes of them for the tests of the decoder for browsers.

    python examples/browser/test/make_fixtures.py examples/browser/test/fixtures

``manifest.json`` lists files with their digests and views; pixels are RGBA samples, uint8 or little-endian uint16.
``coder.json`` has streams of the range coder and ``vp8l.json`` lossless pictures, many of them damaged.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.numpy import load_file

from aez.bitstream.container import read_container
from aez.bitstream.errors import FormatError
from aez.bitstream.runs import RunReader, RunWriter
from aez.bitstream.tables import TableSet
from aez.codec import Codec
from aez.codec.model.registry import find_model
from aez.codec.model.weightfile import read_weights, serialise_weights
from aez.codec.picture.depth import at_depth, narrowed
from aez.codec.picture.picture import Picture
from aez.codec.picture.vp8l import QUICK, THOROUGH, USUAL, from_vp8l, to_vp8l

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "examples" / "browser"))
from make_weights import for_decoding  # noqa: E402

DATA = ROOT / "tests" / "data"
RELEASED = ("photo-1", "photo-psnr-1")
SEED = 1
Views = list[dict[str, Any]]
WHOLE: Views = [{}]


class Fixtures:
    """The folder of fixtures, as it is filled."""

    def __init__(self, folder: Path) -> None:
        """Begin with an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.entries: list[dict[str, Any]] = []

    def add(
        self, codec: Codec, name: str, data: bytes, views: Views, *, digest: str | None = None, has: str = ""
    ) -> None:
        """Add a file, its digest, and views of it: options as the decoder for browsers takes them.

        The encoder must have written the chunks that ``has`` names.
        """
        chunks = {kind for kind, _ in read_container(data).chunks}
        if not chunks.issuperset(has):
            raise SystemExit(f"{name} lacks a chunk that it is to test: {has}, not {chunks}")
        (self.folder / f"{name}.aez").write_bytes(data)
        found = [self._view(codec, f"{name}-{number}", data, view) for number, view in enumerate(views)]
        whole = "L" in chunks and bool(read_container(data).whole)
        self.entries.append({"name": name, "digest": digest or codec.digest(data), "exact": whole, "views": found})

    def _view(self, codec: Codec, name: str, data: bytes, view: dict[str, Any]) -> dict[str, Any]:
        stored = view.get("imageOrientation") == "none"
        region = tuple(view["region"]) if "region" in view else None
        picture = codec.decode_picture(data, seen=not stored, region=region, scale=view.get("scale", 1))
        pixels = _rgba(picture)
        if not stored:
            pixels = _turned(pixels, picture.orientation)
        (self.folder / f"{name}.bin").write_bytes(np.ascontiguousarray(pixels).tobytes())
        size = {"width": pixels.shape[1], "height": pixels.shape[0], "depth": picture.depth}
        return {"options": view, "pixels": f"{name}.bin", **size}


def _rgba(picture: Picture) -> NDArray[Any]:
    """Return RGBA samples of a picture, at its depth."""
    samples, depth = narrowed(picture.samples, picture.depth), picture.depth
    if samples.ndim == 2:
        samples = np.repeat(samples[:, :, None], 3, 2)
    opaque = np.full(samples.shape[:2], 255, np.uint8)
    alpha = narrowed(at_depth(opaque if picture.alpha is None else picture.alpha, depth), depth)
    return np.dstack([samples, alpha.astype(samples.dtype)])


def _turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn pixels for display, by EXIF's definition: where the stored first row and column are seen."""
    rows_first = {1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1]}
    if orientation <= 4:
        return rows_first[orientation]
    swapped = pixels.swapaxes(0, 1)
    return {5: swapped, 6: swapped[:, ::-1], 7: swapped[::-1, ::-1], 8: swapped[::-1]}[orientation]


def add_goldens(fixtures: Fixtures, tiny: Codec) -> None:
    """Add the golden files of the test model."""
    for name, digest in json.loads((DATA / "goldens.json").read_text()).items():
        fixtures.add(tiny, name, (DATA / f"{name}.aez").read_bytes(), [{}, {"scale": 1 / 2}], digest=digest)


def add_released(fixtures: Fixtures, codecs: dict[str, Codec]) -> None:
    """Add the files of version 1 that a model of ``codecs`` made."""
    for name, facts in json.loads((DATA / "v1" / "manifest.json").read_text()).items():
        if facts["model"] in codecs:
            data = (DATA / "v1" / f"{name}.aez").read_bytes()
            fixtures.add(codecs[facts["model"]], f"v1-{name}", data, WHOLE, digest=facts["digest"])


def add_photographs(fixtures: Fixtures, photo: Codec, psnr: Codec) -> None:
    """Add photographs at several qualities, sizes and kinds."""
    face, cat = (Image.open(ROOT / "examples" / f"{name}.png").convert("RGB") for name in ("astronaut", "chelsea"))
    face = face.crop((100, 10, 433, 261))
    for quality in (20, 70, 100):
        fixtures.add(photo, f"photo-q{quality}", photo.encode(face, quality, effort=0, content="photo"), WHOLE)
    fixtures.add(psnr, "photo-psnr", psnr.encode(cat, 70, effort=0), [{}, {"scale": 1 / 2}, {"scale": 1 / 8}])
    scales: Views = [{"scale": scale} for scale in (1 / 2, 1 / 4, 1 / 8, 1 / 16)]
    fixtures.add(photo, "scales", photo.encode(cat, 60, effort=0), scales)
    regions: Views = [
        {"region": [0, 0, 70, 50]},
        {"region": [401, 250, 50, 50]},
        {"region": [130, 90, 201, 111], "scale": 1 / 2},
        {"region": [33, 17, 1, 1]},
        {"region": [100, 100, 200, 150], "scale": 1 / 8},
    ]
    fixtures.add(photo, "tiles", photo.encode(cat, 50, effort=0, tile_log2=4), [{}, *regions])
    grey = face.convert("L").crop((40, 20, 241, 175))
    fixtures.add(photo, "grey", photo.encode(grey, 70, effort=0), [{}, {"scale": 1 / 4}, {"scale": 1 / 8}])
    equal = Image.merge("RGB", [grey] * 3)
    fixtures.add(photo, "grey-rgb", photo.encode(equal, 20, effort=0, preview=True), WHOLE, has="p")


def add_alpha(fixtures: Fixtures, photo: Codec) -> None:
    """Add pictures with opacity, coded both ways."""
    face = np.asarray(Image.open(ROOT / "examples" / "astronaut.png").convert("RGB"))[30:221, 150:335]
    y, x = np.mgrid[: face.shape[0], : face.shape[1]]
    soft = np.clip(np.hypot(y - 95, x - 92) * 4 - 130, 0, 255).astype(np.uint8)
    rgba = np.dstack([face, soft])
    views: Views = [{}, {"region": [50, 60, 77, 55]}, {"scale": 1 / 2}, {"scale": 1 / 8}]
    lossless = photo.encode(rgba, 70, effort=0, content="photo")
    lossy = photo.encode(rgba, 70, effort=0, content="photo", alpha_quality=40)
    fixtures.add(photo, "alpha-tiles", lossless, views, has="A")
    fixtures.add(photo, "alpha-picture", lossy, views, has="A")
    coded = [(read_container(data).alpha or b"")[:1] == b"\0" for data in (lossless, lossy)]
    if coded != [False, True]:
        raise SystemExit("alpha is not coded as the tests need it")
    deep = np.clip(rgba.astype(np.uint16) * 257 + 100, 0, 65535).astype(np.uint16)
    fixtures.add(photo, "deep-alpha", photo.encode(deep, 80, effort=0, depth=10), [{}, {"region": [3, 5, 90, 70]}])
    fixtures.add(photo, "deep-12", photo.encode(deep[:, :, :3], 70, effort=0, depth=12), WHOLE)


def add_graphics(fixtures: Fixtures, photo: Codec) -> None:
    """Add pictures with layers, over the picture and whole."""
    screen = Image.open(ROOT / "examples" / "chelsea.png").convert("RGB").resize((389, 301))
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, 389, 170), fill=(250, 250, 250))
    for line in range(11):
        draw.text(
            (7, 4 + 15 * line), f"line {line}: the quick brown fox jumps over the lazy dog " * 2, fill=(20, 20, 60)
        )
    views: Views = [{}, {"region": [60, 100, 150, 120]}, {"scale": 1 / 2}, {"scale": 1 / 8}]
    fixtures.add(photo, "layer-over", photo.encode(screen, 60, effort=0), views, has="LZT")
    fixtures.add(photo, "layer-whole", photo.encode(screen, 60, content="graphics"), views, has="L")
    rng = np.random.default_rng(SEED)
    icon = np.asarray(screen.crop((0, 0, 97, 83)).convert("RGBA")).copy()
    icon[:, :, 3] = rng.integers(0, 256, icon.shape[:2])
    icon[:9, :, 3] = 0
    fixtures.add(photo, "lossless-alpha", photo.encode(icon, lossless=True), [{}, {"scale": 1 / 4}])
    fixtures.add(photo, "lossless-grey", photo.encode(screen.convert("L"), lossless=True), [{}, {"scale": 1 / 2}])
    fixtures.add(photo, "one-colour", photo.encode(Image.new("RGBA", (70, 50), (1, 2, 3, 200)), lossless=True), WHOLE)


def add_others(fixtures: Fixtures, tiny: Codec, filtered: Codec) -> None:
    """Add pictures of test models: turned ones, and one of several windows."""
    small = Image.open(ROOT / "examples" / "chelsea.png").convert("RGB").crop((100, 50, 197, 121))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        small.info["exif"] = exif.tobytes()
        views: Views = [
            {},
            {"imageOrientation": "none"},
            {"region": [10, 20, 33, 41]},
            {"region": [7, 5, 60, 44], "scale": 1 / 4},
        ]
        name = f"orientation-{orientation}"
        path = fixtures.folder / f"{name}.png"
        small.save(path, exif=exif)
        fixtures.add(tiny, name, tiny.encode(path, 60, effort=0), views)
    cat = Image.open(ROOT / "examples" / "chelsea.png").convert("RGB").resize((2130, 1351))
    whole = filtered.encode(cat, 30, effort=0, content="photo")
    fixtures.add(filtered, "windows", whole, [{}, {"scale": 1 / 8}, {"region": [900, 500, 700, 600]}])
    fixtures.add(filtered, "filter-grey", filtered.encode(small.convert("L"), 80, effort=2), [{}, {"scale": 1 / 2}])


def add_coder(folder: Path) -> None:
    """Write streams of the range coder, most of them damaged, with their symbols, or none if Python refuses them."""
    rng, cases = np.random.default_rng(SEED), []
    for number in range(600):
        sizes = rng.integers(1, 6, rng.integers(1, 4)) * 2 + 1
        tables = [_table(rng, int(size)) for size in sizes]
        counts = rng.integers(0, 12, len(tables))
        symbols = np.concatenate([rng.choice(len(t), n, p=t / t.sum()) for t, n in zip(tables, counts, strict=True)])
        stream = _encoded(tables, counts, symbols.astype(np.int32))
        if number % 3:
            stream = _damaged(rng, stream)
        decoded = _decoded(tables, counts, stream)
        cases.append(
            {
                "counts": np.concatenate(tables).tolist(),
                "sizes": sizes.tolist(),
                "runs": counts.tolist(),
                "stream": base64.b64encode(stream).decode(),
                "symbols": None if decoded is None else decoded.tolist(),
            }
        )
    (folder / "coder.json").write_text(json.dumps(cases))


def _table(rng: np.random.Generator, size: int) -> NDArray[np.int64]:
    """Make a table, often one with very likely entries: streams of few words have the rare ends."""
    weights = rng.random(size) ** rng.integers(1, 40) + 1e-9
    counts = np.maximum(1, (weights / weights.sum() * (2**24 - size)).astype(np.int64))
    counts[counts.argmax()] += 2**24 - counts.sum()
    return np.asarray(counts, np.int64)


def _encoded(tables: list[NDArray[np.int64]], counts: NDArray[np.int64], symbols: NDArray[np.int32]) -> bytes:
    writer = RunWriter()
    writer.add(symbols, _runs(counts), _table_set(tables))
    return writer.stream()


def _decoded(tables: list[NDArray[np.int64]], counts: NDArray[np.int64], stream: bytes) -> NDArray[np.int32] | None:
    try:
        reader = RunReader(stream)
        symbols = reader.read(_runs(counts), _table_set(tables))
        reader.finish()
    except FormatError:
        return None
    return symbols


def _runs(counts: NDArray[np.int64]) -> NDArray[np.intp]:
    runs = np.zeros(256, np.intp)
    runs[: len(counts)] = counts
    return runs


def _table_set(tables: list[NDArray[np.int64]]) -> TableSet:
    sizes = np.array([len(table) for table in tables], np.int32)
    return TableSet(np.concatenate(tables).astype(np.int32), sizes, escape=False)


def _damaged(rng: np.random.Generator, stream: bytes) -> bytes:
    """Change a stream: its last word by little, a bit, or its length."""
    kind = rng.integers(0, 5)
    if kind == 0 or not stream:
        return stream + bytes(4 * int(rng.integers(1, 3)))
    if kind == 1:
        return stream[:-4]
    words = np.frombuffer(stream, "<u4").copy()
    if kind == 2:
        words[-1:] += rng.choice(np.array([1, 2**32 - 1], np.uint32))
    elif kind == 3:
        words[rng.integers(0, len(words))] ^= np.uint32(1 << int(rng.integers(0, 32)))
    else:
        words[:] = rng.integers(0, 2**32, len(words))
    return words.tobytes()


def add_vp8l(folder: Path) -> None:
    """Write VP8L streams, whole and damaged, with the hashes of their RGBA samples, or none if libwebp refuses them."""
    rng, cases = np.random.default_rng(SEED), []
    photo = np.asarray(Image.open(ROOT / "examples" / "astronaut.png").convert("RGB"))
    for search in (QUICK, USUAL, THOROUGH):
        for samples in _lossless(rng, photo):
            stream = to_vp8l(np.ascontiguousarray(samples), search)
            cases.append(_lossless_case(stream, samples.shape[0], samples.shape[1]))
            for _ in range(5):
                damaged = bytearray(stream[: rng.integers(6, len(stream) + 1)] if rng.random() < 0.2 else stream)
                for place in 5 + np.floor(rng.random(rng.integers(1, 4)) ** 3 * (len(damaged) - 5)).astype(int):
                    damaged[place] ^= 1 << int(rng.integers(0, 8))
                cases.append(_lossless_case(bytes(damaged), samples.shape[0], samples.shape[1]))
    (folder / "vp8l.json").write_text(json.dumps(cases))


def _lossless_case(stream: bytes, height: int, width: int) -> dict[str, str | None]:
    try:
        pixels = from_vp8l(stream, height, width, "a picture")
        hashed = hashlib.sha256(pixels.tobytes()).hexdigest()
    except FormatError:
        hashed = None
    return {"stream": base64.b64encode(stream).decode(), "sha256": hashed}


def _lossless(rng: np.random.Generator, photo: NDArray[np.uint8]) -> Iterable[NDArray[np.uint8]]:
    yield photo[:201, :133]
    yield photo[:1, :300]
    yield photo[:300, :1]
    yield np.dstack([photo[:100, :77], rng.integers(0, 256, (100, 77), dtype=np.uint8)])
    yield rng.integers(0, 256, (64, 64, 4), dtype=np.uint8)
    yield np.repeat(photo[:90, :80, 1:2], 3, 2)
    yield photo[100:150, 100:170] & np.uint8(0xF0)
    for colours in (2, 3, 4, 9, 16, 40, 200, 256):
        palette = rng.integers(0, 256, (colours, 4), dtype=np.uint8)
        yield palette[rng.integers(0, colours, (61, 45))]
        yield np.repeat(np.repeat(palette[rng.integers(0, colours, (31, 25))], 7, 0), 5, 1)


def main() -> None:
    """Write all fixtures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    fixtures = Fixtures(parser.parse_args().folder)
    models = {name: read_weights(find_model(name).path) for name in RELEASED}
    tiny = models["tiny"] = read_weights(DATA / "tiny.safetensors")
    models["filtered"] = replace(tiny, tensors=tiny.tensors | load_file(DATA / "filter.safetensors"))
    codecs = {name: Codec(weights, "cpu", runtime="light") for name, weights in models.items()}
    for weights in models.values():
        path = fixtures.folder / f"{weights.fingerprint.hex()}.safetensors"
        path.write_bytes(serialise_weights(for_decoding(weights)))
    photo, psnr = (codecs[name] for name in RELEASED)
    add_goldens(fixtures, codecs["tiny"])
    add_released(fixtures, codecs)
    add_photographs(fixtures, photo, psnr)
    add_alpha(fixtures, photo)
    add_graphics(fixtures, photo)
    add_others(fixtures, codecs["tiny"], codecs["filtered"])
    add_coder(fixtures.folder)
    add_vp8l(fixtures.folder)
    (fixtures.folder / "manifest.json").write_text(json.dumps(fixtures.entries))


if __name__ == "__main__":
    main()
