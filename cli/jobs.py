"""One file from its input to its output: what compressing and decompressing have in common."""

import contextlib
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aez.bitstream.errors import AezError
from aez.cli import storage
from aez.cli.paths import check_output
from aez.cli.results import Result, is_out_of_memory

Progress = Callable[[float], None]


@dataclass(frozen=True)
class FileRules:
    """What happens to files around a conversion.

    Attributes:
        overwrite: replace outputs that exist.
        skip_existing: leave inputs alone whose output exists.
        delete_source: remove an input once its output is written and has been read back.
        keep_times: give outputs the times of their inputs.
    """

    overwrite: bool = False
    skip_existing: bool = False
    delete_source: bool = False
    keep_times: bool = False


@dataclass(frozen=True)
class Converted:
    """What a conversion made of an input.

    Attributes:
        data: the bytes of the output file.
        width: columns of the picture.
        height: rows.
        input_bytes: size of the input.
        warnings: what could not be carried, one line each, which names the file.
    """

    data: bytes | memoryview
    width: int
    height: int
    input_bytes: int
    warnings: tuple[str, ...] = ()


class Job(ABC):
    """A conversion with its options.

    It is sent to worker processes before :meth:`prepare`, so until then it holds options only.
    """

    rules: FileRules

    @abstractmethod
    def prepare(self) -> None:
        """Load what every file needs, once a process.

        Raises:
            AezError: nothing can be converted.
        """

    @abstractmethod
    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """The bytes of the output file for an input.

        Raises:
            AezError: with a text that names the file.
        """

    @abstractmethod
    def verify(self, written: bytes) -> None:
        """Check that an output, read back, can take the place of its input.

        Raises:
            AezError: it cannot.
        """

    @abstractmethod
    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """Which of the two sizes is that of the `.aez` file."""

    @abstractmethod
    def describe(self, result: Result) -> str:
        """The line of a file that is done."""

    def __call__(self, source: str, target: str, progress: Progress | None = None) -> Result:
        """Convert one file; whatever goes wrong with it is in the result."""
        start = time.perf_counter()
        try:
            if self.rules.skip_existing and storage.exists(target):
                return Result(source, target, "skipped")
            check_output(source, target, self.rules.overwrite)
            made = self.convert(source, target, progress)
            storage.write_bytes(target, made.data)
            warnings = made.warnings + self._finish(source, target, made.data)
        except AezError as error:
            return Result(source, target, "failed", error=str(error))
        except Exception as error:
            name = storage.shown(source)
            if is_out_of_memory(error):
                return Result(source, target, "failed", error=f"{name}: not enough memory for a picture of this size")
            return Result(
                source,
                target,
                "failed",
                error=f"{name}: error in aez, please report it ({type(error).__name__}: {error})",
            )
        return Result(
            source,
            target,
            "done",
            width=made.width,
            height=made.height,
            input_bytes=made.input_bytes,
            output_bytes=len(made.data),
            aez_bytes=self.aez_bytes(made.input_bytes, len(made.data)),
            seconds=time.perf_counter() - start,
            warnings=warnings,
        )

    def _finish(self, source: str, target: str, data: bytes | memoryview) -> tuple[str, ...]:
        """Times, and the end of the input; returns warnings."""
        warnings: list[str] = []
        if self.rules.keep_times and storage.is_local(source) and storage.is_local(target):
            status = Path(source).stat()
            try:
                os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
            except OSError as error:
                warnings.append(f"{target}: the times are not kept ({error.strerror})")
        if self.rules.delete_source:
            written = storage.read_bytes(target)
            if written != data:
                raise AezError(f"{target}: reads back differently than it was written; {source} is kept")
            self.verify(written)
            if storage.is_local(target):
                _sync_folder(Path(target).parent)
            storage.delete(source)
        return tuple(warnings)


def _sync_folder(folder: Path) -> None:
    """Let the new name reach the disk before the old file goes; where a folder cannot be synced, nothing is lost."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
