"""An independent range decoder, written from SPEC section 7.1 alone."""

import bisect
import struct
from collections.abc import Sequence

MASK = 2**64 - 1


class RangeDecoder:
    def __init__(self, data: bytes) -> None:
        self.words = [*struct.unpack(f"<{len(data) // 4}I", data)][::-1]
        self.point = self.word() << 32 | self.word()
        self.lower, self.range = 0, MASK

    def word(self) -> int:
        return self.words.pop() if self.words else 0

    def symbol(self, cumulative: Sequence[int]) -> int:
        scale = self.range >> 24
        quantile = ((self.point - self.lower) & MASK) // scale
        assert quantile < 2**24
        k = bisect.bisect_right(cumulative, quantile) - 1
        self.lower = (self.lower + scale * cumulative[k]) & MASK
        self.range = scale * (cumulative[k + 1] - cumulative[k])
        if self.range < 2**32:
            self.lower, self.range = (self.lower << 32) & MASK, self.range << 32
            self.point = (self.point << 32) & MASK | self.word()
        return k
