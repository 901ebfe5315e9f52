"""Measurements on disk, one JSON line each, so that a stopped run can continue."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from aez.bitstream.errors import AezError

Values = dict[str, float | None]


class Key(NamedTuple):
    """The identity of a measurement.

    Attributes:
        codec: name, with its options.
        version: of the codec and its libraries.
        setting: the quality, as text.
        picture: SHA-256 of size and samples.
        environment: conditions that times depend on.
    """

    codec: str
    version: str
    setting: str
    picture: str
    environment: str


class Store:
    """The file ``measurements.jsonl`` of a report; every line is written at once and flushed."""

    def __init__(self, path: Path) -> None:
        """Read the file; drop a last line that is cut off.

        Raises:
            AezError: the file cannot be read or written.
        """
        self.path = path
        self._values: dict[Key, Values] = {}
        try:
            lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
            for line in lines:
                try:
                    content: dict[str, Any] = json.loads(line)
                    self._values.setdefault(Key(*content["key"]), {}).update(content["values"])
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue
            self._file = path.open("a", encoding="utf-8")
            if lines and lines[-1]:
                self._file.write("\n")  # what follows must not be glued to the rest of a cut line
        except OSError as error:
            raise AezError(f"{path}: cannot be written ({error.strerror})") from None

    def get(self, key: Key) -> Values:
        """Return the known values; empty if there are none."""
        return self._values.get(key, {})

    def add(self, key: Key, values: Values) -> None:
        """Add a measurement."""
        self._values.setdefault(key, {}).update(values)
        self._file.write(json.dumps({"key": key, "values": values}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
