"""Folders, patterns and URLs to files."""

import os
from pathlib import Path

import pytest

from aez.bitstream import AezError
from aez.cli.shared.inputs import Input, _name_of, aez_suffixes, expand_inputs, picture_suffixes


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.PNG", "a.jpg", "x.aez", "notes.txt", ".hidden.png", "deep/er/c.webp", ".git/d.png", "empty/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def places(found: list[Input]) -> list[str]:
    return [Path(item.place).name for item in found]


def test_folders(tree: Path) -> None:
    found = expand_inputs([str(tree)], recursive=True, suffixes=picture_suffixes)
    assert places(found) == ["a.jpg", "b.PNG", "c.webp"]
    assert found[2] == Input(str(tree / "deep/er/c.webp"), str(Path("deep/er/c.webp")), True)
    assert places(expand_inputs([str(tree)], recursive=True, suffixes=aez_suffixes)) == ["x.aez"]
    assert expand_inputs([str(tree)], recursive=False, suffixes=picture_suffixes) == [Input(str(tree), tree.name)]
    with pytest.raises(AezError, match="nothing in this folder"):
        expand_inputs([str(tree / "empty")], recursive=True, suffixes=picture_suffixes)


def test_folders_behind_links_are_not_entered(tree: Path) -> None:
    (tree / "deep" / "loop").symlink_to(tree, target_is_directory=True)
    assert places(expand_inputs([str(tree)], recursive=True, suffixes=picture_suffixes)) == ["a.jpg", "b.PNG", "c.webp"]


def test_which_suffixes() -> None:
    suffixes = picture_suffixes()
    assert {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".gif"} <= suffixes
    assert not {".aez", ".eps", ".pdf", ".mpg", ".wmf", ".txt"} & suffixes


def test_patterns(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)

    def expand(pattern: str, recursive: bool = False) -> list[str]:
        return [item.place for item in expand_inputs([pattern], recursive=recursive, suffixes=picture_suffixes)]

    assert expand("*.jpg") == ["a.jpg"]
    assert expand("[ab].*") == ["a.jpg", "b.PNG"]
    assert expand("**/*.webp") == [os.path.join("deep", "er", "c.webp")]  # noqa: PTH118
    assert expand(str(tree / "*.jpg")) == [str(tree / "a.jpg")]
    assert expand("*") == ["a.jpg", "b.PNG", "notes.txt", "x.aez"]
    assert expand("*e*", recursive=True) == [str(Path("deep/er/c.webp")), "notes.txt", "x.aez"]
    with pytest.raises(AezError, match=r"\*\.gif: no file matches"):
        expand("*.gif")
    with pytest.raises(AezError, match="only folders match"):
        expand("dee?")


def test_a_file_whose_name_is_a_pattern(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    Path("[ab].jpg").write_bytes(b"")
    assert places(expand_inputs(["[ab].jpg"], recursive=False, suffixes=picture_suffixes)) == ["[ab].jpg"]


def test_standard_input_is_alone() -> None:
    assert expand_inputs(["-"], recursive=False, suffixes=picture_suffixes) == [Input("-", "-")]
    with pytest.raises(AezError, match="only input"):
        expand_inputs(["-", "a.png"], recursive=False, suffixes=picture_suffixes)


@pytest.mark.parametrize("path", ["bucket/..", "bucket/a\\..\\..\\b.png", "bucket/c:b.png"])
def test_names_that_lead_out_are_refused(path: str) -> None:
    with pytest.raises(AezError, match="no name for an output"):
        _name_of(path)
