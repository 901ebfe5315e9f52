"""Round trips of every kind of input: modes × formats × metadata × sizes.

Pictures of all kinds are made from one photograph (or a pattern), written by Pillow, read and encoded as `aez compress`
does, decoded and written as `aez decompress` does, and read again by Pillow. The table shows what the file holds, what
the output holds, and whether alpha and metadata have the same bytes. Exit code 1 if a promise is broken.

    python -m aez.benchmarks.checks.input_kinds [PICTURE] [--large] [-o kinds.json]
"""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
from PIL import Image, ImageCms

from aez.benchmarks.commands import model_option, run, table
from aez.bitstream.errors import AezError
from aez.codec.codec import Codec
from aez.codec.picture.depth import levels_of
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.outputs import metadata_options, write_picture
from aez.codec.picture.reading import read_picture

SIZES = ((1, 1), (1, 4000), (4000, 1), (15, 17), (511, 513))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'


@dataclass(frozen=True)
class Kind:
    """An input: the file's suffix, Pillow's mode, columns and rows, metadata, and the output's suffix."""

    suffix: str
    mode: str
    size: tuple[int, int]
    metadata: str = ""
    output: str = ".png"

    @property
    def label(self) -> str:
        """Text for a table."""
        return f"{self.suffix[1:]} {self.mode} {self.size[0]}×{self.size[1]} {self.metadata}".strip()


@dataclass(frozen=True)
class Outcome:
    """The result of a round trip: modes as coded and as written, differences, warnings, and faults."""

    kind: str
    coded: str
    back: str
    kept: str
    psnr: float | None
    size: int
    warnings: list[str]
    wrong: list[str]


def kinds(large: bool) -> Iterator[Kind]:
    """Yield all inputs."""
    small = (96, 64)
    for mode in ("1", "L", "LA", "P", "P transparent", "RGB", "RGBA", "I;16", "RGB animated"):
        yield Kind(".gif" if "animated" in mode else ".png", mode, small)
    for suffix, modes in (
        (".jpg", ("L", "RGB", "CMYK")),
        (".webp", ("RGB", "RGBA", "RGB animated")),
        (".avif", ("RGB", "RGBA")),
        (".tif", ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "LAB", "RGB pages")),
        (".bmp", ("1", "L", "P", "RGB")),
        (".gif", ("L", "P", "P transparent")),
        (".ppm", ("L", "RGB")),
        (".tga", ("L", "RGB", "RGBA")),
        (".jp2", ("L", "RGB", "RGBA")),
    ):
        for mode in modes:
            yield Kind(suffix, mode, small)
    for suffix in (".png", ".jpg", ".webp", ".avif", ".tif"):
        for output in (".png", ".jpg", ".webp", ".avif", ".tif", ".bmp"):
            yield Kind(suffix, "RGB", small, "ICC EXIF XMP", output)
    for mode in ("L", "RGBA", "LA"):
        for output in (".png", ".webp", ".tif", ".jpg"):
            yield Kind(".png", mode, small, "ICC EXIF XMP", output)
    yield Kind(".ico", "RGBA", (64, 64))
    for output in (".png", ".jpg", ".bmp"):
        yield Kind(".jpg", "RGB", small, "turned", output)
    for size in SIZES:
        for mode in ("L", "RGB", "RGBA"):
            yield Kind(".png", mode, size)
    yield Kind(".png", "RGB", (65535, 3))
    yield Kind(".png", "L", (3, 65535))
    if large:
        yield Kind(".jpg", "RGB", (11000, 9100))


def make(kind: Kind, photo: Image.Image) -> tuple[bytes, Metadata]:
    """Return an input's bytes, and the metadata in it."""
    mode, _, special = kind.mode.partition(" ")
    base = photo.resize(kind.size, Image.Resampling.BICUBIC)
    options: dict[str, Any] = {}
    if mode == "I;16":
        image = Image.fromarray(np.asarray(base.convert("L")).astype(np.uint16) * 257)
    elif mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(base, srgb, lab, outputMode="LAB") or base
    elif mode in ("LA", "RGBA"):
        image = base.convert(mode)
        ramp = np.linspace(0, 255, kind.size[0]).round().astype(np.uint8)
        image.putalpha(Image.fromarray(np.tile(ramp, (kind.size[1], 1))))
    elif mode == "P":
        image = base.quantize(64)
        if special == "transparent":
            options["transparency"] = image.getpixel((0, 0))
    else:
        image = base.convert(mode)
    if special in ("animated", "pages"):
        options |= {"save_all": True, "append_images": [Image.new("RGB", kind.size)]}
    grey = mode in ("L", "LA")
    icc: bytes = _grey_profile() if grey else ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    if "EXIF" in kind.metadata:
        exif[0x010E] = "a picture"
    if kind.metadata == "turned":
        exif[274] = 6
    metadata = Metadata(
        icc if "ICC" in kind.metadata and mode != "CMYK" else None,
        exif.tobytes().removeprefix(b"Exif\0\0") if len(exif) else None,
        XMP if "XMP" in kind.metadata else None,
    )
    options |= metadata_options(metadata, Image.registered_extensions()[kind.suffix])
    lossless = {"lossless": True} if kind.suffix == ".webp" else {"quality": 95} if kind.suffix == ".jpg" else {}
    buffer = io.BytesIO()
    image.save(buffer, Image.registered_extensions()[kind.suffix], **lossless, **options)
    return buffer.getvalue(), metadata


