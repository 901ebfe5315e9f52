"""Make the files of ``tests/data/v1``, which every later version of aez must decode: docs/pages/compatibility.md.

Usage::

    python tests/tools/make_v1.py

There is at least one file for every feature of version 1 of the format and for every packaged model that compresses.
``manifest.json`` has what is known of each, ``pixels.npz`` what it decoded to, ``interface.json`` the names that
programs use. Once version 1.0.0 is released, the
folder never changes; a later feature gets a folder of its own.
"""

import argparse
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import aez.bitstream
import aez.codec
from aez.bitstream import read_container, write_container
from aez.cli.main import group
from aez.codec import api
from aez.codec.base import PictureCodec
from aez.codec.layer import tiles
from aez.codec.model.registry import packaged_models
from aez.codec.picture.alpha import planes
from aez.codec.picture.colour.icc import Curve, rgb_profile

FOLDER = Path(__file__).parents[1] / "data" / "v1"
EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL_TILES = 6
"""The least log₂ of the side of a tile of a layer and of opacity, in pixels."""
WIDE = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ORIENTATION, DESCRIPTION = 0x0112, 0x010E
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


@dataclass(frozen=True)
class Golden:
    """A file to be made.

    Attributes:
        name: of the file, without suffix.
        about: what only this file has, one line.
        model: name of the model.
        data: the bytes.
    """

    name: str
    about: str
    model: str
    data: bytes


@cache
def model_of(name: str) -> PictureCodec:
    """Load a model as most users have it."""
    return api.load(name, "cpu", "float32", "light")


def face(left: int = 180, top: int = 40, width: int = 101, height: int = 83) -> Image.Image:
    """Cut a piece of a photograph."""
    with Image.open(EXAMPLES / "astronaut.png") as image:
        return image.convert("RGB").crop((left, top, left + width, top + height))


def cat(width: int = 101, height: int = 83) -> Image.Image:
    """Cut a piece of another photograph."""
    with Image.open(EXAMPLES / "chelsea.png") as image:
        return image.convert("RGB").crop((150, 80, 150 + width, 80 + height))


def deep_face() -> NDArray[np.uint16]:
    """Return a photograph of 16 bits per sample, whose low bits are a gradient."""
    low = np.arange(83)[:, None, None] * 2 + np.arange(101)[None, :, None]
    return (np.asarray(face(), np.uint16) * 256 + low).astype(np.uint16)


def saturated() -> NDArray[np.uint8]:
    """Draw squares of saturated colours, whose latents exceed the probability tables."""
    down, across = np.indices((72, 81)) // 8
    colours = np.array([(255, 0, 255), (0, 255, 0)], np.uint8)
    return colours[(down + across) % 2]


def page() -> Image.Image:
    """Draw text beside a photograph."""
    picture = Image.new("RGB", (331, 209), (250, 250, 250))
    picture.paste(cat(127, 131), (190, 60))
    draw = ImageDraw.Draw(picture)
    for line in range(13):
        text = f"{line}: the quick brown fox jumps over the lazy dog"[: 30 if line > 3 else 60]
        draw.text((6, 4 + 15 * line), text, fill=(20, 20, 60))
    return picture


def soft_edge(height: int, width: int) -> NDArray[np.uint8]:
    """Draw a disc of opacity with a soft edge."""
    down, across = np.mgrid[:height, :width]
    return np.clip(np.hypot(down - height / 2, across - width / 2) * 9 - 160, 0, 255).astype(np.uint8)


def over_disc(colours: int, colour: bool) -> bytes:
    """Encode a picture below a layer over a disc and a square of one colour, whatever would be smaller.

    Args:
        colours: the layer's colours are rounded to so many levels; few are coded by their numbers.
        colour: whether the picture has colours.
    """
    whole = face(150, 30, 150, 140)
    picture = np.asarray(whole if colour else whole.convert("L")).copy()
    own = model_of("photo")
    down, across = np.mgrid[:140, :150]
    covered = (down - 30) ** 2 + (across - 32) ** 2 < 800
    step = 256 // colours
    picture[covered] = picture[covered] // step * step
    covered[64:128, :64], picture[64:128, :64] = True, 77
    container = read_container(own.encode(picture, 40, effort=0, content="photo"))
    with mock.patch.object(tiles, "tile_log2_of", return_value=SMALL_TILES):
        return write_container(replace(container, layer=tiles.encode_layer(picture, covered)))


