"""Files by URL from a web server that lies, read by the command in a process of its own."""

import gzip
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from socketserver import StreamRequestHandler, ThreadingTCPServer
from tempfile import TemporaryDirectory

from PIL import Image

from aez.benchmarks.checks.fuzz.mutations import mutated
from aez.benchmarks.checks.fuzz.outcomes import LIMITS, MOST_SECONDS, SPARE_MEMORY, Finding, Outcome
from aez.benchmarks.checks.processes import run_any

FILES = 12
"""Number of files per process."""
_PROCESS_MEMORY = 4 * 10**8
"""Bytes that a process takes to load its packages and the models that the files name."""
_PART = bytes(2**20)


class _Server(ThreadingTCPServer):
    """A server of files, each with a way to send it."""

    daemon_threads = True

    def __init__(self, files: Sequence["Sent"]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the reader may go at any time."""


class _Handler(StreamRequestHandler):
    """One request for ``/NUMBER.aez``."""

    server: _Server

    def handle(self) -> None:
        """Read the request and send what the file's way has for it."""
        path = self.rfile.readline().split(b" ")[1]
        while self.rfile.readline().strip():
            pass
        file = self.server.files[int(path.strip(b"/").split(b".")[0])]
        WAYS[file.way](self.wfile.write, file.data)


def _status(line: str, *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {line}", "Connection: close", *fields, "", ""]).encode("latin-1")


def _sized(data: bytes, size: int) -> bytes:
    return _status("200 OK", f"Content-Length: {size}") + data


Send = Callable[[bytes], object]


def _slowly(send: Send, data: bytes) -> None:
    send(_status("200 OK", f"Content-Length: {len(data)}"))
    for at in range(min(30, len(data))):
        send(data[at : at + 1])
        time.sleep(0.01)
    send(data[30:])


def _endlessly(send: Send, data: bytes) -> None:
    send(_status("200 OK") + data)
    while True:
        send(_PART)


def _packed(send: Send, data: bytes) -> None:
    body = gzip.compress(data + bytes(LIMITS.max_memory + 2**24), 1)
    send(_status("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)


def _in_chunks(send: Send, data: bytes) -> None:
    send(_status("200 OK", "Transfer-Encoding: chunked"))
    for at in range(0, len(data), 100):
        part = data[at : at + 100]
        send(b"%x\r\n%b\r\n" % (len(part), part))
    send(b"0\r\n\r\n")


WAYS: dict[str, Callable[[Send, bytes], object]] = {
    "honest": lambda send, data: send(_sized(data, len(data))),
    "without a length": lambda send, data: send(_status("200 OK") + data),
    "slowly": _slowly,
    "in chunks": _in_chunks,
    "as a range": lambda send, data: send(_status("206 Partial", f"Content-Range: bytes 0-15/{len(data)}") + data),
    "cut": lambda send, data: send(_sized(data[: len(data) // 2], len(data))),
    "length too long": lambda send, data: send(_sized(data, len(data) + 1)),
    "length too short": lambda send, data: send(_sized(data, len(data) // 2)),
    "length of a petabyte": lambda send, data: send(_sized(data, 10**15)),
    "length below zero": lambda send, data: send(_sized(data, -1)),
    "cut chunk": lambda send, data: send(_status("200 OK", "Transfer-Encoding: chunked") + b"fffffff\r\n" + data),
    "no chunk": lambda send, data: send(_status("200 OK", "Transfer-Encoding: chunked") + b"zz\r\n" + data),
    "endless": _endlessly,
    "packed": _packed,
    "packed wrongly": lambda send, data: send(_status("200 OK", "Content-Encoding: gzip") + data),
    "to itself": lambda send, data: send(_status("302 Found", "Location: ?again")),
    "to a file": lambda send, data: send(_status("302 Found", "Location: file:///etc/hostname")),
    "to nowhere": lambda send, data: send(_status("302 Found", "Location: http://[")),
    "not found": lambda send, data: send(_status("404 Not\x1b[31mFound") + data),
    "broken": lambda send, data: send(_status("500 \t\x07") + data),
    "noise": lambda send, data: send(bytes(range(256)) * 100),
    "endless head": lambda send, data: send(_status("200 OK", *["X: " + "y" * 8000] * 100)),
    "nothing": lambda send, data: None,
}
HONEST = ("honest", "without a length", "slowly", "in chunks", "as a range")
"""Ways by which the whole file arrives."""
_NEVER = set(WAYS) - {*HONEST, "length too short", "packed wrongly"}
"""Ways by which no whole file arrives: its length is known to be another, or it is not a file."""


@dataclass(frozen=True)
class Sent:
    """A file of the server.

    Attributes:
        data: the file.
        way: how the server sends it, one of ``WAYS``.
        valid: it is not damaged.
    """

    data: bytes
    way: str
    valid: bool

    def as_expected(self, made: Path) -> bool:
        """Check whether there is a picture, which can be read, exactly if there may be one."""
        if not made.exists():
            return not self.valid or self.way not in HONEST
        with Image.open(made) as image:
            image.load()
        return self.way not in _NEVER


def some_files(seeds: Sequence[bytes], random: Random) -> list[Sent]:
    """Choose files, some valid and some damaged, and ways to send them."""
    chosen = []
    for _ in range(FILES):
        valid = random.random() < 0.5
        data = random.choice(seeds) if valid else mutated(seeds, random)
        chosen.append(Sent(data, random.choice((*WAYS, *HONEST)), valid))
    return chosen


def read_urls(files: Sequence[Sent]) -> list[Outcome]:
    """Let the command decompress files from a server.

    Returns:
        One outcome per file.

    Raises:
        Finding: the command did anything but write a picture or print one line per file, or took too much.
    """
    with _Server(files) as server, TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls = [f"http://127.0.0.1:{server.server_address[1]}/{number}.aez" for number in range(len(files))]
        words = [sys.executable, "-m", "aez.cli", "decompress", *urls, "-o", f"{folder}/", "--quiet"]
        run = run_any("aez", [*words, "--max-memory", str(LIMITS.max_memory), "--runtime", "light"], 2)
        server.shutdown()
        made = [Path(folder) / f"{number}.png" for number in range(len(files))]
        wrong = [file.way for file, path in zip(files, made, strict=True) if not file.as_expected(path)]
        refused = sum(not path.exists() for path in made)
    if wrong:
        raise Finding(f"read or refused, as should not have been: {wrong}\n" + "\n".join(run.errors))
    if run.code != min(1, refused) or [line[:12] for line in run.errors] != ["aez: http://"] * refused:
        raise Finding(f"exit code {run.code}\n" + "\n".join(run.errors))
    if run.seconds > MOST_SECONDS:
        raise Finding(f"took {run.seconds:.0f} s")
    if run.megabytes * 1e6 > _PROCESS_MEMORY + 2 * LIMITS.max_memory + SPARE_MEMORY:
        raise Finding(f"took {run.megabytes:.0f} MB for {[file.way for file in files]}")
    kinds = ["URL refused"] * refused + ["picture by URL"] * (len(files) - refused)
    return [Outcome(kind, run.seconds / len(files), 0) for kind in kinds]
