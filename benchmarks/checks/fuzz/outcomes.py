"""Outcomes of files: a picture or an AezError, within limits of time and memory."""

import io
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from PIL import Image, ImageOps

from aez.benchmarks.checks.fuzz import oracle
from aez.bitstream import AezError, Header, LimitError, Limits, read_container, read_header
from aez.bitstream.alpha import read_alpha, read_alpha_picture
from aez.bitstream.layer import Layer, read_layer
from aez.codec import pillow
from aez.codec.base import PictureCodec
from aez.codec.decoding.previews import stored_preview
from aez.codec.describe import describe
from aez.codec.family.weightfile import FamilyWeights, read_family_weights
from aez.codec.model.registry import find_model
from aez.codec.model.weightfile import Weights, read_weights

LIMITS = Limits(max_memory=3 * 10**8)
"""Small ones, so that a peak beyond them is seen."""
SPARE_MEMORY = 10**8
"""Bytes above ``max_memory`` that are no finding: what the process keeps from earlier files."""
MOST_SECONDS = 30.0
_PROCESS = Path("/proc/self")


class Finding(Exception):
    """An outcome that no file may have."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one file.

    Attributes:
        kind: ``picture``, or the name of the error.
        seconds: time.
        megabytes: growth of memory at its peak; 0 where the system does not say.
    """

    kind: str
    seconds: float
    megabytes: float


@dataclass(frozen=True)
class _File:
    """A file, and what it is read with.

    Attributes:
        data: the file.
        codecs: by fingerprint.
        random: source of all choices.
        limits: the most that the file may ask for.
    """

    data: bytes
    codecs: Mapping[bytes, PictureCodec]
    random: Random
    limits: Limits

    def codec(self) -> PictureCodec:
        """Return the codec that the file names, or any: it refuses the file itself."""
        named = read_header(self.data, self.limits).fingerprint
        return self.codecs.get(named, next(iter(self.codecs.values())))


def read_file(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random, limits: Limits = LIMITS) -> Outcome:
    """Read a file in one of the ways there are.

    Args:
        data: the file.
        codecs: by fingerprint.
        random: chooses the way.
        limits: the most that the file may ask for.

    Raises:
        Finding: the outcome is one that no file may have.
    """
    check_with_oracle(data)
    file = _File(data, codecs, random, limits)
    return _measured(lambda: random.choice(_WAYS)(file), limits)


def read_weights_file(data: bytes) -> Outcome:
    """Read a weights file.

    Raises:
        Finding: the outcome is one that no file may have.
    """

    def read() -> object:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "a.safetensors"
            path.write_bytes(data)
            found: Weights | FamilyWeights
            found = read_family_weights(path) if find_model(str(path)).family else read_weights(path)
            return found.fingerprint

    return _measured(read, LIMITS)


def check_with_oracle(data: bytes) -> None:
    """Compare the package's readers of containers, layers, alpha and previews with the second ones.

    Raises:
        Finding: they disagree.
    """
    try:
        container = read_container(data)
    except LimitError:
        return
    except AezError:
        container = None
    try:
        chunks = oracle.parse(data)
    except oracle.Refused:
        chunks = []
    found = [] if container is None else container.chunks
    if found != [(chr(kind), len(payload)) for kind, payload in chunks]:
        raise Finding("the two readers of containers disagree")
    if container is None or not chunks:
        return
    header, layer, alpha = container.header, container.layer, container.alpha
    if layer is not None:
        _compare("layers", lambda: _contents(read_layer(layer, header)), lambda: oracle.layer_of(chunks))
    if alpha is not None:
        _compare("alpha", lambda: _opacity(alpha, header), lambda: oracle.alpha_of(chunks))
    _compare("previews", lambda: stored_preview(data), lambda: oracle.preview_of(chunks))


def _compare(what: str, first: Callable[[], object], second: Callable[[], object]) -> None:
    try:
        found: object = first()
    except LimitError:
        return
    except AezError:
        found = "refused"
    try:
        expected: object = second()
    except oracle.Refused:
        expected = "refused"
    if found != expected:
        raise Finding(f"the two readers of {what} disagree")


def _contents(layer: Layer) -> list[bytes]:
    return [bytes(tile.stream or tile.colour or b"") for tile in layer.tiles]


def _opacity(payload: bytes, header: Header) -> list[bytes]:
    picture = read_alpha_picture(payload, header, Limits())
    if picture is not None:
        return [bytes([picture.edge]), picture.data]
    tiles = read_alpha(payload, header.height, header.width)
    return [bytes([tile.level]) if tile.stream is None else tile.stream for tile in tiles]


def _measured(read: Callable[[], object], limits: Limits) -> Outcome:
    before, start = _reset_peak(), time.perf_counter()
    kind = "picture"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read()
    except AezError as error:
        kind = type(error).__name__
        if "\n" in str(error):
            raise Finding(f"an error of several lines: {error}") from error
    except Exception as error:
        raise Finding(f"{type(error).__name__}: {error}") from error
    seconds, grown = time.perf_counter() - start, max(0, _memory("VmHWM") - before)
    if seconds > MOST_SECONDS:
        raise Finding(f"took {seconds:.0f} s")
    if grown > limits.max_memory + SPARE_MEMORY:
        raise Finding(f"took {grown / 1e6:.0f} MB")
    return Outcome(kind, seconds, grown / 1e6)


def _reset_peak() -> int:
    """Let the system forget the peak of memory; return the memory in use."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:
        return 2**62
    return _memory("VmRSS")


def _memory(field: str) -> int:
    try:
        found = re.search(rf"{field}:\s+(\d+)", (_PROCESS / "status").read_text())
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


def _decode(file: _File) -> object:
    return file.codec().decode(file.data, limits=file.limits)


def _samples(file: _File) -> object:
    """Decode to an array, which has all bits of deep samples."""
    return file.codec().decode_array(file.data, limits=file.limits)


def _part(file: _File) -> object:
    header, random = read_header(file.data, file.limits), file.random
    x, y = random.randrange(header.width), random.randrange(header.height)
    region = x, y, random.randint(1, header.width - x), random.randint(1, header.height - y)
    scale = 1 / random.choice((1, 2, 4, 16))
    return file.codec().decode_picture(file.data, region=region, scale=scale, limits=file.limits)


def _preview(file: _File) -> object:
    return file.codec().preview(file.data, limits=file.limits)


def _digest(file: _File) -> object:
    return file.codec().digest(file.data, limits=file.limits)


def _describe(file: _File) -> object:
    return describe(file.data, file.limits)


def _plugin(file: _File) -> object:
    """Open a file with Pillow, whose errors are its own."""
    before, pillow.limits = pillow.limits, file.limits
    try:
        with Image.open(io.BytesIO(file.data), formats=[pillow.FORMAT]) as image:
            image.getexif()
            image.load()
            return ImageOps.exif_transpose(image)
    except (OSError, Image.DecompressionBombError) as error:
        raise AezError(str(error)) from None
    finally:
        pillow.limits = before


_WAYS = (_decode, _decode, _samples, _part, _preview, _digest, _describe, _plugin)
