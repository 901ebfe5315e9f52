"""The container of a file: signature, version, chunks (SPEC sections 2 to 4)."""

import mmap
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from aez.bitstream.errors import NEWER, ChecksumError, FormatError, LimitError, TruncatedError
from aez.bitstream.header import Header
from aez.bitstream.layer import is_whole
from aez.bitstream.limits import Limits
from aez.bitstream.partial import FileBytes
from aez.bitstream.varint import read_varint, write_varint

SIGNATURE = b"\x89aez\r\n\x1a\n"
VERSION = 1
PREFIX_BYTES = len(SIGNATURE) + 1
_ANCILLARY_BIT = 0x20
_CRC_BYTES = 4


class ChunkType(IntEnum):
    """One-byte chunk types; lower-case letters are ancillary and may be skipped."""

    HEADER = ord("H")
    HYPER = ord("Z")
    TILE = ord("T")
    ALPHA = ord("A")
    LAYER = ord("L")
    END = ord("E")
    ICC = ord("i")
    EXIF = ord("e")
    XMP = ord("x")
    PREVIEW = ord("p")
    FILTER = ord("f")


_METADATA = (ChunkType.PREVIEW, ChunkType.ICC, ChunkType.EXIF, ChunkType.XMP)
"""Known metadata chunks, in the order in which they are written."""
Buffer = bytes | bytearray | memoryview | mmap.mmap | FileBytes
"""Data of a file; of ``FileBytes`` and of a memory-mapped file, only the parts that are used are read."""
_View = memoryview | FileBytes


@dataclass(frozen=True)
class Container:
    """The parts of a file, with every checksum verified.

    Attributes:
        header: the parsed HEADER chunk.
        hyper: stream of the hyper-latents z.
        tiles: streams of the residual symbols r, one per tile, in raster order.
        metadata: known ancillary chunks (ICC, EXIF, XMP, PREVIEW), at most one of each.
        alpha: payload of the ALPHA chunk if the header announces one.
        layer: payload of the LAYER chunk, if there is one.
        chunks: type letter and payload length of every chunk in file order, END included.
        filter: payload of the FILTER chunk, empty for the model's own filter; None without a filter.
    """

    header: Header
    hyper: bytes
    tiles: list[bytes]
    metadata: dict[ChunkType, bytes] = field(default_factory=dict)
    alpha: bytes | None = None
    chunks: list[tuple[str, int]] = field(default_factory=list)
    filter: bytes | None = None
    layer: bytes | None = None

    @property
    def whole(self) -> bool:
        """True if the layer is the whole picture; symbols are then all 0 and take no bytes."""
        return self.layer is not None and is_whole(self.layer)


def _view(data: Buffer) -> _View:
    return data if isinstance(data, FileBytes) else memoryview(data)


def is_aez(data: Buffer) -> bool:
    """Check whether data (at least the first 8 bytes) start with the signature of an `.aez` file."""
    return bytes(data[: len(SIGNATURE)]) == SIGNATURE


def write_chunk(kind: int, payload: bytes) -> bytes:
    """Serialise a chunk: type, length, payload, CRC-32 of these three."""
    body = bytes([kind]) + write_varint(len(payload)) + payload
    return body + zlib.crc32(body).to_bytes(_CRC_BYTES, "little")


def write_container(container: Container) -> bytes:
    """Serialise a container; its ``chunks`` are ignored.

    Raises:
        ValueError: a header field is out of range, or the tiles do not match the header's grid.
    """
    if len(container.tiles) != container.header.tile_count():
        raise ValueError("the number of tiles does not match the header")
    if not _alpha_agrees(container.header, container.alpha, container.layer):
        raise ValueError("the header and the ALPHA chunk disagree")
    parts = [SIGNATURE, bytes([VERSION]), write_chunk(ChunkType.HEADER, container.header.to_bytes())]
    parts += [write_chunk(kind, container.metadata[kind]) for kind in _METADATA if container.metadata.get(kind)]
    if container.alpha is not None:
        parts.append(write_chunk(ChunkType.ALPHA, container.alpha))
    if container.layer is not None:
        parts.append(write_chunk(ChunkType.LAYER, container.layer))
    if container.filter is not None:
        parts.append(write_chunk(ChunkType.FILTER, container.filter))
    parts.append(write_chunk(ChunkType.HYPER, container.hyper))
    parts += [write_chunk(ChunkType.TILE, tile) for tile in container.tiles]
    parts.append(write_chunk(ChunkType.END, b""))
    return b"".join(parts)


