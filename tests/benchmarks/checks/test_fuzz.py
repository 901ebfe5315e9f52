"""Damaged files lead to a picture or an AezError, with a small budget; the command has a large one."""

import mmap
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aez.benchmarks.checks.fuzz import oracle, outcomes
from aez.benchmarks.checks.fuzz.mutations import mutated, mutated_weights
from aez.benchmarks.checks.fuzz.oracle import Refused, parse
from aez.benchmarks.checks.fuzz.outcomes import Finding, check_with_oracle, read_file, read_weights_file
from aez.benchmarks.checks.fuzz.seeds import seed_files
from aez.benchmarks.checks.fuzz.urls import WAYS, Sent, read_urls
from aez.bitstream import AezError, Limits, read_container
from aez.codec import api
from aez.codec.base import PictureCodec
from aez.codec.codec import Codec
from aez.codec.extras import is_installed

BUDGET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


READERS = (oracle.layer_of, oracle.alpha_of, oracle.preview_of)


@pytest.fixture(scope="module")
def codecs(codec: Codec) -> dict[bytes, PictureCodec]:
    sparse = api.load("sparse", "cpu", runtime="light")
    return {codec.fingerprint: codec, sparse.fingerprint: sparse}


@pytest.fixture(scope="module")
def seeds(codec: Codec) -> dict[str, bytes]:
    return seed_files([codec, api.load("sparse", "cpu", runtime="light")])


def test_seeds_have_every_feature(seeds: dict[str, bytes]) -> None:
    kinds = {chr(kind) for data in seeds.values() for kind, _ in parse(data)}
    assert kinds >= set("HZTALEiexp")
    headers = [read_container(data).header for data in seeds.values()]
    assert {header.depth for header in headers} == {8, 10, 12, 16}
    assert {header.colour for header in headers} == {"RGB", "grey", "grey RGB"}
    assert {header.layout for header in headers} == {0, 1}
    layers = [payload for data in seeds.values() for kind, payload in parse(data) if kind == ord("L")]
    assert {payload[0] >= 128 for payload in layers} == {False, True}
    assert any(kind == ord("A") and payload[0] == 0 for kind, payload in parse(seeds["alpha as a picture"]))
    assert sum(kind == ord("T") for kind, _ in parse(seeds["tiles and a preview"])) == 4


def test_the_readers_of_containers_agree_on_valid_files(seeds: dict[str, bytes], goldens: dict[str, bytes]) -> None:
    for data in (*seeds.values(), *goldens.values()):
        assert [(chr(kind), len(payload)) for kind, payload in parse(data)] == read_container(data).chunks
        with pytest.raises(Refused):
            parse(data[:-1])


def test_the_readers_of_payloads_agree_on_valid_files(seeds: dict[str, bytes]) -> None:
    found = [[reader(parse(data)) for reader in READERS] for data in seeds.values()]
    for number in range(len(READERS)):
        assert sum(contents[number] is not None for contents in found) >= 3
    for data in seeds.values():
        check_with_oracle(data)


@pytest.mark.parametrize("reader", ["read_layer", "read_alpha", "stored_preview"])
def test_readers_that_disagree_are_a_finding(
    seeds: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    def refuse(*_: object) -> None:
        raise AezError("no")

    monkeypatch.setattr(outcomes, reader, refuse)
    with pytest.raises(Finding, match="disagree"):
        for data in seeds.values():
            check_with_oracle(data)


@pytest.mark.slow
@BUDGET
@given(st.randoms(use_true_random=True))
def test_damaged_files(seeds: dict[str, bytes], codecs: dict[bytes, PictureCodec], random: Random) -> None:
    read_file(mutated(list(seeds.values()), random), codecs, random)


@pytest.mark.slow
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
    monkeypatch.setattr(outcomes, "SPARE_MEMORY", 10**7)

    def take(*_: object) -> None:
        with mmap.mmap(-1, 10**8) as memory:  # not what this process has kept
            for at in range(0, len(memory), 4096):
                memory[at] = 1

    monkeypatch.setattr(outcomes, "_WAYS", (take,))
    with pytest.raises(Finding, match="MB"):
        read_file(seeds["colour"], codecs, Random(0), Limits(max_memory=10**7))


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "aez.benchmarks.checks.fuzz", "--minutes", "0.02", "--runtime", "light"]
    done = subprocess.run([*words, "--out", str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "picture" in done.stdout and "most memory" in done.stdout
    assert not (tmp_path / "out").exists()
    assert not done.stderr


@pytest.mark.slow
def test_files_by_url() -> None:
    """The package's own model, whose files need no option."""
    pytest.importorskip("aiohttp")
    data = api.encode(np.zeros((20, 30, 3), np.uint8), effort=0)
    files = [Sent(data, way, valid) for way in WAYS for valid in (True, False)]
    outcomes = [outcome.kind for outcome in read_urls(files)]
    assert outcomes.count("picture by URL") >= 5


def test_guided_fuzzing() -> None:
    words = [sys.executable, "-m", "aez.benchmarks.checks.fuzz", "--guided", "--minutes", "0.02"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if is_installed("atheris"):
        assert (done.returncode, done.stderr) == (0, "")
        assert "reach lines of their own" in done.stdout
    else:
        line = "error: guided fuzzing needs atheris, which is not installed: pip install 'aez[fuzz]'\n"
        assert (done.returncode, done.stderr) == (1, line)
