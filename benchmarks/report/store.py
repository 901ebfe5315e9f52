"""Measurements as they come, one JSON line each, so that a stopped run goes on where it was."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from aez.bitstream.errors import AezError

Values = dict[str, float | None]


class Key(NamedTuple):
    """What a measurement belongs to; another version, picture or environment makes another one.

    Attributes:
        codec: name, with its options.
        version: of the codec and its libraries.
        setting: the quality, as text.
        picture: SHA-256 of size and samples.
        environment: whatever times depend on.
    """

    codec: str
    version: str
    setting: str
    picture: str
    environment: str


class Store:
    """The file ``measurements.jsonl`` of a report; every line is written at once and flushed."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a last line cut off by a stop is dropped.

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
        """What is known; empty if nothing is."""
        return self._values.get(key, {})

    def add(self, key: Key, values: Values) -> None:
        """Keep a measurement."""
        self._values.setdefault(key, {}).update(values)
        self._file.write(json.dumps({"key": key, "values": values}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