@dataclass(frozen=True)
class _Chunk:
    """Position of a chunk; the checksum is not verified yet."""

    kind: int
    at: int
    start: int
    end: int

    def payload(self, view: _View) -> memoryview | bytes:
        """Return the payload after verifying the checksum.

        Raises:
            ChecksumError: the chunk was damaged.
        """
        whole = view[self.at : self.end + _CRC_BYTES]
        if zlib.crc32(whole[:-_CRC_BYTES]) != int.from_bytes(whole[-_CRC_BYTES:], "little"):
            raise ChecksumError(f"the checksum of a chunk at byte {self.at} does not match: the file is damaged")
        return whole[self.start - self.at : -_CRC_BYTES]


def _walk(view: _View) -> Iterator[_Chunk]:
    """Check signature and version, then yield the chunks one by one without looking at their payloads.

    Raises:
        FormatError: not an `.aez` file, a version this decoder does not know, or a malformed chunk.
        TruncatedError: the data end inside a chunk.
    """
    if not is_aez(view):
        if SIGNATURE.startswith(bytes(view[: len(SIGNATURE)])):
            raise TruncatedError("the file is empty" if len(view) == 0 else "the file ends inside the signature")
        raise FormatError("not an .aez file")
    if len(view) < PREFIX_BYTES:
        raise TruncatedError("the file ends before the version")
    if view[PREFIX_BYTES - 1] != VERSION:
        version = view[PREFIX_BYTES - 1]
        raise FormatError(f"format version {version} is not known to this decoder, which knows {VERSION}; {NEWER}")
    at = PREFIX_BYTES
    while at < len(view):
        length, start = read_varint(view, at + 1)
        end = start + length
        stop = end + _CRC_BYTES
        if stop > len(view):
            raise TruncatedError(f"the file ends inside a chunk ({len(view)} of at least {stop} bytes)")
        yield _Chunk(view[at], at, start, end)
        at = stop


def read_header(data: Buffer, limits: Limits | None = None) -> Header:
    """Read the header alone, verify its checksum and check it against the limits.

    Raises:
        FormatError (TruncatedError, ChecksumError): the file does not start with a valid header.
        LimitError: the header asks for more than ``limits`` allows.
    """
    return _leading(_view(data), limits)[0]


def read_preview(data: Buffer, limits: Limits | None = None) -> bytes | None:
    """Read the payload of a PREVIEW chunk right after the header, itself a file; return None if there is none.

    The data may end after that chunk.

    Raises:
        FormatError (TruncatedError, ChecksumError): the data do not start with a valid header, or the chunk is damaged.
        LimitError: the header asks for more than ``limits`` allows, or the chunk is too large.
    """
    limits = limits or Limits()
    view = _view(data)
    _, chunks = _leading(view, limits)
    chunk = next(chunks, None)
    if chunk is None or chunk.kind != ChunkType.PREVIEW:
        return None
    if chunk.end - chunk.start > limits.max_metadata:
        raise LimitError(f"the preview is larger than {limits.max_metadata} bytes")
    return bytes(chunk.payload(view))


def _leading(view: _View, limits: Limits | None) -> tuple[Header, Iterator[_Chunk]]:
    """Read the header; return it and an iterator over the following chunks."""
    chunks = _walk(view)
    chunk = next(chunks, None)
    if chunk is None:
        raise TruncatedError("the file ends before its header")
    payload = chunk.payload(view)
    if chunk.kind != ChunkType.HEADER:
        raise FormatError("the first chunk is not the header")
    header = Header.from_bytes(payload)
    (limits or Limits()).check(header)
    return header, chunks


def read_container(data: Buffer, limits: Limits | None = None, *, tiles: Collection[int] | None = None) -> Container:
    """Parse a whole file and enforce every rule of SPEC section 3.

    Args:
        data: the whole file.
        limits: bounds on what the file may ask for; None for the defaults.
        tiles: numbers of the tiles to read; None for all. The payloads of other tiles are skipped and empty in the
            result.

    Raises:
        FormatError (TruncatedError, ChecksumError): the file is not valid.
        LimitError: the file asks for more than ``limits`` allows.
    """
    view = _view(data)
    parts = _Parts(limits or Limits(), len(view))
    for chunk in _walk(view):
        unread = chunk.kind == ChunkType.TILE and tiles is not None and len(parts.tiles) not in tiles
        parts.add(chunk, view[:0] if unread else chunk.payload(view))
    return parts.container()


