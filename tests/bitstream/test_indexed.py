"""Numbers of colours: an independent decoder, written from SPEC section 7.8 alone, and damage."""

import itertools
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream import FormatError
from aez.bitstream.indexed.stream import decode_indices, encode_indices
from tests.bitstream.range_decoder import RangeDecoder

NEIGHBOURS = [(0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-1, -2), (-2, 0), (0, -3), (0, -4), (-1, -3), (-2, -2)]
NEIGHBOURS += [(-2, -1), (-2, 1), (-2, 2), (-3, -1), (-3, 0), (-3, 1)]
Indices = NDArray[np.uint16]


def palette_of(colours: int) -> NDArray[np.uint8]:
    return np.random.default_rng(colours).integers(0, 256, (colours, 3), np.uint8)


def drawing(height: int, width: int, colours: int) -> Indices:
    """Stripes that repeat, and a few pixels of other colours."""
    rows, cols = np.indices((height, width))
    out = ((rows // 5 + cols // 3) % min(colours, 4)).astype(np.uint16)
    other = np.random.default_rng(0).random((height, width)) < 0.1
    out[other] = np.random.default_rng(1).integers(0, colours, int(other.sum()))
    return out


class Counts:
    def __init__(self, kinds: int, start: int) -> None:
        self.counts: dict[Any, list[int]] = defaultdict(lambda: [start] * kinds)
        self.used: list[tuple[Any, int]] = []

    def read(self, decoder: RangeDecoder, context: Any) -> int:
        counts = self.counts[context]
        free = 2**24 - len(counts)
        weights = [c * free // sum(counts) for c in counts]
        weights[0] += free - sum(weights)
        symbol = decoder.symbol([0, *itertools.accumulate(w + 1 for w in weights)])
        self.used.append((context, symbol))
        return symbol

    def learn(self) -> None:
        for context, symbol in self.used:
            self.counts[context][symbol] += 8
        for context in {context for context, _ in self.used}:
            if sum(self.counts[context]) > 2000:
                self.counts[context] = [(c >> 1) + 1 for c in self.counts[context]]
        self.used = []


def decode(data: bytes, height: int, width: int, palette: NDArray[np.uint8]) -> Indices:
    decoder, values = RangeDecoder(data), {}
    memories: list[dict[int, tuple[int, int]]] = [{}, {}, {}]
    guesses, first, later = Counts(2, 2), Counts(16, 1), Counts(16, 1)
    bits = max(1, (len(palette) - 1).bit_length())

    def light(value: int) -> int:
        r, g, b = (int(sample) for sample in palette[value - 1])
        return 0 if value == 0 else 1 + ((77 * r + 150 * g + 29 * b) >> 13)

    for wave in range(width + 2 * height):
        places = [(row, wave - 2 * row) for row in range(height) if 0 <= wave - 2 * row < width]
        near = [[values.get((y + dy, x + dx), 0) for dy, dx in NEIGHBOURS] for y, x in places]
        hashes = []
        for known in near:
            sums = [sum(pow(0x9E3779B1, k + 1, 2**32) * known[k] for k in range(n)) % 2**32 for n in (17, 7, 4)]
            hashes.append([total >> 14 for total in sums])
        entries = [[memories[m].get(of[m], (0, 0)) for m in range(3)] for of in hashes]
        guessed = [[entry[0] for entry in of] + known[:4] for of, known in zip(entries, near, strict=True)]
        found: dict[int, int] = {}
        refused = [0] * len(places)
        for stage in range(7):
            for i, guess in enumerate(guessed):
                g, n = guess[stage], near[i]
                if i in found or g == 0 or g in guess[:stage]:
                    continue
                equal = (n[0] == n[1]) + 2 * (n[1] == n[3]) + 4 * (n[1] == n[2])
                context: Any = ("beside", stage, min(3, refused[i]), equal)
                if stage < 3:
                    trust = sum(entries[i][stage][1] >= least for least in (1, 2, 3, 4, 6, 12, 40))
                    agreeing = guess[stage + 1 : 3].count(g)
                    context = ("memory", stage, trust, g == n[0], g == n[1], agreeing, equal)
                if guesses.read(decoder, context):
                    found[i] = g
                refused[i] += 1
        left = [i for i in range(len(places)) if i not in found]
        numbers, contexts = dict.fromkeys(left, 0), {i: (light(near[i][0]), light(near[i][1])) for i in left}
        for done in range(0, bits, 4):
            size = min(4, bits - done)
            for i in left:
                piece = (later if done else first).read(decoder, contexts[i] if done == 0 else (done, numbers[i]))
                numbers[i] = numbers[i] << size | piece
        found |= {i: number + 1 for i, number in numbers.items()}
        values |= {place: found[i] for i, place in enumerate(places)}
        for m, memory in enumerate(memories):
            for i, of in enumerate(hashes):
                value, times = entries[i][m]
                if value == found[i]:
                    memory[of[m]] = value, times + 1
                else:
                    memory[of[m]] = (value, times >> 2) if times > 1 else (found[i], 0)
        for counts in (guesses, first, later):
            counts.learn()
    assert not decoder.words
    return np.array([[values[y, x] - 1 for x in range(width)] for y in range(height)], np.uint16)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (37, 53), (64, 20)])
@pytest.mark.parametrize("colours", [2, 3, 17, 700])
def test_what_is_encoded_is_decoded(shape: tuple[int, int], colours: int) -> None:
    indices, palette = drawing(*shape, colours), palette_of(colours)
    data = encode_indices(indices, palette)
    assert np.array_equal(decode_indices(data, *shape, palette), indices)
    assert np.array_equal(decode(data, *shape, palette), indices)


def test_colours_that_repeat_take_few_bits() -> None:
    rows, cols = np.indices((120, 130))
    indices = ((rows // 4 % 3 == 0) & (cols // 3 % 4 == 0)).astype(np.uint16)
    assert 8 * len(encode_indices(indices, palette_of(2))) < 0.1 * indices.size


def test_damage() -> None:
    indices, palette = drawing(30, 41, 50), palette_of(50)
    data = encode_indices(indices, palette)
    for wrong in (data[:-1], data[:-4], b"", data + bytes(4), data[:8] + data[12:]):
        with pytest.raises(FormatError):
            decode_indices(wrong, 30, 41, palette)
    refused = 0
    for at in range(0, 8 * len(data), 37):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        try:
            assert decode_indices(bytes(flipped), 30, 41, palette).max() < 50
        except FormatError:
            refused += 1
    assert refused


def test_colours_beyond_the_palette_are_refused() -> None:
    indices = np.full((9, 9), 7, np.uint16)
    data = encode_indices(indices, palette_of(8))
    assert np.array_equal(decode_indices(data, 9, 9, palette_of(8)), indices)
    with pytest.raises(FormatError, match="palette"):
        decode_indices(data, 9, 9, palette_of(8)[:7])


def test_a_short_stream_of_a_large_picture_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    from aez.bitstream.indexed import waves

    steps = []
    places = waves.Plane.neighbours
    monkeypatch.setattr(waves.Plane, "neighbours", lambda *of: steps.append(0) or places(*of))  # type: ignore[func-returns-value]
    with pytest.raises(FormatError, match="too short"):
        decode_indices(bytes(8), 500, 1000, palette_of(200))
    assert len(steps) < 1000