def with_metadata() -> Image.Image:
    """Return a picture with a profile, EXIF, XMP and an orientation."""
    picture, exif = face(), Image.Exif()
    exif[ORIENTATION] = 6
    exif[DESCRIPTION] = "a picture with metadata"
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", exif=exif, icc_profile=rgb_profile("wide", WIDE, Curve((2.2,))))
    turned = Image.open(buffer)
    turned.info["xmp"] = XMP
    return turned


def photographs() -> Iterator[Golden]:
    """Encode pictures without alpha and layer."""
    own, psnr = model_of("photo"), model_of("photo-psnr")
    for quality in (1, 30, 70, 100):
        yield Golden(f"quality-{quality}", f"quality {quality}", "photo-1", own.encode(face(), quality))
    yield Golden("effort-0", "a filter without weights of its own", "photo-1", own.encode(face(), 50, effort=0))
    container = read_container(own.encode(face(), 50, effort=0))
    yield Golden("no-filter", "no filter", "photo-1", write_container(replace(container, filter=None)))
    yield Golden("dot", "one pixel", "photo-1", own.encode(np.full((1, 1, 3), (200, 30, 90), np.uint8), 60))
    yield Golden("line", "one row", "photo-1", own.encode(cat(131, 1), 60))
    two = own.encode(cat(301, 219), 40, effort=0, content="photo", tile_log2=4)
    yield Golden("tiles", "two tiles", "photo-1", two)
    rare = own.encode(saturated(), 50, effort=0, content="photo")
    yield Golden("saturated", "values beyond the tables, and more tables than usual", "photo-1", rare)
    for quality in (60, 100):
        data = own.encode(face().convert("L"), quality)
        yield Golden(f"grey-{quality}", f"grey samples, quality {quality}", "photo-1", data)
    equal = Image.merge("RGB", [cat().convert("L")] * 3)
    yield Golden("grey-rgb", "three equal samples, and a preview", "photo-1", own.encode(equal, 60, preview=True))
    for depth in (10, 12, 16):
        yield Golden(f"depth-{depth}", f"{depth} bits per sample", "photo-1", own.encode(deep_face(), 80, depth=depth))
    yield Golden("metadata", "ICC, EXIF, XMP and an orientation", "photo-1", own.encode(with_metadata(), 50))
    for quality in (1, 50, 100):
        yield Golden(f"psnr-{quality}", f"quality {quality}", "photo-psnr-1", psnr.encode(cat(), quality))
    yield Golden("psnr-grey", "grey samples", "photo-psnr-1", psnr.encode(cat().convert("L"), 60))


def with_alpha() -> Iterator[Golden]:
    """Encode pictures with alpha."""
    own = model_of("photo")
    alpha = soft_edge(83, 101)
    rgba = np.dstack([np.asarray(face()), alpha])
    yield Golden("alpha", "opacity without loss", "photo-1", own.encode(rgba, 60, content="photo"))
    large = np.dstack([np.asarray(face(150, 30, 150, 140)), soft_edge(140, 150)])
    with mock.patch.object(planes, "TILE_LOG2", SMALL_TILES):
        small = own.encode(large, 60, effort=0, content="photo")
    yield Golden("alpha-tiles", "opacity in nine tiles, some of one level", "photo-1", small)
    constant = np.dstack([np.asarray(face().convert("L")), np.full((83, 101), 140, np.uint8)])
    yield Golden("alpha-constant", "grey, one opacity", "photo-1", own.encode(constant, 60, content="photo"))
    lossy = own.encode(rgba, 60, content="photo", alpha_quality=30)
    yield Golden("alpha-picture", "opacity coded as a picture", "photo-1", lossy)
    deep = np.dstack([deep_face(), alpha.astype(np.uint16) * 257])
    yield Golden("alpha-deep", "opacity beside 12 bits per sample", "photo-1", own.encode(deep, 60, depth=12))