class _Parts:
    """The parts of a file that have been read so far."""

    def __init__(self, limits: Limits, file_size: int) -> None:
        self.limits, self.file_size = limits, file_size
        self.header: Header | None = None
        self.hyper: bytes | None = None
        self.alpha: bytes | None = None
        self.filter: bytes | None = None
        self.layer: bytes | None = None
        self.tiles: list[bytes] = []
        self.metadata: dict[ChunkType, bytes] = {}
        self.chunks: list[tuple[str, int]] = []
        self.ancillary = self.others = 0
        self.ended = False

    def add(self, chunk: _Chunk, payload: memoryview | bytes) -> None:
        """Add the next chunk of the file.

        Raises:
            FormatError: the chunk is malformed or out of place.
            LimitError: the file asks for more than the limits allow.
        """
        if self.ended:
            raise FormatError("there are bytes behind the END chunk")
        letter = chr(chunk.kind)
        if not letter.isascii() or not letter.isalpha():
            raise FormatError(f"chunk type {chunk.kind} is not a letter")
        self.others += chunk.kind != ChunkType.TILE  # whose number the header gives
        if self.others > self.limits.max_chunks:
            raise LimitError(f"the file has more chunks than the limit of {self.limits.max_chunks}")
        self.chunks.append((letter, chunk.end - chunk.start))
        if self.header is None:
            if chunk.kind != ChunkType.HEADER:
                raise FormatError("the first chunk is not the header")
            self.header = Header.from_bytes(payload)
            self.limits.check(self.header)
        elif chunk.kind & _ANCILLARY_BIT:
            self._add_ancillary(chunk.kind, payload)
        else:
            self._add_critical(chunk.kind, payload, self.header.tile_count())

    def _add_ancillary(self, kind: int, payload: memoryview | bytes) -> None:
        self.ancillary += len(payload)
        if self.ancillary > self.limits.max_metadata:
            raise LimitError(f"the metadata are larger than {self.limits.max_metadata} bytes")
        if kind in _METADATA:
            known = ChunkType(kind)
            if known in self.metadata:
                raise FormatError(f"chunk {chr(kind)!r} appears twice")
            self.metadata[known] = bytes(payload)
        elif kind == ChunkType.FILTER:
            if self.filter is not None:
                raise FormatError("chunk 'f' appears twice")
            self.filter = bytes(payload)

    def _add_critical(self, kind: int, payload: memoryview | bytes, tile_count: int) -> None:
        if kind == ChunkType.ALPHA and self.alpha is None and self.hyper is None:
            self.alpha = bytes(payload)
        elif kind == ChunkType.LAYER and self.layer is None and self.hyper is None:
            self.layer = bytes(payload)
        elif kind == ChunkType.HYPER and self.hyper is None:
            self.hyper = bytes(payload)
        elif kind == ChunkType.TILE and self.hyper is not None and len(self.tiles) < tile_count:
            self.tiles.append(bytes(payload))
        elif kind == ChunkType.END:
            if payload:
                raise FormatError("the END chunk is not empty")
            self.ended = True
        elif kind in list(ChunkType):
            raise FormatError(f"chunk {chr(kind)!r} is out of place")
        else:
            raise FormatError(f"chunk {chr(kind)!r} is needed for decoding but not known to this decoder; {NEWER}")

    def container(self) -> Container:
        """Return the container of a complete file.

        Raises:
            FormatError (TruncatedError): a chunk is missing, or one is there that the header does not announce.
        """
        header, hyper = self.header, self.hyper
        if not self.ended or header is None:
            raise TruncatedError("the file ends before its END chunk")
        alpha = _alpha_agrees(header, self.alpha, self.layer)
        if hyper is None or len(self.tiles) != header.tile_count() or not alpha:
            raise FormatError("a chunk that the header announces is missing, or one that it does not is there")
        found = Container(header, hyper, self.tiles, self.metadata, self.alpha, self.chunks, self.filter, self.layer)
        if found.layer is not None and header.depth != 8:
            raise FormatError("a picture of more than 8 bits has no layer")
        if not found.whole:
            self.limits.check_size(header, self.file_size)
        if found.whole and (hyper or any(self.tiles) or header.tile_log2 or found.filter is not None):
            raise FormatError("a picture that is a layer has symbols besides")
        return found


def _alpha_agrees(header: Header, alpha: bytes | None, layer: bytes | None) -> bool:
    """Return True if there is an ALPHA chunk exactly if the header announces alpha and no layer holds it."""
    return (alpha is not None) == (header.alpha and not (layer is not None and is_whole(layer)))
