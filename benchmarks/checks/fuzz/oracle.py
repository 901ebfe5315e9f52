"""A second reader of containers, written from SPEC sections 2 to 4 alone, without a line of the package's own."""

import zlib

_SIGNATURE = bytes.fromhex("89 61 65 7A 0D 0A 1A 0A")
_ONCE = b"iexpf"


class Refused(Exception):
    """A rule of the specification is broken."""


def parse(data: bytes) -> list[tuple[int, bytes]]:
    """Return type and payload of the chunks of a file, HEADER first and END last.

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
        _must(zlib.crc32(data[at:end]) == int.from_bytes(data[end : end + 4], "little"), "checksum")
        chunks.append((kind, data[start:end]))
        at = end + 4
    _must(at == len(data) and not chunks[-1][1], "end")
    _order(chunks, *_header(chunks[0][1]))
    return chunks


def _order(chunks: list[tuple[int, bytes]], alpha: bool, tiles: int, deep: bool) -> None:
    """Check section 3, and of 7.7 what concerns other chunks."""
    kinds = [kind for kind, _ in chunks]
    layers = [payload for kind, payload in chunks if kind == ord("L")]
    whole = bool(layers) and bool(layers[0][:1] >= b"\x80")
    _must(kinds[0] == ord("H") and kinds.count(ord("H")) == 1, "header")
    for kind in _ONCE:
        _must(kinds.count(kind) <= 1, "twice")
    critical = bytes(kind for kind in kinds if not kind & 0x20)
    above = b"A" * (alpha and not whole) + b"L" * len(layers)
    _must(critical in [b"H" + order + b"Z" + b"T" * tiles + b"E" for order in (above, above[::-1])], "order")
    _must(len(layers) <= 1 and not (layers and deep), "layer")
    if whole:
        _must(tiles == 1 and not any(payload for kind, payload in chunks if kind in b"ZT"), "whole layer")
        _must(ord("f") not in kinds, "whole layer")


def _header(payload: bytes) -> tuple[bool, int, bool]:
    """Check section 4; return whether there is alpha, the number of tiles, and whether samples have above 8 bits."""
    width, at = _varint(payload, 0)
    height, at = _varint(payload, at)
    _must(1 <= width <= 65535 and 1 <= height <= 65535, "sides")
    rest = payload[at:]
    _must(len(rest) >= 10, "header")
    pixel, layout = rest[0], rest[1]
    _must(pixel & 3 != 3 and layout & 0x60 == 0, "bits")
    tiled = bool(layout & 0x80)
    _must(len(rest) == 10 + tiled, "header")
    if not tiled:
        return bool(pixel & 4), 1, pixel >= 64
    _must(4 <= rest[10] <= 12, "tile")
    side = 16 << rest[10]
    return bool(pixel & 4), ((width + side - 1) // side) * ((height + side - 1) // side), pixel >= 64


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
