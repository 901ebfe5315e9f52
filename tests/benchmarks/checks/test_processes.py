import os
import sys

import pytest

from aez.benchmarks.checks.processes import run_alone
from aez.bitstream.errors import AezError


def test_memory_is_the_commands_own() -> None:
    held = b"1" * 300_000_000
    small = run_alone("fake", (sys.executable, "-c", "print('done')"), 1)
    assert small.megabytes < 100 < len(held) / 1e6
    assert small.output == "done\n"
    large = run_alone("fake", (sys.executable, "-c", "x = bytearray(range(256)) * 1_000_000"), 1)
    assert 256 < large.megabytes < 400


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not pin processes")
def test_threads_limit_the_cpus() -> None:
    code = "import os; print(len(os.sched_getaffinity(0)))"
    assert run_alone("fake", (sys.executable, "-c", code), 1).output == "1\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((sys.executable, "-c", "import sys; sys.exit('two\\nlines')"), "fake failed: lines"),
        ((sys.executable, "-c", "import sys; sys.exit(3)"), "fake failed: exit code 3"),
        (("no-such-program",), "fake: .*no-such-program"),
    ],
)
def test_a_failure_is_one_line(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(AezError, match=f"^{message}[^\n]*$"):
        run_alone("fake", words, 1)
