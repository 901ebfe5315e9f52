"""The outcome of converting one file."""

import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Result:
    """The outcome of one job; it travels between processes.

    Attributes:
        source: the input: a path, a URL or ``-``.
        target: the output.
        status: ``done``, ``skipped`` (the output existed) or ``failed``.
        width: columns of the picture; 0 unless done.
        height: rows.
        input_bytes: size of the input; 0 unless done.
        output_bytes: size of the output.
        aez_bytes: size of the `.aez` file among the two.
        seconds: time of the conversion.
        warnings: lines that name something that the output cannot hold.
        error: reason of a failure, one line that names the file.
    """

    source: str
    target: str
    status: Literal["done", "skipped", "failed"]
    width: int = 0
    height: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    aez_bytes: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    error: str | None = None

    @property
    def pixels(self) -> int:
        """Width × height."""
        return self.width * self.height

    @property
    def bpp(self) -> float:
        """Bits per pixel of the `.aez` file; 0 unless done."""
        return 8 * self.aez_bytes / self.pixels if self.pixels else 0.0

    def to_json(self) -> str:
        """Return one JSON object on one line."""
        facts = asdict(self)
        del facts["aez_bytes"]
        facts = {"input": facts.pop("source"), "output": facts.pop("target"), **facts}
        facts["bpp"] = round(self.bpp, 5)
        facts["seconds"] = round(self.seconds, 4)
        return json.dumps(facts)


def is_out_of_memory(error: BaseException) -> bool:
    """Check for lack of memory: torch and `threading` raise a plain RuntimeError for it."""
    if isinstance(error, MemoryError):
        return True
    said = ("out of memory", "can't allocate memory", "can't start new thread")
    return isinstance(error, RuntimeError) and any(words in str(error) for words in said)
