"""The server of `aez view`: for one user, it gives the page and the named files, and no more."""

import http.client
import io
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez import codec as library
from aez.cli.shared.viewing.files import check_file
from aez.cli.shared.viewing.page import INDEX, packaged_page, page_files
from aez.cli.shared.viewing.server import MAX_UPLOAD, Server
from aez.cli.view import _png
from aez.codec import Limits
from aez.codec.describe import describe
from tests.cli.view_client import Client


@pytest.fixture
def files(folder: Path) -> list[Path]:
    (folder / "secret.txt").write_text("secret")
    return [folder / "low.aez", folder / "a.png"]


@pytest.fixture
def served(files: list[Path], tiny_path: Path) -> Iterator[Client]:
    """A server in this process, in a thread."""
    shown = [check_file(str(file), Limits()) for file in files]

    def decode(data: bytes) -> Any:
        return _png(data, model=str(tiny_path), limits=Limits())

    with Server(shown, page_files(packaged_page()), decode, describe) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Client(server.port, server.token)
        server.shutdown()
        thread.join()


def test_the_page_and_its_files(served: Client) -> None:
    for path in ("", INDEX, "?src=a"):
        answer = served(path)
        assert answer.status == 200
        assert b'<meta name="aez-view" content="files.json">' in answer.body
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    for path, mime in {
        "page.js": "text/javascript; charset=utf-8",
        "page.css": "text/css; charset=utf-8",
        "page/stage.js": "text/javascript; charset=utf-8",
        "display/decoder.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }.items():
        answer = served(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, mime)
        assert answer.body == (packaged_page() / path).read_bytes()


def test_all_that_the_page_asks_for_is_served(served: Client) -> None:
    """The package has every file that modules, styles and pages name."""
    known = page_files(packaged_page())
    seen = set()
    for path, file in known.items():
        text = file.read_text(encoding="utf-8")
        pattern = r'(?:href|src)="([^"#:]+)"' if path == INDEX else r'(?:from|import|new URL\() ?"(\.[^"]+)"'
        for name in re.findall(pattern, text):
            target = os.path.normpath(Path(path).parent / name)
            seen.add(target)
            assert target in known or target.startswith("node_modules"), f"{path} names {name}"
    assert {"page.js", "page.css", "display/worker.js", "page/stage.js"} <= seen


def test_the_list_of_files_has_no_paths(served: Client, files: list[Path]) -> None:
    found = json.loads(served("files.json").body)
    assert found["decodes"] is True
    low, png = found["files"]
    assert (low["name"], low["kind"], low["bytes"]) == ("low.aez", "aez", files[0].stat().st_size)
    assert (low["facts"]["width"], low["facts"]["height"]) == (150, 100)
    assert png == {"name": "a.png", "kind": "picture", "bytes": files[1].stat().st_size, "facts": None}
    assert str(files[0].parent) not in json.dumps(found)


def test_files_and_pictures(served: Client, files: list[Path], tiny_path: Path) -> None:
    first = served("files/0")
    assert (first.status, first.body) == (200, files[0].read_bytes())
    assert first.headers["Content-Type"] == "image/x-aez"
    second = served("files/1")
    assert (second.body, second.headers["Content-Type"]) == (files[1].read_bytes(), "image/png")
    picture = served("pictures/0")
    assert picture.headers["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(picture.body)) as image:
        expected = library.decode(files[0], model=str(tiny_path))
        assert np.array_equal(np.asarray(image), np.asarray(expected))
    assert served("pictures/1").status == 404


def test_pictures_are_turned_as_they_are_meant_to_be_seen(photo: NDArray[np.uint8]) -> None:
    image = Image.fromarray(photo[:40, :60])
    exif = Image.Exif()
    exif[274] = 6
    image.info["exif"] = exif.tobytes()
    data = library.encode(image, effort=0)
    assert library.info(data)["orientation"] == 6
    with Image.open(io.BytesIO(_png(data, model=None, limits=Limits()))) as made:
        assert made.size == (40, 60)
        assert made.getexif().get(274, 1) == 1


def test_a_dropped_file_is_described_and_decoded(served: Client, goldens: dict[str, bytes]) -> None:
    facts = json.loads(served("describe", "POST", goldens["tiled"]).body)
    assert (facts["width"], facts["tiles"]) == (300, 2)
    answer = served("decode", "POST", goldens["tiled"])
    assert answer.status == 200
    with Image.open(io.BytesIO(answer.body)) as image:
        assert image.size == (300, 200)
    for path in ("describe", "decode"):
        refused = served(path, "POST", goldens["tiled"][:-9])
        assert (refused.status, refused.headers["Content-Type"]) == (422, "text/plain; charset=utf-8")
        assert refused.body.count(b"\n") == 1 and len(refused.body) > 10


def test_head_is_get_without_the_body(served: Client) -> None:
    for path in ("", "page.js", "files.json", "files/0", "pictures/0"):
        got, head = served(path), served(path, "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.body))


def exchange(client: Client, request: str) -> bytes:
    """Send bytes and return all that comes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
        connection.sendall(request.format(token=client.token, host=f"127.0.0.1:{client.port}").encode())
        return connection.makefile("rb").read()


def test_head_has_no_body(served: Client) -> None:
    answer = exchange(served, "HEAD /{token}/files/0 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n")


def test_the_body_of_a_refused_request_is_no_request(served: Client) -> None:
    inner = "GET /{token}/files/0 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    head = "POST /{token}/other HTTP/1.1\r\nHost: {host}\r\nContent-Length: 200\r\n\r\n"
    answer = exchange(served, head + inner)
    assert answer.startswith(b"HTTP/1.1 405 ") and answer.count(b"HTTP/1.1 ") == 1


def test_every_request_needs_the_token(served: Client) -> None:
    wrong = "x" * len(served.token)
    paths = [
        "/",
        "",
        "*",
        "/index.html",
        "/files/0",
        "/page.js",
        f"/{wrong}/",
        f"/{wrong}/files/0",
        f"/{served.token[:-1]}/",
    ]
    paths += [f"/{served.token}", f"/{served.token}x/", f"//{served.token}/page", f"/x/{served.token}/", "/é/"]
    for path in filter(None, paths):
        answer = served(path, raw=True)
        assert answer.status == 404, path
        assert b"aez" not in answer.body


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1:{port}.evil.example"]
)
def test_other_hosts_are_refused(served: Client, host: str) -> None:
    """A name that another site had resolved to this machine."""
    for path in ("", "files/0"):
        assert served(path, Host=host.format(port=served.port)).status == 403


def test_own_hosts(served: Client) -> None:
    for host in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert served("files/0", Host=f"{host}:{served.port}").status == 200


def test_requests_without_or_with_two_hosts_are_refused(served: Client) -> None:
    own = f"Host: 127.0.0.1:{served.port}\r\n"
    for hosts in ("", own + own, own + "Host: evil.example\r\n"):
        answer = exchange(served, f"GET /{{token}}/ HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 403 ")


def test_other_origins_are_refused(served: Client, goldens: dict[str, bytes]) -> None:
    for origin in ("http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"):
        answer = served("decode", "POST", goldens["low"], Origin=origin.format(port=served.port))
        assert answer.status == 403
    assert served("decode", "POST", goldens["low"], Origin=f"http://127.0.0.1:{served.port}").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "secret.txt",
        "files/2",
        "files/-1",
        "files/00",
        "files/0/",
        "files/٠",  # a digit, for int()
        "files/",
        "files/a.png",
        "files/../secret.txt",
        "../secret.txt",
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/secret.txt",
        "/etc/passwd",
        "page/../page.js",
        "./page.js",
        "page",
        "page/",
        "test/page.test.js",
        "package.json~",
        "PAGE.JS",
        "page.js%00.css",
        "pictures/7",
        "pictures/",
        "decode",
        "describe",
    ],
)
def test_nothing_else_is_reached(served: Client, path: str) -> None:
    answer = served(path)
    assert answer.status == 404
    assert answer.body == b"Not Found\n"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"])
def test_other_methods_are_refused(served: Client, method: str) -> None:
    answer = served("files/0", method)
    assert answer.status == 405
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_posts_are_limited(served: Client) -> None:
    assert served("files/0", "POST", b"x").status == 405
    assert served("decode", "POST").status == 411
    assert served("decode", "POST", b"", Content_Length="-1").status == 411
    assert served("decode", "POST", b"", Content_Length="²").status == 411
    assert served("decode", "POST", b"", Content_Length=str(MAX_UPLOAD + 1)).status == 413


def test_headers_of_every_answer(served: Client) -> None:
    for answer in (served(""), served("files/0"), served("nothing"), served("files/0", "PUT"), served("/", raw=True)):
        headers = answer.headers
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers
        assert "Python" not in headers["Server"]


def test_only_this_machine_is_listened_to(served: Client, files: list[Path]) -> None:
    with Server([], {}, None, describe) as server:
        assert server.server_address[0] == "127.0.0.1"
        assert server.url.startswith(f"http://127.0.0.1:{server.port}/")
        assert len(server.token) == 32 and server.token != served.token


def test_files_that_change_meanwhile(served: Client, files: list[Path]) -> None:
    data = files[0].read_bytes()
    files[0].write_bytes(data[:-20])
    answer = served("pictures/0")
    assert (answer.status, answer.headers["Content-Type"]) == (422, "text/plain; charset=utf-8")
    files[0].unlink()
    for path in ("files/0", "pictures/0"):
        answer = served(path)
        assert answer.status == 422 and b"no such file" in answer.body
    assert served("files/1").status == 200


def test_a_connection_is_used_again_after_an_error(served: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    for path, status in (("files/0", 200), ("files/9", 404), ("files/1", 200)):
        connection.request("GET", f"/{served.token}/{path}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.close()
