"""Damage to files that knows their structure: chunks are changed and their checksums repaired."""

import json
from collections.abc import Callable, Sequence
from random import Random

from aez.benchmarks.checks.fuzz.oracle import Refused, parse
from aez.bitstream.container import PREFIX_BYTES, SIGNATURE, VERSION, write_chunk

Chunk = tuple[int, bytes]
_START = SIGNATURE + bytes([VERSION])
_KINDS = b"HZTAEiexpfLqQ"
_INTERESTING = (0, 1, 2, 7, 8, 15, 16, 63, 64, 127, 128, 200, 254, 255)
_LONG = 300


def mutated(seeds: Sequence[bytes], random: Random) -> bytes:
    """Return a damaged file.

    Args:
        seeds: valid files.
        random: source of all choices.
    """
    seed = random.choice(seeds)
    if random.random() < 0.1:
        return changed_bytes(seed, random)
    try:
        chunks = parse(seed)
    except Refused:  # a file inside of another, which was damaged before
        return changed_bytes(seed, random)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        random.choice(_OF_CHUNKS)(chunks, seeds, random)
    data = _START + b"".join(write_chunk(kind, payload) for kind, payload in chunks)
    return changed_bytes(data, random) if random.random() < 0.05 else data


def changed_bytes(data: bytes, random: Random) -> bytes:
    """Change some bytes: one bit or byte, several, a cut, an insertion, a repetition."""
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(out) + 1)
        match random.randrange(6):
            case 0 if at < len(out):
                out[at] ^= 1 << random.randrange(8)
            case 1 if at < len(out):
                out[at] = random.choice(_INTERESTING)
            case 2:
                del out[at : at + random.choice((1, 4, 1000))]
            case 3:
                out[at:at] = random.randbytes(random.choice((1, 4, 20)))
            case 4:
                out[at:at] = out[max(0, at - 20) : at]
            case _:
                del out[random.randrange(len(out) + 1) :]
    return bytes(out)


def _payload(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(chunks))
    kind, payload = chunks[at]
    if random.random() < 0.3 and payload[:1] == b"\0" and payload[2:10] == SIGNATURE:  # alpha as a picture
        payload = payload[: random.randrange(1, 3)] + mutated([payload[2:]], random)
    elif random.random() < 0.5 and payload[:8] == SIGNATURE:  # a preview
        payload = mutated([payload], random)
    else:
        payload = changed_bytes(payload, random)
    chunks[at] = kind, payload


def _header(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    """Change sides, or another field of the header."""
    payload = chunks[0][1]
    fields = [_side(random), _side(random)]
    at = 0
    for i in range(2):
        end = at
        while end < len(payload) and payload[end] >= 0x80:
            end += 1
        if random.random() < 0.5:
            fields[i] = payload[at : end + 1]
        at = end + 1
    rest = bytearray(payload[at:])
    if rest and random.random() < 0.5:
        rest[random.choice((0, 1, 8, 9, len(rest) - 1)) % len(rest)] = random.choice(_INTERESTING)
    chunks[0] = chunks[0][0], b"".join(fields) + bytes(rest)


def _side(random: Random) -> bytes:
    value = random.choice((0, 1, 15, 16, 17, 63, 64, 65, 255, 1000, 2000, 5000, 16384, 65535, 65536, 2**31))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _repeat(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(chunks))
    chunks[at:at] = [chunks[random.randrange(len(chunks))]] * random.choice((1, 1, 2, _LONG))


def _remove(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    if len(chunks) > 1:
        del chunks[random.randrange(len(chunks))]


def _swap(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    a, b = random.randrange(len(chunks)), random.randrange(len(chunks))
    chunks[a], chunks[b] = chunks[b], chunks[a]


def _kind(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(chunks))
    chunks[at] = random.choice(_KINDS), chunks[at][1]


def _splice(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    """Take a chunk of another file, in place of one of the same type if there is one."""
    kind, payload = random.choice(parse(random.choice(seeds)))
    same = [at for at, (other, _) in enumerate(chunks) if other == kind]
    if same and random.random() < 0.7:
        chunks[random.choice(same)] = kind, payload
    else:
        chunks.insert(random.randrange(len(chunks) + 1), (kind, payload))


def _empty(chunks: list[Chunk], seeds: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(chunks))
    chunks[at] = chunks[at][0], random.choice((b"", b"\0", bytes(4), b"\xff" * 8, bytes(1000)))


_OF_CHUNKS: tuple[Callable[[list[Chunk], Sequence[bytes], Random], None], ...] = (
    _payload,
    _payload,
    _payload,
    _payload,
    _header,
    _header,
    _repeat,
    _remove,
    _swap,
    _kind,
    _splice,
    _splice,
    _empty,
)


def mutated_weights(data: bytes, random: Random) -> bytes:
    """Return a damaged weights file: its bytes, a tensor's type and shape, or its metadata."""
    length = int.from_bytes(data[:8], "little")
    if random.random() < 0.2:
        return changed_bytes(data[: 8 + length], random) + data[8 + length :]
    header = json.loads(data[8 : 8 + length])
    name = random.choice(list(header))
    entry = header[name]
    if name == "__metadata__":
        key = random.choice(list(entry))
        entry[key] = random.choice(("", "[]", "{}", "null", '{"points": 1e999}', "7", changed_text(entry[key], random)))
    elif random.random() < 0.5:
        entry["dtype"] = random.choice(("F16", "F32", "F64", "BF16", "I8", "U8", "I16", "I32", "I64", "BOOL"))
    else:
        entry["shape"] = random.choice(([], [0], [1], entry["shape"][::-1], [*entry["shape"], 1], [2**40]))
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def changed_text(text: str, random: Random) -> str:
    """Change a text as :func:`changed_bytes` does."""
    return changed_bytes(text.encode(), random).decode(errors="replace")


assert len(_START) == PREFIX_BYTES
