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

from PIL import Image

from aez.benchmarks.checks.fuzz.oracle import Refused, parse
from aez.bitstream import AezError, LimitError, Limits, read_container, read_header
from aez.codec import pillow
from aez.codec.base import PictureCodec
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


def read_file(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random) -> Outcome:
    """Read a file in one of the ways there are.

    Args:
        data: the file.
        codecs: by fingerprint.
        random: chooses the way.

    Raises:
        Finding: the outcome is one that no file may have.
    """
    _check_container(data)
    return _measured(lambda: random.choice(_WAYS)(data, codecs, random))


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

    return _measured(read)


def _check_container(data: bytes) -> None:
    """Compare the package's reader of containers with the second one."""
    try:
        found = [(ord(kind), length) for kind, length in read_container(data).chunks]
    except LimitError:
        return
    except AezError:
        found = []
    try:
        expected = [(kind, len(payload)) for kind, payload in parse(data)]
    except Refused:
        expected = []
    if found != expected:
        raise Finding("the two readers of containers disagree")


def _measured(read: Callable[[], object]) -> Outcome:
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
    if grown > LIMITS.max_memory + SPARE_MEMORY:
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


def _codec(data: bytes, codecs: Mapping[bytes, PictureCodec]) -> PictureCodec:
    """Return the codec that a file names, or any: it refuses the file itself."""
    return codecs.get(read_header(data, LIMITS).fingerprint, next(iter(codecs.values())))


def _decode(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random) -> object:
    return _codec(data, codecs).decode(data, limits=LIMITS)


def _part(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random) -> object:
    header = read_header(data, LIMITS)
    x, y = random.randrange(header.width), random.randrange(header.height)
    region = x, y, random.randint(1, header.width - x), random.randint(1, header.height - y)
    return _codec(data, codecs).decode_picture(
        data, region=region, scale=1 / random.choice((1, 2, 4, 16)), limits=LIMITS
    )


def _preview(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random) -> object:
    return _codec(data, codecs).preview(data, limits=LIMITS)


def _digest(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random) -> object:
    return _codec(data, codecs).digest(data, limits=LIMITS)


def _describe(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random) -> object:
    return describe(data, LIMITS)


def _plugin(data: bytes, codecs: Mapping[bytes, PictureCodec], random: Random) -> object:
    """Open a file with Pillow, whose errors are its own."""
    before, pillow.limits = pillow.limits, LIMITS
    try:
        with Image.open(io.BytesIO(data), formats=[pillow.FORMAT]) as image:
            image.getexif()
            return image.load()
    except (OSError, Image.DecompressionBombError) as error:
        raise AezError(str(error)) from None
    finally:
        pillow.limits = before


_WAYS = (_decode, _decode, _part, _preview, _digest, _describe, _plugin)
