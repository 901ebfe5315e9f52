"""What `aez` itself makes of pictures: the real command line, in processes of its own, on real files."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from aez.benchmarks.measurements import Measurement, compare
from aez.benchmarks.pictures import read_rgb
from aez.bitstream.errors import AezError


def measure_quality(pictures: Sequence[Path], quality: float, model: str, threads: int | None) -> list[Measurement]:
    """`aez compress` and `aez decompress` of all pictures, one call each.

    Args:
        pictures: files, no two of one name without suffix.
        quality: 1 … 100.
        model: a packaged model's name or a weights file's path.
        threads: CPU threads; None for aez's default.

    Returns:
        One measurement a picture, from file sizes and the decoded PNG files.

    Raises:
        AezError: a command failed; the text is its last line.
    """
    shared = ["--model", model, "--quiet"] + (["--threads", str(threads)] if threads else [])
    with TemporaryDirectory() as folder:
        coded = [Path(folder) / f"{picture.stem}.aez" for picture in pictures]
        run_aez("compress", *map(str, pictures), "-o", f"{folder}/", "-q", f"{quality:g}", *shared)
        run_aez("decompress", *map(str, coded), "-o", f"{folder}/", *shared)
        return [measure_file(quality, picture, path) for picture, path in zip(pictures, coded, strict=True)]


def measure_file(quality: float, picture: Path, coded: Path) -> Measurement:
    """Compare a picture with the PNG file beside its `.aez` file."""
    with Image.open(coded.with_suffix(".png")) as decoded:
        return compare(quality, coded.stat().st_size, read_rgb(picture), decoded)


def run_aez(*arguments: str) -> None:
    """Run `aez` with this interpreter.

    Raises:
        AezError: it failed; the text is the last line that it wrote to standard error.
    """
    done = subprocess.run([sys.executable, "-m", "aez.cli", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AezError(f"aez {arguments[0]} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
