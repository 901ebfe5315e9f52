"""Object stores by URL; fsspec's store in memory stands for them."""

import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from aez.bitstream import AezError
from aez.cli.shared import storage
from aez.codec.codec import Codec

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket(folder: Path) -> str:
    url = f"memory://{uuid.uuid4().hex}"
    picture = (folder / "a.png").read_bytes()
    for name in ("in/a.png", "in/deep/b.png"):
        storage.write_bytes(f"{url}/{name}", picture)
    storage.write_bytes(f"{url}/in/notes.txt", b"-")
    return url


def test_a_folder_of_objects(aez: Any, bucket: str, model: Any, codec: Codec) -> None:
    result = aez("compress", "-r", f"{bucket}/in", "-o", f"{bucket}/out", *model, "--json")
    assert result.code == 0
    outputs = [json.loads(line)["output"] for line in result.out.splitlines()]
    assert [output.removeprefix(bucket) for output in outputs] == ["/out/a.aez", "/out/deep/b.aez"]
    for output in outputs:
        assert codec.decode(storage.read_bytes(output)).size == (40, 30)
    assert aez("compress", "-r", f"{bucket}/in", "-o", f"{bucket}/out", *model).code == 1
    result = aez("compress", "-r", f"{bucket}/in", "-o", f"{bucket}/out", *model, "--skip-existing")
    assert (result.code, result.out.count("skipped")) == (0, 2)


def test_from_a_store_to_files_and_back(aez: Any, bucket: str, folder: Path, model: Any) -> None:
    assert aez("compress", f"{bucket}/in/*.png", "-o", folder / "out", *model).code == 0
    assert not (folder / "out").is_dir()  # one match and a name: a file
    assert aez("compress", f"{bucket}/in/a.png", "-o", f"{folder}/dir/", *model).code == 0
    target = f"{bucket}/back.png"
    assert aez("decompress", folder / "dir" / "a.aez", "-o", target, *model, "--delete-source").code == 0
    assert storage.read_bytes(target)[:4] == b"\x89PNG"
    assert not (folder / "dir" / "a.aez").exists()


def test_objects_are_deleted_on_request(aez: Any, bucket: str, model: Any) -> None:
    assert aez("compress", f"{bucket}/in/a.png", *model, "--delete-source").code == 0
    assert not storage.exists(f"{bucket}/in/a.png")
    assert storage.exists(f"{bucket}/in/a.aez")


def test_what_is_not_there(aez: Any, bucket: str, model: Any) -> None:
    for place, reason in ((f"{bucket}/no.png", "no such file"), (f"{bucket}/*.gif", "no file matches")):
        result = aez("compress", place, *model)
        assert result.code == 1
        assert result.err.startswith(f"aez: {place}: {reason}")
        assert result.err.count("\n") == 1


@pytest.mark.parametrize("key", ["/../../up.png", "//abs/path/x.png", "/deep/../../up.png", "/..\\up.png", "/C:/x.png"])
def test_keys_that_lead_out_of_the_folder(aez: Any, folder: Path, tmp_path: Path, model: Any, key: str) -> None:
    """As a hostile server may list them."""
    from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

    root, store = f"/{uuid.uuid4().hex}", MemoryFileSystem.store
    for name in (f"{root}/ok.png", root + key):
        store[name] = MemoryFile(None, name, (folder / "a.png").read_bytes())
    before = sorted(tmp_path.rglob("*"))
    result = aez("compress", "-r", f"memory:/{root}", "-o", tmp_path / "w" / "x" / "y", *model)
    if any(found.endswith(key) for found in MemoryFileSystem().find(root)):
        assert result.code == 1
        assert "is not below" in result.err and result.err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
    else:  # a version of fsspec that does not list such a key
        assert result.code == 0
        assert [path for path in tmp_path.rglob("*") if path.is_file() and path not in before] == [
            tmp_path / "w" / "x" / "y" / "ok.aez"
        ]
    assert not Path("/abs").exists()


@pytest.mark.parametrize("place", ["zip://::{}", "zip://*.png::{}"])
def test_chained_urls(aez: Any, folder: Path, model: Any, place: str) -> None:
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.write(folder / "a.png", "a.png")
    url = place.format(folder / "all.zip")
    result = aez("compress", "-r", url, "-o", folder / "out", *model)
    assert (result.code, result.err) == (1, f"aez: {url}: of a chained URL (::) files must be named one by one\n")
    url = f"zip://a.png::{folder / 'all.zip'}"
    assert aez("compress", url, "-o", folder / "b.aez", *model).code == 0


def test_unknown_stores() -> None:
    with pytest.raises(AezError, match="nosuch://x: cannot be reached"):
        storage.read_bytes("nosuch://x")
