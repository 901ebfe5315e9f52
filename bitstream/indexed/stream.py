"""Code the colours of a drawn picture: what followed the same neighbours before is likely to follow again."""

import numpy as np
from numpy.typing import NDArray

from aez.bitstream.errors import FormatError
from aez.bitstream.indexed.coders import Coder, Decoder, Encoder, Symbols
from aez.bitstream.indexed.learning import Counts, Memory
from aez.bitstream.indexed.waves import NEAR, TEMPLATES, Plane

_FROM = np.array([1, 2, 3, 4, 6, 12, 40])
"""Times from which on a memory is trusted more."""
_STAGE, _STAGES = 1024, len(TEMPLATES) + len(NEAR)
"""Contexts of a stage, and the number of guesses."""
_NIBBLE, _DEPTHS = 4, 9
"""Bits of a symbol that is part of a number, and classes of light: none and 8."""
Indices = NDArray[np.uint16]
Colours = NDArray[np.uint8]


def encode_indices(indices: Indices, palette: Colours) -> bytes:
    """Encode the colours of pixels.

    Args:
        indices: (H, W), numbers of colours.
        palette: (K, 3) or (K, 4), K ≥ 2; near numbers should have similar colours.

    Returns:
        A whole number of 32-bit words.
    """
    encoder, wanted = Encoder(), Plane(*indices.shape)
    wanted.inside[:] = indices
    wanted.inside[:] += 1
    _Pixels(encoder, palette).code(Plane(*indices.shape), wanted)
    return encoder.stream()


def decode_indices(data: bytes, height: int, width: int, palette: Colours) -> Indices:
    """Decode the colours of pixels, (height, width); inverse of :func:`encode_indices`.

    Raises:
        FormatError: no encoder writes these data.
    """
    decoder, plane = Decoder(data), Plane(height, width)
    _Pixels(decoder, palette).code(plane, None)
    decoder.finish()
    return (plane.inside - np.uint32(1)).astype(np.uint16)


class _Pixels:
    """Coder of pixels: up to seven guesses, each right or wrong, and then the number of the colour."""

    def __init__(self, coder: Coder, palette: Colours) -> None:
        colours = palette[:, :3].astype(np.intp)
        light = (77 * colours[:, 0] + 150 * colours[:, 1] + 29 * colours[:, 2]) >> 13
        self._light = np.concatenate([[0], light + 1])
        self._colours = len(palette)
        self._bits = (len(palette) - 1).bit_length()
        self._coder = coder
        self._memories = [Memory() for _ in TEMPLATES]
        self._guesses = Counts((len(TEMPLATES) + 1) * _STAGE, 2, 2)
        self._first = Counts(_DEPTHS**2, 1 << _NIBBLE, 1)
        self._later = Counts(1 << self._bits, 1 << _NIBBLE, 1)

    def code(self, plane: Plane, wanted: Plane | None) -> None:
        """Code all pixels; ``plane`` takes their values, numbers of colours + 1."""
        for places in plane.waves():
            beside, hashes = plane.neighbours(places)
            values = self._wave(beside, hashes, None if wanted is None else wanted.values[places].astype(np.intp))
            plane.values[places] = values
            for counts in (self._guesses, self._first, self._later):
                counts.learn()
            for memory, hashed in zip(self._memories, hashes, strict=True):
                memory.learn(hashed, values)

    def _wave(self, beside: Symbols, hashes: Symbols, wanted: Symbols | None) -> Symbols:
        """Return the values of a wave's pixels."""
        known = [memory.values[hashed] for memory, hashed in zip(self._memories, hashes, strict=True)]
        times = [memory.times[hashed] for memory, hashed in zip(self._memories, hashes, strict=True)]
        trust = np.searchsorted(_FROM, np.stack(times), side="right")
        left, above, right, corner = beside
        equal = (left == above) + 2 * (above == corner) + 4 * (above == right)
        # What is told of the pixels whose value is not known yet; a column each.
        guesses, told = np.concatenate([known, beside]), np.concatenate([trust, equal[None], 0 * equal[None]])
        values = np.zeros(left.size, np.intp)
        open_ = np.arange(left.size)
        for stage in range(_STAGES):
            guess = guesses[stage]
            chosen = np.flatnonzero((guess > 0) & (guesses[:stage] != guess).all(0))
            if not chosen.size:
                continue
            guess = guess[chosen]
            contexts = _contexts(stage, guesses[:, chosen], told[:, chosen])
            told[-1, chosen] += 1
            truth = None if wanted is None else (wanted[open_[chosen]] == guess).astype(np.intp)
            hit = self._guesses.code(self._coder, contexts, truth) == 1
            values[open_[chosen[hit]]] = guess[hit]
            still = np.ones(open_.size, np.bool_)
            still[chosen[hit]] = False
            open_, guesses, told = open_[still], guesses[:, still], told[:, still]
            if not open_.size:
                return values
        numbers = None if wanted is None else wanted[open_] - 1
        values[open_] = 1 + self._numbers(guesses[len(TEMPLATES) :][:2], numbers)
        return values

    def _numbers(self, beside: Symbols, wanted: Symbols | None) -> Symbols:
        """Code numbers of colours in pieces of four bits, the highest ones by the light of two neighbours, (2, n).

        Raises:
            FormatError: the palette does not have a number.
        """
        contexts, number = self._light[beside[0]] * _DEPTHS + self._light[beside[1]], np.zeros(beside.shape[1], np.intp)
        for done in range(0, self._bits, _NIBBLE):
            size = min(_NIBBLE, self._bits - done)
            rest = self._bits - done - size
            piece = None if wanted is None else wanted >> rest & ((1 << size) - 1)
            counts = self._later if done else self._first
            piece = counts.code(self._coder, contexts, piece)
            if (piece >> size).any():
                raise FormatError("a stream names a colour that its palette does not have")
            number = number << size | piece
            contexts = 1 << (done + size) | number
        if (number >= self._colours).any():
            raise FormatError("a stream names a colour that its palette does not have")
        return number


def _contexts(stage: int, guesses: Symbols, told: Symbols) -> Symbols:
    """Return the contexts of guesses, (7, n), of which pixels this is known, (5, n): trust, equal sides, refused."""
    memories = len(TEMPLATES)
    equal, refused = told[memories], told[memories + 1]
    if stage >= memories:
        context: Symbols = ((stage - memories) * 4 + np.minimum(refused, 3)) * 8 + equal
        return context + memories * _STAGE
    guess = guesses[stage]
    place = (guess == guesses[memories]) + 2 * (guess == guesses[memories + 1])
    agreeing = (guesses[stage + 1 : memories] == guess).sum(0)
    context = ((told[stage] * 4 + place) * 3 + agreeing) * 8 + equal
    return context + stage * _STAGE
