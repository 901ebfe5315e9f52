"""Counts of outcomes, and findings as files."""

from collections import Counter
from pathlib import Path

from aez.benchmarks.checks.fuzz.outcomes import Outcome
from aez.benchmarks.commands import table

_NONE = Outcome("none", 0, 0)


class Tally:
    """The outcomes of a run.

    Attributes:
        findings: number of findings.
    """

    def __init__(self, out: Path, seed: int) -> None:
        """Count from zero.

        Args:
            out: folder of the findings; it is made for the first one.
            seed: of the run, in the names of findings.
        """
        self.findings = 0
        self._out, self._seed = out, seed
        self._kinds: Counter[str] = Counter()
        self._slowest = self._largest = _NONE

    def add(self, *outcomes: Outcome) -> None:
        """Count some outcomes."""
        for outcome in outcomes:
            self._kinds[outcome.kind] += 1
            self._slowest = max(self._slowest, outcome, key=lambda one: one.seconds)
            self._largest = max(self._largest, outcome, key=lambda one: one.megabytes)

    def found(self, data: bytes, text: str) -> None:
        """Keep a finding: the file, and what it led to."""
        self.findings += 1
        self._out.mkdir(parents=True, exist_ok=True)
        (self._out / f"{self._seed}-{self.findings}.bin").write_bytes(data)
        (self._out / f"{self._seed}-{self.findings}.txt").write_text(text, encoding="utf-8")

    def text(self) -> str:
        """Describe all outcomes as a table, and the most time and memory of one file."""
        rows = [(kind, str(number)) for kind, number in self._kinds.most_common()]
        if self.findings:
            rows.append(("finding", str(self.findings)))
        rows.append(("all", str(self._kinds.total() + self.findings)))
        most = f"longest {self._slowest.seconds:.1f} s, most memory {self._largest.megabytes:.0f} MB"
        return f"{table(('outcome', 'files'), rows)}\n{most}"
