"""`aez view`: the command around its server."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aez.bitstream.errors import AezError
from aez.cli.shared.viewing.files import check_file, media_type
from aez.cli.shared.viewing.page import INDEX, check_runtime, packaged_page, page_files
from aez.cli.shared.viewing.server import Server
from aez.codec import Limits
from aez.codec.describe import describe
from tests.cli.view_client import Client

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/([\w-]{32})/\n")


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