def with_layer() -> Iterator[Golden]:
    """Encode pictures with layers."""
    own = model_of("photo")
    yield Golden("page", "text beside a photograph", "photo-1", own.encode(page(), 60))
    yield Golden("layer", "a layer of many colours over a picture", "photo-1", over_disc(64, True))
    yield Golden("layer-few", "a layer of few colours over a picture", "photo-1", over_disc(4, True))
    yield Golden("layer-grey", "a layer over a grey picture", "photo-1", over_disc(256, False))
    clear = page().convert("RGBA")
    clear.putalpha(Image.fromarray(soft_edge(209, 331)))
    yield Golden("page-alpha", "text beside a photograph, with opacity", "photo-1", own.encode(clear, 60))
    yield Golden("graphics", "near-equal colours merged", "photo-1", own.encode(page(), 60, content="graphics"))
    yield Golden("lossless", "every sample", "photo-1", own.encode(face(), lossless=True))
    yield Golden("lossless-grey", "every grey sample", "photo-1", own.encode(face().convert("L"), lossless=True))
    rgba = np.dstack([np.asarray(face()), soft_edge(83, 101)])
    yield Golden("lossless-alpha", "every sample and opacity", "photo-1", own.encode(rgba, lossless=True))
    few = np.asarray(face()) // 64 * 64
    yield Golden("lossless-few", "numbers of colours", "photo-1", own.encode(few, lossless=True))
    one = Image.new("RGBA", (70, 50), (1, 2, 3, 200))
    yield Golden("lossless-one", "one colour", "photo-1", own.encode(one, lossless=True))


def of_the_family() -> Iterator[Golden]:
    """Encode pictures with the members of the autoencoder family that compress."""
    for name in [entry.name for entry in packaged_models() if entry.family and entry.points]:
        for quality in (20, 80):
            data = model_of(name).encode(cat(129, 83), quality)
            yield Golden(f"{name}-{quality}", f"factorised code, quality {quality}", name, data)


def known(golden: Golden) -> tuple[dict[str, Any], NDArray[Any]]:
    """Return what is known of a file, and its samples."""
    own = model_of(golden.model)
    container = read_container(golden.data)
    header = container.header
    facts = {
        "about": golden.about,
        "model": golden.model,
        "sha256": hashlib.sha256(golden.data).hexdigest(),
        "digest": own.digest(golden.data),
        "depth": header.depth,
        "orientation": header.orientation,
        "exact": container.whole,
        "metadata": {kind.name: hashlib.sha256(data).hexdigest() for kind, data in container.metadata.items()},
    }
    return facts, own.decode_array(golden.data)


def interface() -> dict[str, Any]:
    """Return what programs and people use: exported names, options of commands, fields of ``aez info --json``."""
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {
        "aez.codec": sorted(aez.codec.__all__),
        "aez.bitstream": sorted(aez.bitstream.__all__),
        "options": {
            name: sorted(text for parameter in command.params for text in (*parameter.opts, *parameter.secondary_opts))
            for name, command in commands.items()
            if command is not None
        },
        "info": sorted(api.info((FOLDER / "page.aez").read_bytes())),
    }


def main() -> None:
    """Write the files, what is known of them, and their samples."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    manifest, pixels = {}, {}
    for make in (photographs, with_alpha, with_layer, of_the_family):
        for golden in make():
            (FOLDER / f"{golden.name}.aez").write_bytes(golden.data)
            manifest[golden.name], pixels[golden.name] = known(golden)
            print(f"{golden.name}: {len(golden.data)} bytes")
    (FOLDER / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    (FOLDER / "interface.json").write_text(json.dumps(interface(), indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(FOLDER / "pixels.npz", **pixels)
    print(f"pixels.npz: {(FOLDER / 'pixels.npz').stat().st_size} bytes")


if __name__ == "__main__":
    main()
