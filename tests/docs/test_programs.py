"""Check that the examples, figures, man pages and shell completion do what the documentation says."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from PIL import Image

from aez import codec
from aez.cli import main
from aez.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]


def program(path: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    with Image.open(ROOT / "examples" / "chelsea.png") as image:
        image.crop((100, 50, 260, 210)).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def test_imageio(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("imageio")
    target = picture.with_suffix(".aez")
    program("examples/imageio_pictures.py").main(str(picture), str(target))
    assert "(160, 160, 3) uint8" in capsys.readouterr().out
    assert codec.info(target.read_bytes())["quality"] == pytest.approx(60, abs=0.1)


def test_torchvision(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torchvision")
    for name in ("cat", "tabby"):
        (picture.parent / "set" / name).mkdir(parents=True)
        with Image.open(picture) as image:
            (picture.parent / "set" / name / "a.aez").write_bytes(codec.encode(image, effort=0))
    program("examples/torchvision_folder.py").main(str(picture.parent / "set"))
    out = capsys.readouterr().out
    assert out.startswith("(2, 3, 128, 128) torch.float32") and "cat" in out and "tabby" in out


def test_figures_are_what_their_program_draws() -> None:
    drawn = {name: draw() for name, draw in program("docs/figures.py").FIGURES.items()}
    folder = ROOT / "docs" / "pages" / "images"
    assert {path.name for path in folder.glob("*.svg")} == set(drawn)
    for name, text in drawn.items():
        ElementTree.fromstring(text)
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name}: run python docs/figures.py"


@pytest.fixture(scope="module")
def man_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man") / "man1"
    program("docs/man.py").main(str(folder))
    return folder


def test_man_pages_hold_what_help_says(man_pages: Path) -> None:
    assert {path.name for path in man_pages.iterdir()} == {"aez.1", *(f"aez-{name}.1" for name in COMMANDS)}
    text = (man_pages / "aez-compress.1").read_text(encoding="utf-8")
    assert "aez\\-compress \\- Compress pictures into .aez files\n" in text
    assert "\\fB\\-\\-target\\-size SIZE\\fR" in text
    for path in man_pages.iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.startswith("'")], "roff takes such a line for a command"


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_man_pages_are_correct_roff(man_pages: Path) -> None:
    for path in man_pages.iterdir():
        made = subprocess.run(
            ["groff", "-man", "-K", "utf8", "-T", "utf8", "-P-cbou", "-ww", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (made.returncode, made.stderr) == (0, "")
        assert "SYNOPSIS" in made.stdout


@pytest.mark.parametrize(
    ("words", "number", "completed"),
    [
        ("aez com", 1, {"compress", "compare"}),
        ("aez compress --target-", 2, {"--target-bpp", "--target-psnr", "--target-score", "--target-size"}),
    ],
)
def test_completion(
    words: str, number: int, completed: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["aez"])
    for name, value in (("_AEZ_COMPLETE", "bash_complete"), ("COMP_WORDS", words), ("COMP_CWORD", str(number))):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main()
    assert {line.split(",")[1] for line in capsys.readouterr().out.splitlines()} == completed
