"""Damaged files lead to a picture or an AezError, with a small budget; the command has a large one."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aez.benchmarks.checks.fuzz import outcomes
from aez.benchmarks.checks.fuzz.mutations import mutated, mutated_weights
from aez.benchmarks.checks.fuzz.oracle import Refused, parse
from aez.benchmarks.checks.fuzz.outcomes import Finding, read_file, read_weights_file
from aez.benchmarks.checks.fuzz.seeds import seed_files
from aez.bitstream import AezError, Limits, read_container
from aez.codec import api
from aez.codec.base import PictureCodec
from aez.codec.codec import Codec

BUDGET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def codecs(codec: Codec) -> dict[bytes, PictureCodec]:
    sparse = api.load("sparse", "cpu", runtime="light")
    return {codec.fingerprint: codec, sparse.fingerprint: sparse}


@pytest.fixture(scope="module")
def seeds(codec: Codec) -> dict[str, bytes]:
    return seed_files(codec, {"sparse": api.load("sparse", "cpu", runtime="light")})


def test_seeds_have_every_feature(seeds: dict[str, bytes]) -> None:
    kinds = {chr(kind) for data in seeds.values() for kind, _ in parse(data)}
    assert kinds >= set("HZTAEiexp")
    assert any(kind == ord("A") and payload[0] == 0 for kind, payload in parse(seeds["alpha as a picture"]))
    assert sum(kind == ord("T") for kind, _ in parse(seeds["tiles and a preview"])) == 4


def test_the_readers_of_containers_agree_on_valid_files(seeds: dict[str, bytes], goldens: dict[str, bytes]) -> None:
    for data in (*seeds.values(), *goldens.values()):
        assert [(chr(kind), len(payload)) for kind, payload in parse(data)] == read_container(data).chunks
        with pytest.raises(Refused):
            parse(data[:-1])


@BUDGET
@given(st.randoms(use_true_random=True))
def test_damaged_files(seeds: dict[str, bytes], codecs: dict[bytes, PictureCodec], random: Random) -> None:
    read_file(mutated(list(seeds.values()), random), codecs, random)


@BUDGET
@given(st.randoms(use_true_random=True))
def test_damaged_weights(tiny_path: Path, random: Random) -> None:
    read_weights_file(mutated_weights(tiny_path.read_bytes(), random))


def test_other_outcomes_are_findings(
    seeds: dict[str, bytes], codecs: dict[bytes, PictureCodec], monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcome_of(way: object) -> str:
        monkeypatch.setattr(outcomes, "_WAYS", (way,))
        return read_file(seeds["colour"], codecs, Random(0)).kind

    def fail(error: Exception) -> object:
        raise error

    assert outcome_of(lambda *_: None) == "picture"
    assert outcome_of(lambda *_: fail(AezError("no"))) == "AezError"
    for error in (IndexError("x"), MemoryError(), AezError("a\nb")):
        with pytest.raises(Finding):
            outcome_of(lambda *_, error=error: fail(error))
    monkeypatch.setattr(outcomes, "MOST_SECONDS", 0.0)
    with pytest.raises(Finding, match=r" s$"):
        outcome_of(lambda *_: None)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")
def test_much_memory_is_a_finding(
    seeds: dict[str, bytes], codecs: dict[bytes, PictureCodec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "LIMITS", Limits(max_memory=10**7))
    monkeypatch.setattr(outcomes, "SPARE_MEMORY", 10**7)
    monkeypatch.setattr(outcomes, "_WAYS", (lambda *_: bytearray(10**8),))
    with pytest.raises(Finding, match="MB"):
        read_file(seeds["colour"], codecs, Random(0))


def test_the_command(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "aez.benchmarks.checks.fuzz", "--minutes", "0.02", "--out", str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "picture" in done.stdout and "most memory" in done.stdout
    assert not (tmp_path / "out").exists()
    assert not done.stderr
