"""`aez view`: a server for one user, which gives the page and the named files, and no more."""

import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez import codec as library
from aez.bitstream.errors import AezError
from aez.cli.shared.viewing.files import check_file, media_type
from aez.cli.shared.viewing.page import INDEX, check_runtime, packaged_page, page_files
from aez.cli.shared.viewing.server import MAX_UPLOAD, Server
from aez.cli.view import _png
from aez.codec import Limits
from aez.codec.describe import describe

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/([\w-]{32})/\n")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Connection(http.client.HTTPConnection):
    """A connection that sends paths of any bytes."""

    def _encode_request(self, request: str) -> bytes:
        return request.encode("utf-8")


class Client:
    """Requests to a server, each on a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    def __call__(
        self, path: str, method: str = "GET", body: bytes | None = None, *, raw: bool = False, **headers: str
    ) -> Answer:
        connection = Connection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path if raw else f"/{self.token}/{path}", skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None and "Content_Length" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return found


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
    """What modules, styles and pages name is in the package."""
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


# ------------------------------------------------------------------ the command


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "aez.cli", "view", "--no-open", *map(str, arguments)]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A shell that runs the tests in the background has Ctrl-C ignored, which the command would inherit.
    reset = (lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) if os.name == "posix" else None
    return subprocess.Popen(command, cwd=folder, preexec_fn=reset, **pipes)


def address(process: subprocess.Popen[str]) -> Client:
    assert process.stdout is not None
    found = ADDRESS.fullmatch(process.stdout.readline())
    assert found, process.communicate()
    return Client(int(found[1]), found[2])


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_the_command_serves_until_ctrl_c(folder: Path, tiny_path: Path) -> None:
    process = start(folder, "low.aez", "a.png", "--model", tiny_path)
    client = address(process)
    assert [one["name"] for one in json.loads(client("files.json").body)["files"]] == ["low.aez", "a.png"]
    assert client("pictures/0").status == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    with pytest.raises(ConnectionRefusedError):
        client("")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_a_chosen_port(folder: Path) -> None:
    with Server([], {}, None, describe) as server:
        port = server.port
        process = start(folder, "low.aez", "--port", port)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (1, "")
        assert err.startswith(f"aez: port {port}: cannot be used (") and err.count("\n") == 1
    process = start(folder, "low.aez", "--port", port)
    assert address(process).port == port
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_browser_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch, aez: Any) -> None:
    opened: list[str] = []
    seen = threading.Event()

    def open_page(url: str) -> bool:
        opened.append(url)
        seen.set()
        return True

    def serve(server: Server, *_: object) -> None:
        seen.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", open_page)
    monkeypatch.setattr(Server, "serve_forever", serve)
    result = aez("view", folder / "low.aez")
    assert (result.code, result.err) == (0, "")
    assert ADDRESS.fullmatch(result.out) and opened == [result.out.strip()]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.aez", "no such file"),
        (".", "is a folder"),
        ("text.png", "neither an .aez file nor a PNG"),
        ("empty.aez", "neither an .aez file nor a PNG"),
        ("cut.aez", "truncated|ends|cut|missing|short"),
        ("https://example.invalid/a.aez", "is no file"),
        ("-", "standard input: is no file"),
        ("*.nothing", "no file matches"),
    ],
)
def test_a_file_with_an_error_ends_the_command_before_it_listens(
    folder: Path, aez: Any, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    (folder / "text.png").write_text("no picture")
    (folder / "empty.aez").write_bytes(b"")
    (folder / "cut.aez").write_bytes((folder / "low.aez").read_bytes()[:-30])
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Server, "__init__", lambda *_, **__: pytest.fail("it listens"))
    result = aez("view", *([] if name == "-" else ["low.aez"]), name)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"aez: {'' if name == '-' else name}") and result.err.count("\n") == 1
    assert re.search(reason, result.err)


def test_an_unknown_model_ends_the_command_before_it_listens(
    folder: Path, aez: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "__init__", lambda *_, **__: pytest.fail("it listens"))
    result = aez("view", folder / "low.aez", "--model", "none")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert result.err.startswith("aez: none: neither a model of this package")


def test_limits_hold(folder: Path, aez: Any) -> None:
    result = aez("view", folder / "low.aez", "--max-pixels", 1000)
    assert result.code == 1
    assert result.err.startswith(f"aez: {folder / 'low.aez'}: ") and "above the limit of 1000" in result.err


def test_wrong_usage(folder: Path, aez: Any) -> None:
    assert aez("view").code == 2
    assert aez("view", folder / "low.aez", "--port", 70000).code == 2
    assert aez("view", folder / "low.aez", "--model", "photo", "--page", folder).code == 2


def test_a_page_of_ones_own(folder: Path, aez: Any, tmp_path: Path) -> None:
    """Its runtime is served; nothing else of the folder that is not for the page."""
    page = tmp_path / "page"
    for name in ("page", "node_modules/onnxruntime-web/dist", "node_modules/other", "test", ".git"):
        (page / name).mkdir(parents=True)
        (page / name / "x.js").write_text("x")
    assert "does not hold the page of aez" in aez("view", folder / "low.aez", "--page", page).err
    (page / INDEX).write_text((packaged_page() / INDEX).read_text(encoding="utf-8"), encoding="utf-8")
    (page / "notes.txt").write_text("x")
    assert "run npm ci in it" in aez("view", folder / "low.aez", "--page", page).err
    (page / "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm").write_bytes(b"x")
    assert "run make_weights.py in it" in aez("view", folder / "low.aez", "--page", page).err
    (page / "weights").mkdir()
    (page / "weights/a.safetensors").write_bytes(b"x")
    found = page_files(page)
    check_runtime(page, found)
    runtime = "node_modules/onnxruntime-web/dist/"
    assert set(found) == {INDEX, "page/x.js", f"{runtime}ort-wasm-simd-threaded.wasm", "weights/a.safetensors"}
    with Server([check_file(str(folder / "low.aez"), Limits())], found, None, describe) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        client = Client(server.port, server.token)
        assert json.loads(client("files.json").body)["decodes"] is False
        assert client("pictures/0").status == client("decode", "POST", b"x").status == 404
        assert client(f"{runtime}ort-wasm-simd-threaded.wasm").headers["Content-Type"] == "application/wasm"
        assert client("notes.txt").status == 404
        server.shutdown()
        thread.join()


def test_media_types(folder: Path) -> None:
    with Image.open(folder / "a.png") as image:
        for suffix, mime in {
            "jpg": "image/jpeg",
            "webp": "image/webp",
            "gif": "image/gif",
            "avif": "image/avif",
        }.items():
            image.save(folder / f"a.{suffix}")
            assert media_type((folder / f"a.{suffix}").read_bytes()[:16]) == mime
            assert check_file(str(folder / f"a.{suffix}"), Limits()).mime == mime
        image.save(folder / "a.bmp")
    with pytest.raises(AezError, match="neither"):
        check_file(str(folder / "a.bmp"), Limits())
    assert media_type(b"") is None
