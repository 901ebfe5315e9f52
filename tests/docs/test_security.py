"""The table of limits and the tests that SECURITY.md names are those of the code."""

import re
from dataclasses import fields
from pathlib import Path

from aez.bitstream import Limits
from aez.bitstream.limits import FREE_PIXELS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_the_table_of_limits_has_the_defaults() -> None:
    rows = re.findall(r"^\| `(max_\w+)` \| `(--[\w-]+)` \| (\d+) \|", TEXT, re.M)
    expected = [(f.name, f"--{f.name.replace('_', '-')}", str(f.default)) for f in fields(Limits)]
    assert rows == expected
    assert f"first {FREE_PIXELS} pixels" in TEXT


def test_the_tests_are_there() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", TEXT)
    assert len(named) > 8
    assert all((ROOT / name).exists() for name in named)
