import subprocess
import sys
from pathlib import Path

import pytest

from aez.benchmarks.checks import commands
from aez.benchmarks.checks.commands import Cost, Program, measure_all, measured, own_programs, report, rival_programs
from aez.bitstream.errors import AezError

EXAMPLES = Path(__file__).parents[3] / "examples"


def fake(target: Path, code: str = "", name: str = "fake") -> Program:
    words = (sys.executable, "-c", f"{code}\nfrom pathlib import Path\nPath({str(target)!r}).write_bytes(b'12345')")
    return Program(name, words, target)


def test_cost_of_a_command(tmp_path: Path) -> None:
    cost = measured(fake(tmp_path / "out"), 1)
    assert cost.size == 5 and cost.seconds > 0 and 1 < cost.megabytes < 100


def test_a_command_that_writes_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AezError, match=r"^fake wrote no file$"):
        measured(Program("fake", (sys.executable, "-c", ""), tmp_path / "nothing"), 1)


def test_commands_take_turns_after_a_warm_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = fake(tmp_path / "a"), fake(tmp_path / "b", name="other")
    ran = []
    seconds = iter([90.0, 90.0, 3.0, 10.0, 1.0, 30.0, 2.0, 20.0])

    def note(program: Program, threads: int) -> Cost:
        ran.append(program)
        return Cost(next(seconds), 1.0, 5)

    monkeypatch.setattr(commands, "measured", note)
    assert [cost.seconds for cost in measure_all([a, b], 1, 3).values()] == [2.0, 20.0]
    assert ran == [a, b] * 4


def test_a_command_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    names = {program.name for program in rival_programs(tmp_path / "a.png", tmp_path, 2)}
    assert "Python and Pillow for avifenc -s 6 -q 60 -y 444" in names and "Python and Pillow for dwebp" in names
    (tmp_path / "avifenc").write_text("#!/bin/sh\n")
    (tmp_path / "avifenc").chmod(0o755)
    first = rival_programs(tmp_path / "a.png", tmp_path, 2)[0]
    assert first.name == "avifenc -s 6 -q 60 -y 444"
    assert first.words[-4:] == ("-j", "2", str(tmp_path / "a.png"), str(first.target))


def test_rivals_without_commands_code_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    programs = rival_programs(EXAMPLES / "chelsea.png", tmp_path, 1)
    assert len(programs) >= 4
    for program in programs:
        assert measured(program, 1).size > 1000, program.name


def test_times_are_relative_to_decompress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "is_installed", lambda name: True)
    programs = own_programs(tmp_path / "a.png", tmp_path)
    costs = {program: Cost(1.0 + number, 50.0, 5) for number, program in enumerate(programs)}
    rows = [line.split() for line in report(costs).splitlines()[1:]]
    assert [row[:2] for row in rows] == 2 * [["aez", "compress,"], ["aez", "compress"], ["aez", "decompress,"]]
    assert [row[row.index("50") - 1] for row in rows] == ["0.33", "0.67", "1.00", "1.33", "1.67", "2.00"]


def test_torch_is_not_imported() -> None:
    code = "import sys, aez.benchmarks.checks.commands; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
