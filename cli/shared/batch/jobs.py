"""One file from its input to its output: what compressing and decompressing have in common."""

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

Progress = Callable[[float], None]


@dataclass(frozen=True)
class FileRules:
    """What happens to files around a conversion.

    Attributes:
        overwrite: replace outputs that exist.
        skip_existing: leave inputs alone whose output exists and is of the right kind; an empty one is replaced.
        delete_source: remove an input once its output is written, has been read back and holds all of it.
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
        lacks: what the output lacks of the input, as part of a sentence, so that the input must not be deleted; None if
            it holds everything, or all but what the user asked to leave out.
    """

    data: bytes | memoryview
    width: int
    height: int
    input_bytes: int
    warnings: tuple[str, ...] = ()
    lacks: str | None = None


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

    def lacking(self, made: Converted, written: bytes) -> str | None:
        """What an output, read back, lacks of its input; None if it can take the input's place.

        Raises:
            AezError: it is of no use.
        """
        return made.lacks

    def is_output(self, head: bytes) -> bool:
        """Whether a file that starts so can be an output of this job; an empty one cannot."""
        return bool(head)

    @abstractmethod
    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """Which of the two sizes is that of the `.aez` file."""

    @abstractmethod
    def describe(self, result: Result) -> str:
        """The line of a file that is done."""

    def __call__(self, source: str, target: str, progress: Progress | None = None) -> Result:
        """Convert one file; whatever goes wrong with it is in the result."""
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
        """Times, and the end of the input; returns warnings."""
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
    """Whether a file is another one, or has other contents; of objects in a store nothing is known."""
    return before is not None and (
        now is None or (before.st_ino, before.st_size, before.st_mtime_ns) != (now.st_ino, now.st_size, now.st_mtime_ns)
    )


def _sync_folder(folder: Path) -> None:
    """Let the new name reach the disk before the old file goes; where a folder cannot be synced, nothing is lost."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
