"""Coverage-guided fuzzing: atheris keeps what reaches new lines of the package, and damages it further.

A process of its own imports the package instrumented (``guided_worker``), which has to come before any other import of
it.
"""

import subprocess
import sys
from pathlib import Path

from aez.bitstream.errors import AezError
from aez.codec.extras import require


def run_guided(minutes: float, seed: int, out: Path) -> None:
    """Read files that atheris makes, for some minutes.

    Args:
        minutes: time.
        seed: of the random choices.
        out: folder of the findings.

    Raises:
        AezError: atheris is not installed, or there are findings.
    """
    require("atheris", what="guided fuzzing")
    worker = "aez.benchmarks.checks.fuzz.guided_worker"
    words = [sys.executable, "-m", worker, str(minutes), str(seed), str(out)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] if not done.stdout else []
        raise AezError(f"guided fuzzing failed, see {out} {' '.join(last)}".rstrip())
