"""Importing torch takes a second or more, so modules that do not need torch must not import it."""

import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    "code",
    [
        "import aez; aez.__version__",
        "import aez.bitstream",
        "import aez.bitstream.entropy",
        "import aez.codec, aez.codec.model.registry, aez.codec.describe",
        "import aez.cli.main",
        "from aez.cli.main import main; sys.argv = ['aez', '--help']; main()",
        "from aez.cli.main import main; sys.argv = ['aez', 'compress', '--help']; main()",
        "from aez.cli.main import main; sys.argv = ['aez', 'train', '--help']; main()",
        "from aez.cli.main import main; sys.argv = ['aez', 'models']; main()",
        "from aez.cli.main import main; sys.argv = ['aez', 'info', 'dot.aez']; main()",
        "from aez.cli.main import main; sys.argv = ['aez', 'decompress', '-o', 'no.png', 'tiny.safetensors']; main()",
    ],
)
def test_torch_is_not_imported(code: str) -> None:
    program = f"import atexit, os, sys\natexit.register(lambda: 'torch' in sys.modules and os._exit(77))\n{code}"
    run = subprocess.run([sys.executable, "-c", program], cwd=DATA, capture_output=True, text=True, check=False)
    assert run.returncode == (1 if "decompress" in code else 0), run.stderr


def test_the_file_format_needs_no_codec() -> None:
    program = "import sys, aez.bitstream.entropy; sys.exit(any(m.startswith('aez.c') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("command", ["compress", "decompress"])
def test_help_needs_neither_numpy_nor_pillow(command: str) -> None:
    program = f"import sys, aez.cli.main, aez.cli.{command}; sys.exit('PIL' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