def _grey_profile() -> bytes:
    """Return the smallest grey ICC profile that colour management accepts: D50, gamma 2.2."""

    def tag(body: bytes) -> bytes:
        return body + bytes(-len(body) % 4)

    white = b"XYZ " + bytes(4) + bytes.fromhex("0000f6d6000100000000d32d")
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + (0x0233).to_bytes(2, "big")
    parts = [(b"wtpt", tag(white)), (b"kTRC", tag(curve))]
    table_bytes, body, offset = b"", b"", 128 + 4 + 12 * len(parts)
    for name, data in parts:
        table_bytes += name + (offset + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    size = offset + len(body)
    header = size.to_bytes(4, "big") + bytes(4) + bytes.fromhex("02400000") + b"mntrGRAYXYZ "
    header += bytes(12) + b"acsp" + bytes(28) + bytes.fromhex("0000f6d6000100000000d32d")
    return header.ljust(128, b"\0") + len(parts).to_bytes(4, "big") + table_bytes + body


def try_kind(kind: Kind, photo: Image.Image, codec: Codec, folder: Path) -> Outcome:
    """Encode, decode and write one input."""
    source = folder / f"input{kind.suffix}"
    content, metadata = make(kind, photo)
    source.write_bytes(content)
    picture = read_picture(source)
    data = codec.encode(picture, 75)
    decoded = codec.decode_picture(data)
    format_name = Image.registered_extensions()[kind.output]
    out, notes = write_picture(decoded, format_name)
    with Image.open(io.BytesIO(out)) as image:
        seen = tuple(sorted(image.size)) if kind.metadata == "turned" else image.size
        again = from_image(image)
        back = f"{kind.output[1:]} {image.mode} {image.width}×{image.height}"
    wrong = [] if seen in (kind.size, tuple(sorted(kind.size))) else ["size"]
    kept = []
    if picture.alpha is not None:
        exact = decoded.alpha is not None and bool(np.array_equal(decoded.alpha, picture.alpha))
        kept.append(f"alpha {'exact' if exact else 'CHANGED'}")
        wrong += [] if exact else ["alpha"]
    for name in ("icc", "exif", "xmp"):
        given = getattr(metadata, name)
        if given is None:
            continue
        # TIFF stores EXIF as tags, so its bytes differ from those of an EXIF block.
        same = getattr(decoded.metadata, name) == given or (kind.suffix == ".tif" and name == "exif")
        written = getattr(again.metadata, name)
        state = "exact" if written == getattr(decoded.metadata, name) else "rewritten" if written else "left out"
        kept.append(f"{name} {state if same else 'CHANGED'}")
        promised = kind.output in (".png", ".jpg", ".webp", ".avif", ".tif") and kind.metadata != "turned"
        if not same or (promised and state != "exact" and not _excused(kind, name)):
            wrong.append(name)
    visible = slice(None) if picture.alpha is None else picture.alpha > 0
    levels = levels_of(picture.samples)[visible].astype(np.float32)
    error = np.square(levels - levels_of(decoded.samples)[visible])
    mse = float(error.mean()) if error.size else 0.0
    ratio = round(10 * float(np.log10(255**2 / mse)), 2) if mse else None
    return Outcome(
        kind.label, decoded.mode, back, ", ".join(kept), ratio, len(data), [*picture.warnings, *notes], wrong
    )


def _excused(kind: Kind, name: str) -> bool:
    """Check for known limits of formats: TIFF holds EXIF as tags; WebP holds no grey profile."""
    return (kind.output == ".tif" and name == "exif") or (
        kind.output == ".webp" and name == "icc" and kind.mode in ("L", "LA")
    )


def pattern() -> Image.Image:
    """Return a picture to use if no photograph is given."""
    row, col = np.mgrid[:256, :384]
    waves = [127 + 80 * np.sin(row / a + col / b) for a, b in ((17, 29), (31, 13), (23, 41))]
    return Image.fromarray(np.stack(waves, 2).round().astype(np.uint8))


@click.command()
@click.argument("picture", required=False, type=click.Path(path_type=Path))
@click.option("--large", is_flag=True, help="Try a picture of 100 megapixels too.")
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), help="Write all outcomes as JSON.")
@model_option
def command(picture: Path | None, large: bool, out: Path | None, model: str) -> None:
    """Try all kinds of input, made from PICTURE."""
    codec = Codec(model, "cpu")
    if picture:
        with Image.open(picture) as image:
            photo = image.convert("RGB")
    else:
        photo = pattern()
    outcomes = []
    with TemporaryDirectory() as folder:
        for kind in kinds(large):
            outcomes.append(try_kind(kind, photo, codec, Path(folder)))
    rows = [
        (o.kind, o.coded, o.back, "" if o.psnr is None else f"{o.psnr:.1f}", str(o.size), o.kept, "; ".join(o.warnings))
        for o in outcomes
    ]
    click.echo(table(("input", "coded", "back", "PSNR dB", "bytes", "kept", "said"), rows))
    if out:
        out.write_text(json.dumps([asdict(o) for o in outcomes], indent=1) + "\n")
    wrong = [f"{o.kind} → {o.back} ({', '.join(o.wrong)})" for o in outcomes if o.wrong]
    click.echo(f"{len(outcomes)} kinds of input, {len(wrong)} with something wrong")
    if wrong:
        raise AezError("; ".join(wrong))


if __name__ == "__main__":
    run(command)
