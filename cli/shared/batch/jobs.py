"""Conversion of one file: checks, reading, writing, and removal of the input."""

import contextlib
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aez.bitstream.errors import AezError
from aez.cli.shared import storage
from aez.cli.shared.batch.results import Result, is_out_of_memory
from aez.cli.shared.paths import check_output
from aez.codec.extras import missing_package

Progress = Callable[[float], None]


@dataclass(frozen=True)
class FileRules:
    """Rules for existing outputs and for inputs.

    Attributes:
        overwrite: replace outputs that exist.
        skip_existing: skip inputs whose output exists and is of the right kind; replace an empty output.
        delete_source: delete an input after its output has been written, read back and found complete.
        keep_times: give outputs the times of their inputs.
    """

    overwrite: bool = False
    skip_existing: bool = False
    delete_source: bool = False
    keep_times: bool = False


@dataclass(frozen=True)
class Converted:
    """The output of a conversion.

    Attributes:
        data: the bytes of the output file.
        width: columns of the picture.
        height: rows.
        input_bytes: size of the input.
        warnings: lines that name the file and something that the output cannot hold.
        lacks: what the output lacks of the input, as part of a sentence; the input is then not deleted. None if it
            lacks nothing, or only what the user asked to leave out.
    """

    data: bytes | memoryview
    width: int
    height: int
    input_bytes: int
    warnings: tuple[str, ...] = ()
    lacks: str | None = None


class Job(ABC):
    """A conversion with its options.

    Jobs are sent to worker processes before :meth:`prepare`, so until then they hold options only.
    """

    rules: FileRules

    @abstractmethod
    def prepare(self) -> None:
        """Load models and settings, once per process.

        Raises:
            AezError: nothing can be converted.
        """

    @abstractmethod
    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Convert an input to the bytes of its output.

        Raises:
            AezError: with a text that names the file.
        """

    def lacking(self, made: Converted, written: bytes) -> str | None:
        """Return what an output lacks of its input, as part of a sentence; None if it holds everything.

        Raises:
            AezError: it is of no use.
        """
        return made.lacks

    def is_output(self, head: bytes) -> bool:
        """Check by its first bytes whether a file can be an output of this job; an empty one cannot."""
        return bool(head)

    @abstractmethod
    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """Return the size of the `.aez` file among the two."""

    @abstractmethod
    def describe(self, result: Result) -> str:
        """Return the line to print for a converted file."""

    def __call__(self, source: str, target: str, progress: Progress | None = None) -> Result:
        """Convert one file; the result holds any error."""
        start = time.perf_counter()
        before = storage.status(source)
        try:
            replace = self.rules.overwrite
            if self.rules.skip_existing and storage.exists(target):
                head = storage.head(target)
                if self.is_output(head):
                    return Result(source, target, "skipped")
                replace = not head
            check_output(source, target, replace)
            if self.rules.delete_source and storage.is_stream_at(target):
                raise AezError(f"{target}: cannot be read back, which --delete-source needs")
            mode = storage.mode_like(source)
            made = self.convert(source, target, progress)
            storage.write_bytes(target, made.data, replace=replace, mode=mode)
            warnings = made.warnings + self._finish(source, target, made, before)
        except AezError as error:
            return Result(source, target, "failed", error=str(error))
        except OSError as error:
            name = error.filename or storage.shown(source)
            return Result(source, target, "failed", error=f"{name}: {error.strerror or error}")
        except Exception as error:
            name = storage.shown(source)
            if absent := missing_package(error):
                return Result(source, target, "failed", error=f"{name}: {absent}")
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

    def _finish(self, source: str, target: str, made: Converted, before: os.stat_result | None) -> tuple[str, ...]:
        """Set the output's times and delete the input, where asked to; return warnings."""
        warnings: list[str] = []
        if self.rules.keep_times and before is not None and storage.is_local(target):
            try:
                os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
            except OSError as error:
                warnings.append(f"{target}: the times are not kept ({error.strerror})")
        if self.rules.delete_source:
            written = storage.read_bytes(target)
            if written != made.data:
                raise AezError(f"{target}: reads back differently than it was written; {source} is kept")
            lacks = self.lacking(made, written)
            if lacks is not None:
                warnings.append(f"{source}: is kept, since {target} lacks {lacks}")
            elif _changed(before, storage.status(source)):
                warnings.append(f"{source}: is kept, since it changed while it was read")
            else:
                if storage.is_local(target):
                    _sync_folder(Path(target).parent)
                storage.delete(source)
        return tuple(warnings)


def _changed(before: os.stat_result | None, now: os.stat_result | None) -> bool:
    """Check whether a file was replaced or modified; always False for objects in a store."""
    return before is not None and (
        now is None or (before.st_ino, before.st_size, before.st_mtime_ns) != (now.st_ino, now.st_size, now.st_mtime_ns)
    )


def _sync_folder(folder: Path) -> None:
    """Write a folder's new entry to disk before the old file is deleted, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
