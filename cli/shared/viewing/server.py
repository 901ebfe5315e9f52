"""An HTTP server for one user of this machine: the page, and the files that were named on the command line.

A request is answered only if it names the server's own host and begins with the token. Files are reached by their
number, never by a path, so no other file of the machine can be asked for.
"""

import json
import os
import secrets
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from aez.bitstream.errors import AezError
from aez.cli.shared import storage
from aez.cli.shared.viewing.files import Shown
from aez.cli.shared.viewing.page import INDEX, MEDIA_TYPES, index_for_server

HOST = "127.0.0.1"
MAX_UPLOAD = 2**28
"""Most bytes of a file that is dropped onto the page and sent here to be decoded."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Embedder-Policy": "require-corp",  # with the next one, it lets WebAssembly use threads
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer."""
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"


class _RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text or status.phrase


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """The server of the page.

    Attributes:
        shown: the files to show.
        page: files of the page by their paths in URLs.
        decode: function that turns the bytes of an `.aez` file into a PNG file; None if the browser decodes.
        describe: function that returns what the bytes of an `.aez` file say of themselves.
        token: first part of every URL.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"  # elsewhere it would let two servers share a port

    def __init__(
        self,
        shown: list[Shown],
        page: dict[str, Path],
        decode: Callable[[bytes], bytes | memoryview] | None,
        describe: Callable[[bytes], dict[str, Any]],
        *,
        port: int = 0,
    ) -> None:
        """Listen on the loopback interface.

        Args:
            shown: see the class.
            page: see the class.
            decode: see the class.
            describe: see the class.
            port: port; 0 for any free one.

        Raises:
            AezError: the port cannot be used.
        """
        self.shown = shown
        self.page = page
        self.decode = decode
        self.describe = describe
        self.token = secrets.token_urlsafe(24)
        self._decoding = threading.Lock()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise AezError(f"port {port}: cannot be used ({error.strerror or error})") from None

    @property
    def port(self) -> int:
        """Port that the server listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that closes a connection is no fault."""

    def png(self, data: bytes) -> bytes | memoryview:
        """Decode a file, one at a time.

        Raises:
            AezError: the file is damaged.
        """
        if self.decode is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND)
        with self._decoding:
            return self.decode(data)

    def wait(self, seconds: float) -> None:
        """Wait until no file is being decoded, but not longer than some seconds."""
        if self._decoding.acquire(timeout=seconds):
            self._decoding.release()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "aez"
    sys_version = ""
    timeout = 60  # an idle connection keeps a thread no longer

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer requests that are no valid HTTP, or have other methods, with the headers of all answers."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self.close_connection = True
        self._send(status, _TEXT, f"{status.phrase}\n".encode())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing."""

    def _answer(self, route: Callable[[str], tuple[str, bytes | memoryview]]) -> None:
        try:
            self._check_host()
            mime, body = route(self._below_token())
            status = HTTPStatus.OK
        except _RefusedError as error:
            self.close_connection = True  # a body that was not read would be taken for the next request
            status, mime, body = error.status, _TEXT, f"{error.text}\n".encode()
        except AezError as error:
            status, mime, body = HTTPStatus.UNPROCESSABLE_ENTITY, _TEXT, f"{error}\n".encode()
        except MemoryError:
            status, mime, body = HTTPStatus.INTERNAL_SERVER_ERROR, _TEXT, b"not enough memory\n"
        self._send(status, mime, body)

    def _send(self, status: HTTPStatus, mime: str, body: bytes | memoryview) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(memoryview(body).nbytes))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _check_host(self) -> None:
        """Refuse names that another site had resolved to this machine (DNS rebinding), and requests by other sites."""
        own = {f"{name}:{self.server.port}" for name in (HOST, "localhost")}
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in own:
            raise _RefusedError(HTTPStatus.FORBIDDEN)
        origin = self.headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in own}:
            raise _RefusedError(HTTPStatus.FORBIDDEN)

    def _below_token(self) -> str:
        """Return the path below the token.

        Raises:
            _RefusedError: the path does not begin with the token.
        """
        empty, _, path = self.path.partition("?")[0].partition("/")
        first, slash, rest = path.partition("/")
        if empty or not slash or not secrets.compare_digest(first.encode(), self.server.token.encode()):
            raise _RefusedError(HTTPStatus.NOT_FOUND)
        return rest

    def _get(self, path: str) -> tuple[str, bytes | memoryview]:
        if path in ("", INDEX):
            return MEDIA_TYPES[".html"], index_for_server(self.server.page[INDEX])
        if path == "files.json":
            entries = [one.entry() for one in self.server.shown]
            decodes = self.server.decode is not None
            return _JSON, json.dumps({"files": entries, "decodes": decodes}).encode()
        if path in self.server.page:
            file = self.server.page[path]
            return MEDIA_TYPES[file.suffix], _read(str(file))
        kind, _, number = path.partition("/")
        shown = {str(index): one for index, one in enumerate(self.server.shown)}.get(number)
        if shown is None or kind not in ("files", "pictures"):
            raise _RefusedError(HTTPStatus.NOT_FOUND)
        if kind == "files":
            return shown.mime, _read(shown.place)
        if shown.facts is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND)
        return "image/png", self.server.png(_read(shown.place))

    def _post(self, path: str) -> tuple[str, bytes | memoryview]:
        if path == "describe":
            return _JSON, json.dumps(self.server.describe(self._body())).encode()
        if path == "decode":
            return "image/png", self.server.png(self._body())
        raise _RefusedError(HTTPStatus.METHOD_NOT_ALLOWED)

    def _body(self) -> bytes:
        """Read the request's body.

        Raises:
            _RefusedError: its length is not stated, or too large; or less was sent.
        """
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MAX_UPLOAD:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        data = self.rfile.read(int(length))
        if len(data) != int(length):
            raise _RefusedError(HTTPStatus.BAD_REQUEST)
        return data


def _read(place: str) -> bytes:
    """Read a file again, which may have changed.

    Raises:
        AezError: it cannot be read any more.
    """
    return storage.read_bytes(place)
