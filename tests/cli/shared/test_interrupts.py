"""Ctrl-C at any moment: one line at most, no traceback, and nothing half done."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aez.bitstream import read_container
from aez.cli.shared.batch.interrupts import ctrl_c_raises, signals_raise

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no signals")


def with_ctrl_c() -> None:
    """Let this process see Ctrl-C, which a shell that runs the tests in the background has ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_at_any_time(aez: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("aez.cli.info.read_bytes", stop)
    result = aez("info", folder / "low.aez")
    assert (result.code, result.err) == (130, "aez: interrupted\n")


def test_ctrl_c_while_packages_load(folder: Path) -> None:
    """A package that sends the signal stands for the user; it would drop what is raised."""
    (folder / "click.py").write_text(
        "import contextlib, os, signal\n"
        "with contextlib.suppress(KeyboardInterrupt):\n    os.kill(os.getpid(), signal.SIGINT)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import aez.cli"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(folder)},
        preexec_fn=with_ctrl_c,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("raising", [ctrl_c_raises, signals_raise])
def test_ctrl_c_while_a_command_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raising: Any) -> None:
    """The import ends as if nothing had been; what interrupts comes after it."""
    (tmp_path / "dropping.py").write_text(
        "import os, signal\n"
        "raised = False\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n    raised = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), raising():
            assert not importlib.import_module("dropping").raised
            time.sleep(10)
    finally:
        signal.signal(signal.SIGINT, before)
        sys.modules.pop("dropping", None)


@pytest.mark.parametrize("after", [0.05, 0.1, 0.2, 0.3])
def test_ctrl_c_at_some_moments(folder: Path, tiny_path: Path, after: float) -> None:
    """At most one line, no traceback of the package, and no half-written file."""
    words = ["compress", folder / "a.png", "-o", folder / "o.aez", "--model", tiny_path]
    with subprocess.Popen(
        [sys.executable, "-m", "aez.cli", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=with_ctrl_c,
    ) as process:
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    if "Traceback" in error:  # by Python itself, before it reads the first line of the package
        assert "aez/cli/" not in error
    else:
        assert process.returncode in (0, 130, -signal.SIGINT) and error.count("\n") <= 1
    if (folder / "o.aez").exists():
        read_container((folder / "o.aez").read_bytes())
    assert not list(folder.glob(".*"))
