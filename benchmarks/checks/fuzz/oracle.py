"""A second reader of files, written from SPEC sections 2 to 4, 7.4, 7.5, 7.7 and the fields of 7.8 alone.

Not a line of it is the package's own.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURE = bytes.fromhex("89 61 65 7A 0D 0A 1A 0A")
_ONCE = b"iexpf"


class Refused(Exception):
    """A rule of the specification is broken."""


def parse(data: bytes, *, unread: bytes = b"") -> list[tuple[int, bytes]]:
    """Return type and payload of the chunks of a file, HEADER first and END last.

    Args:
        data: the file.
        unread: types of chunks whose checksums do not matter.

    Raises:
        Refused: the file breaks a rule of sections 2 to 4.
    """
    _must(data[:8] == _SIGNATURE and data[8:9] == b"\1", "signature or version")
    chunks: list[tuple[int, bytes]] = []
    at = 9
    while not chunks or chunks[-1][0] != ord("E"):
        kind = data[at] if at < len(data) else 0
        _must(65 <= kind <= 90 or 97 <= kind <= 122, "type")
        length, start = _varint(data, at + 1)
        end = start + length
        _must(end + 4 <= len(data), "length")
        matches = zlib.crc32(data[at:end]) == int.from_bytes(data[end : end + 4], "little")
        _must(matches or kind in unread, "checksum")
        chunks.append((kind, data[start:end]))
        at = end + 4
    _must(at == len(data) and not chunks[-1][1], "end")
    _order(chunks, _header(chunks[0][1]))
    return chunks


def layer_of(chunks: list[tuple[int, bytes]]) -> list[bytes] | None:
    """Return the tiles of a file's layer; None without a layer.

    Args:
        chunks: those of :func:`parse`.

    Raises:
        Refused: the payload breaks a rule of section 7.7, or one of 7.8 about fields.
    """
    header, payload = _header(chunks[0][1]), dict(chunks).get(ord("L"))
    if payload is None:
        return None
    _must(len(payload) > 0, "no k")
    whole, k = payload[0] >= 128, payload[0] & 127
    colour = (1 if header.grey else 3) + (whole and header.alpha)
    at, tiles = 1, []
    for width, height in _squares(header, k):
        n, at = _varint(payload, at)
        tile, at = payload[at : at + n], at + n
        _must(len(tile) == n, "length of a tile")
        if n > 5 and tile[0] == 0x49:
            _numbers(tile, width, height)
        else:
            _must(n in (*([] if whole else [0]), colour) or (n > 5 and _vp8l_size(tile) == (width, height)), "n")
        tiles.append(tile)
    _must(at == len(payload), "bytes behind the layer")
    return tiles


def alpha_of(chunks: list[tuple[int, bytes]]) -> list[bytes] | None:
    """Return the tiles of a file's alpha, or edge and picture; None without alpha.

    Args:
        chunks: those of :func:`parse`.

    Raises:
        Refused: the payload breaks a rule of section 7.4.
    """
    header, payload = _header(chunks[0][1]), dict(chunks).get(ord("A"))
    if payload is None:
        return None
    _must(len(payload) > 0, "no k")
    if payload[0] == 0:
        _must(len(payload) > 1 and payload[1] <= 63, "s")
        inside = parse(payload[2:], unread=b"T")
        _must({kind for kind, _ in inside} <= set(b"HfZTE"), "chunks of alpha")
        own = _header(inside[0][1])
        _must((own.width, own.height, own.model) == (header.width, header.height, header.model), "alpha of another")
        _must(own.pixel == 1, "alpha is not grey")
        return [payload[1:2], payload[2:]]
    at, tiles = 1, []
    for width, height in _squares(header, payload[0]):
        n, at = _varint(payload, at)
        tile, at = payload[at : at + (n or 1)], at + (n or 1)
        _must(len(tile) == (n or 1), "length of a tile")
        _must(n == 0 or _vp8l_size(tile) == (width, height), "n")
        tiles.append(tile)
    _must(at == len(payload), "bytes behind alpha")
    return tiles


def preview_of(chunks: list[tuple[int, bytes]]) -> bytes | None:
    """Return a file's preview if it is where writers put it; else None.

    Args:
        chunks: those of :func:`parse`.

    Raises:
        Refused: the payload breaks a rule of section 7.5.
    """
    kind, payload = chunks[1]
    if kind != ord("p"):
        return None
    inside = parse(payload)
    own = _header(inside[0][1])
    _must(max(own.width, own.height) <= 1024 and ord("p") not in dict(inside), "preview")
    return payload


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    pixel: int
    model: bytes
    tiles: int

    @property
    def alpha(self) -> bool:
        return bool(self.pixel & 4)

    @property
    def grey(self) -> bool:
        return self.pixel & 3 > 0


def _order(chunks: list[tuple[int, bytes]], header: _Header) -> None:
    """Check section 3, and of 7.7 what concerns other chunks."""
    kinds = [kind for kind, _ in chunks]
    layers = [payload for kind, payload in chunks if kind == ord("L")]
    whole = bool(layers) and bool(layers[0][:1] >= b"\x80")
    _must(kinds[0] == ord("H") and kinds.count(ord("H")) == 1, "header")
    for kind in _ONCE:
        _must(kinds.count(kind) <= 1, "twice")
    critical = bytes(kind for kind in kinds if not kind & 0x20)
    above = b"A" * (header.alpha and not whole) + b"L" * len(layers)
    _must(critical in [b"H" + order + b"Z" + b"T" * header.tiles + b"E" for order in (above, above[::-1])], "order")
    _must(len(layers) <= 1 and not (layers and header.pixel >= 64), "layer")
    if whole:
        _must(len(chunks[0][1]) == len(_plain_header(chunks[0][1])), "whole layer")
        _must(not any(payload for kind, payload in chunks if kind in b"ZT"), "whole layer")
        _must(ord("f") not in kinds, "whole layer")


def _plain_header(payload: bytes) -> bytes:
    """Return a header without `tile`."""
    at = _varint(payload, _varint(payload, 0)[1])[1]
    return payload[: at + 10]


def _header(payload: bytes) -> _Header:
    """Read a header as in section 4."""
    width, at = _varint(payload, 0)
    height, at = _varint(payload, at)
    _must(1 <= width <= 65535 and 1 <= height <= 65535, "sides")
    rest = payload[at:]
    _must(len(rest) >= 10, "header")
    pixel, layout = rest[0], rest[1]
    _must(pixel & 3 != 3 and layout & 0x60 == 0, "bits")
    tiled = bool(layout & 0x80)
    _must(len(rest) == 10 + tiled, "header")
    tiles = 1
    if tiled:
        _must(4 <= rest[10] <= 12, "tile")
        side = 16 << rest[10]
        tiles = ((width + side - 1) // side) * ((height + side - 1) // side)
    return _Header(width, height, pixel, rest[2:8], tiles)


def _squares(header: _Header, k: int) -> Iterator[tuple[int, int]]:
    """Yield width and height of every square tile of 2^k pixels a side."""
    _must(6 <= k <= 13, "k")
    side = 1 << k
    for y in range(0, header.height, side):
        for x in range(0, header.width, side):
            yield min(side, header.width - x), min(side, header.height - y)


def _numbers(tile: bytes, width: int, height: int) -> None:
    """Check the fields of section 7.8."""
    length, at = _varint(tile, 1)
    palette, words = tile[at : at + length], tile[at + length :]
    _must(len(palette) == length and len(words) % 4 == 0, "lengths of palette and words")
    size = _vp8l_size(palette)
    _must(size is not None and size[1] == 1 and 2 <= size[0] < 2**14, "palette")
    _must(width * height <= 2**22, "more pixels than are coded as numbers")


def _vp8l_size(stream: bytes) -> tuple[int, int] | None:
    """Return what the header of a VP8L stream of version 0 states (RFC 9649, section 3.4)."""
    if len(stream) < 5 or stream[0] != 0x2F:
        return None
    bits = stream[1] | stream[2] << 8 | stream[3] << 16 | stream[4] << 24
    return None if bits >> 29 else ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(5):
        _must(at + place < len(data), "varint")
        byte = data[at + place]
        value += (byte & 0x7F) << 7 * place
        if byte < 0x80:
            _must(value < 2**32 and (byte > 0 or place == 0), "varint")
            return value, at + place + 1
    raise Refused("varint")


def _must(holds: bool, rule: str) -> None:
    if not holds:
        raise Refused(rule)
