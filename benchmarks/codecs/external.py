"""Any command line as a codec: VTM, BPG, another build of cjpeg."""

import hashlib
import io
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, UnidentifiedImageError

from aez.benchmarks.codecs.base import Adapter, UnavailableError
from aez.bitstream.errors import AezError

_PLACE = re.compile(r"\{(in|out|quality)(?::(\.\w+))?\}")
HOW = (
    "an external codec is 'NAME: ENCODE {in} {out} {quality}', with ' => DECODE {in} {out}' if Pillow cannot read its "
    "files; {out:.avif} gives the file a suffix"
)


def split_description(text: str) -> tuple[str, str, str]:
    """Split ``NAME: ENCODE => DECODE`` into name, encoding command and decoding command (empty if there is none).

    Without ``NAME:`` the codec has the name of the program.

    Raises:
        AezError: a placeholder is missing.
    """
    named = re.match(r"\s*([\w.+-]+):\s+(.*)", text, re.DOTALL)
    name, commands = named.groups() if named else ("", text)
    encode, _, decode = (part.strip() for part in commands.partition("=>"))
    for command, needed in ((encode, {"in", "out", "quality"}), (decode, {"in", "out"} if decode else set())):
        if missing := needed - {match[1] for match in _PLACE.finditer(command)}:
            raise AezError(f"{text!r} lacks {', '.join(sorted(f'{{{name}}}' for name in missing))}: {HOW}")
    return name or Path(shlex.split(encode)[0]).name, encode, decode


class External(Adapter):
    """A codec of two commands, run without a shell on PNG files."""

    def __init__(self, name: str, encode: str, decode: str, qualities: Sequence[float]) -> None:
        """Find the programs. The version is made of the commands and of digests of the program files."""
        self.name, self.qualities = name, tuple(qualities)
        self.commands = [shlex.split(encode), shlex.split(decode)]
        if not self.qualities:
            raise AezError(f"{name}: say which qualities to run: --qualities {name}=10,20,30")
        digests = []
        for command in filter(None, self.commands):
            program = shutil.which(command[0])
            if program is None:
                raise UnavailableError(f"{command[0]}: no such program")
            digests.append(hashlib.sha256(Path(program).read_bytes()).hexdigest()[:12])
        self.version = f"{encode}{' => ' + decode if decode else ''} ({' '.join(digests)})"
        self.children_peak_mb: float | None = None

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Run the encoder on a PNG file."""
        with TemporaryDirectory() as folder:
            source = Path(folder) / "in.png"
            image.save(source, compress_level=1)
            return self._run(self.commands[0], source, Path(folder), quality, ".bin").read_bytes()

    def decode(self, data: bytes) -> Image.Image:
        """Run the decoder, or let Pillow read the file."""
        try:
            with TemporaryDirectory() as folder:
                if self.commands[1]:
                    source = Path(folder) / "in.bin"
                    source.write_bytes(data)
                    data = self._run(self.commands[1], source, Path(folder), 0, ".png").read_bytes()
                with Image.open(io.BytesIO(data)) as image:
                    rgb: Image.Image = image.convert("RGB")
                    return rgb
        except UnidentifiedImageError:
            raise AezError(f"{self.name}: Pillow cannot read what it wrote; give a decoder: {HOW}") from None

    def _run(self, command: list[str], source: Path, folder: Path, quality: float, suffix: str) -> Path:
        """Run a command, and return the file that it wrote.

        Raises:
            AezError: it failed or made no file; the text is the last line that it wrote.
        """
        target = folder / f"out{suffix}"

        def fill(match: re.Match[str]) -> str:
            nonlocal target
            if match[1] == "out":
                target = folder / f"out{match[2] or suffix}"
                return str(target)
            return str(source) if match[1] == "in" else f"{quality:g}"

        words = [_PLACE.sub(fill, word) for word in command]
        with (folder / "log").open("w+b") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            if hasattr(os, "wait4"):
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                # Kilobytes, but bytes on macOS.
                self.children_peak_mb = usage.ru_maxrss / (1e6 if os.uname().sysname == "Darwin" else 1e3)
            else:
                process.wait()
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
        if process.returncode or not target.is_file():
            raise AezError(f"{words[0]} failed: {said[-1] if said else f'exit code {process.returncode}'}")
        return target
