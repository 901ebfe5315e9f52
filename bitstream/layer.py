"""The LAYER chunk's payload (SPEC section 7.7): pixels without loss, in tiles, above the coded picture."""

from dataclasses import dataclass

from aez.bitstream.errors import FormatError, TruncatedError
from aez.bitstream.header import Header
from aez.bitstream.sizes import ceil_div
from aez.bitstream.tile_areas import MAX_PIXEL_TILE_LOG2, MIN_PIXEL_TILE_LOG2, tile_areas
from aez.bitstream.varint import read_varint, write_varint
from aez.bitstream.vp8l import HEADER_BYTES, vp8l_size

MAX_COLOURS, MAX_INDEXED_PIXELS = 2**14 - 1, 2**22
"""Colours, and pixels, of a tile whose pixels are numbers of colours."""
_WHOLE = 0x80
_INDEXED = 0x49


@dataclass(frozen=True)
class IndexedStream:
    """Pixels as numbers of colours.

    Attributes:
        palette: VP8L image stream of one row, its header checked.
        words: the numbers; see :mod:`aez.bitstream.indexed.stream`.
    """

    palette: bytes
    words: bytes

    @property
    def colours(self) -> int:
        """Colours of the palette."""
        size = vp8l_size(self.palette)
        return size[0] if size else 0

    def __bytes__(self) -> bytes:
        """Return the content of a tile."""
        return bytes([_INDEXED]) + write_varint(len(self.palette)) + self.palette + self.words


@dataclass(frozen=True)
class LayerTile:
    """One tile of a layer; it covers nothing if it has neither colour nor stream.

    Attributes:
        rows: first row and the row after the last, in pixels.
        cols: first column and the column after the last, in pixels.
        colour: samples of every pixel of a tile of one colour: three, or one of a grey picture; one more, the opacity,
            if the layer holds it.
        stream: VP8L image stream of exactly the tile's size, its header checked; or numbers of colours.
    """

    rows: tuple[int, int]
    cols: tuple[int, int]
    colour: bytes | None = None
    stream: bytes | IndexedStream | None = None


@dataclass(frozen=True)
class Layer:
    """Pixels above the coded picture.

    Attributes:
        tile_log2: log2 of the side of the tiles in pixels, 6 … 13.
        tiles: every tile, in raster order.
        whole: the layer is the whole picture, opacity included; nothing else is coded. Otherwise the alpha of a stream
            says which pixels it covers: 0 or 255.
    """

    tile_log2: int
    tiles: list[LayerTile]
    whole: bool = False


def is_whole(payload: bytes | memoryview) -> bool:
    """Return True if a layer is the whole picture; only the first byte is read."""
    return len(payload) > 0 and bool(payload[0] & _WHOLE)


def write_layer(layer: Layer) -> bytes:
    """Write a layer as a payload.

    Raises:
        ValueError: the tile size is out of range.
    """
    if not MIN_PIXEL_TILE_LOG2 <= layer.tile_log2 <= MAX_PIXEL_TILE_LOG2:
        raise ValueError("layer tile size out of range")
    parts = [bytes([layer.tile_log2 | (_WHOLE if layer.whole else 0)])]
    for tile in layer.tiles:
        content = bytes(tile.stream or tile.colour or b"")
        parts += [write_varint(len(content)), content]
    return b"".join(parts)


def read_layer(payload: bytes | memoryview, header: Header) -> Layer:
    """Parse a payload, and check the header of every VP8L stream against the size of its tile.

    Args:
        payload: payload of the chunk.
        header: header of the file, checked against the caller's limits.

    Raises:
        FormatError (TruncatedError): bytes are missing or left over, a tile of a whole layer is absent, or a stream is
            not one of its tile.
    """
    if not payload:
        raise TruncatedError("the LAYER chunk is empty")
    whole, tile_log2 = is_whole(payload), payload[0] & ~_WHOLE
    if not MIN_PIXEL_TILE_LOG2 <= tile_log2 <= MAX_PIXEL_TILE_LOG2:
        raise FormatError("the LAYER chunk gives a tile size out of range")
    side = 1 << tile_log2
    # A tile takes at least one byte: reject a short payload before the list of tiles is made.
    if ceil_div(header.height, side) * ceil_div(header.width, side) > len(payload) - 1:
        raise TruncatedError("the LAYER chunk is too short")
    colour_bytes = (1 if header.grey else 3) + (whole and header.alpha)
    at, tiles = 1, []
    for rows, cols in tile_areas(header.height, header.width, tile_log2):
        length, at = read_varint(payload, at)
        content = bytes(payload[at : at + length])
        if len(content) < length:
            raise TruncatedError("the LAYER chunk is too short")
        at += length
        if length > HEADER_BYTES:
            tiles.append(LayerTile(rows, cols, stream=_stream(content, rows[1] - rows[0], cols[1] - cols[0])))
        elif length == colour_bytes:
            tiles.append(LayerTile(rows, cols, colour=content))
        elif length == 0 and not whole:
            tiles.append(LayerTile(rows, cols))
        else:
            raise FormatError("a layer tile is neither a colour nor a VP8L stream")
    if at != len(payload):
        raise FormatError("the LAYER chunk has bytes left over")
    return Layer(tile_log2, tiles, whole)


def _stream(content: bytes, height: int, width: int) -> bytes | IndexedStream:
    """Divide and check the content of a tile that is neither empty nor of one colour."""
    if content[0] != _INDEXED:
        if vp8l_size(content) != (width, height):
            raise FormatError("a layer tile is not a VP8L stream of its size")
        return content
    length, at = read_varint(content, 1)
    found = IndexedStream(content[at : at + length], content[at + length :])
    size = vp8l_size(found.palette)
    if len(found.palette) < length or size is None or size[1] != 1 or not 2 <= size[0] <= MAX_COLOURS:
        raise FormatError("the palette of a layer tile is not a VP8L stream of one row")
    if height * width > MAX_INDEXED_PIXELS or len(found.words) % 4:
        raise FormatError("a layer tile cannot have been written by an encoder")
    return found
