"""The specification's worked example equals the golden file, and its fields are those that the code reads."""

import re
from importlib.resources import files
from pathlib import Path

from aez.bitstream import read_container
from aez.codec import Codec

DATA = Path(__file__).parents[1] / "data"
SPEC = files("aez.bitstream").joinpath("SPEC.md").read_text(encoding="utf-8")
EXAMPLE = SPEC[SPEC.index("## 11 Worked example") :]


def example_lines() -> list[tuple[bytes, str]]:
    block = EXAMPLE.split("```")[1]
    matches = (re.match(r"((?:[0-9A-F]{2} )+) +(.*)", line) for line in block.strip().splitlines())
    return [(bytes.fromhex(m[1]), m[2]) for m in matches if m]


def test_bytes_are_the_golden_file() -> None:
    assert b"".join(data for data, _ in example_lines()) == (DATA / "dot.aez").read_bytes()
    assert len(example_lines()) == len(EXAMPLE.split("```")[1].strip().splitlines())


def test_fields_are_what_the_code_reads() -> None:
    data = b"".join(part for part, _ in example_lines())
    header = read_container(data).header
    codec = Codec(str(DATA / "tiny.safetensors"), device="cpu")
    text = "\n".join(comment for _, comment in example_lines())
    assert f"Q = {header.quality}:" in text
    assert (header.width, header.height, header.orientation) == (1, 1, 1)
    _, symbols = codec.unpack(data)
    z = [int(v) for v in re.search(r"z = (.*)", text)[1].replace("−", "-").split()]  # type: ignore[index]
    assert symbols.z.ravel().tolist() == z
    r = [int(v) for v in re.search(r"r = ([\d ]+)", text)[1].split()]  # type: ignore[index]
    assert symbols.r.ravel().tolist()[: len(r)] == r
    assert not symbols.r.ravel()[len(r) :].any()
    assert codec.digest(data) in EXAMPLE
    config = codec.weights.config
    assert f"M = {config.latent},\nZ = {config.hyper}, {config.points} quality points" in EXAMPLE
