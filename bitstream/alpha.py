"""The ALPHA chunk's payload (SPEC section 7.4): an alpha plane in tiles or as a grey picture.

In tiles, the plane is divided into squares; each one is constant or a VP8L stream. As a picture, the payload holds a
whole `.aez` file with a grey picture.
"""

from dataclasses import dataclass, replace

from aez.bitstream.container import PREFIX_BYTES, read_container
from aez.bitstream.errors import FormatError, TruncatedError
from aez.bitstream.header import Header
from aez.bitstream.limits import TRUSTED, Limits
from aez.bitstream.tile_areas import MAX_PIXEL_TILE_LOG2, MIN_PIXEL_TILE_LOG2, tile_areas
from aez.bitstream.varint import read_varint, write_varint
from aez.bitstream.vp8l import vp8l_size

MAX_EDGE = 63
_PICTURE = 0
_CHUNKS_OF_A_PICTURE = set("HfZTE")


@dataclass(frozen=True)
class AlphaTile:
    """One tile of an alpha plane.

    Attributes:
        rows: first row and the row after the last, in pixels.
        cols: first column and the column after the last, in pixels.
        level: value of all samples if ``stream`` is None.
        stream: VP8L image stream of exactly the tile's size, its header checked; None for a constant tile.
    """

    rows: tuple[int, int]
    cols: tuple[int, int]
    level: int = 0
    stream: bytes | None = None


@dataclass(frozen=True)
class AlphaPicture:
    """An alpha plane coded as a grey picture.

    Attributes:
        edge: samples up to ``edge`` become 0, samples from 255 − ``edge`` on become 255; 0 … 63.
        data: a whole `.aez` file with a grey picture of the outer picture's size and model, and with nothing else.
    """

    edge: int
    data: bytes


def write_alpha(tiles: list[AlphaTile], tile_log2: int) -> bytes:
    """Write the payload of tiles that are given in raster order.

    Raises:
        ValueError: the tile size is out of range.
    """
    if not MIN_PIXEL_TILE_LOG2 <= tile_log2 <= MAX_PIXEL_TILE_LOG2:
        raise ValueError("alpha tile size out of range")
    parts = [bytes([tile_log2])]
    for tile in tiles:
        if tile.stream is None:
            parts += [write_varint(0), bytes([tile.level])]
        else:
            parts += [write_varint(len(tile.stream)), tile.stream]
    return b"".join(parts)


def read_alpha(payload: bytes | memoryview, height: int, width: int) -> list[AlphaTile]:
    """Parse a payload into tiles, and check the header of every VP8L stream against the size of its tile.

    Raises:
        FormatError (TruncatedError): bytes are missing or left over, or a stream has another size than its tile.
    """
    if not payload:
        raise TruncatedError("the ALPHA chunk is empty")
    tile_log2 = payload[0]
    if not MIN_PIXEL_TILE_LOG2 <= tile_log2 <= MAX_PIXEL_TILE_LOG2:
        raise FormatError("the ALPHA chunk gives a tile size out of range")
    at, tiles = 1, []
    side = 1 << tile_log2
    # A tile takes at least two bytes: reject a short payload before the list of tiles is made.
    if 2 * (-(-height // side) * -(-width // side)) > len(payload) - 1:
        raise TruncatedError("the ALPHA chunk is too short")
    for rows, cols in tile_areas(height, width, tile_log2):
        length, at = read_varint(payload, at)
        end = at + max(1, length)
        if end > len(payload):
            raise TruncatedError("the ALPHA chunk is too short")
        if length:
            stream = bytes(payload[at:end])
            if vp8l_size(stream) != (cols[1] - cols[0], rows[1] - rows[0]):
                raise FormatError("an alpha tile is not a VP8L stream of its size")
            tiles.append(AlphaTile(rows, cols, stream=stream))
        else:
            tiles.append(AlphaTile(rows, cols, level=payload[at]))
        at = end
    if at != len(payload):
        raise FormatError("the ALPHA chunk has bytes left over")
    return tiles


def write_alpha_picture(data: bytes, edge: int) -> bytes:
    """Write the payload of an alpha plane coded as a picture.

    Raises:
        ValueError: the edge is out of range.
    """
    if not 0 <= edge <= MAX_EDGE:
        raise ValueError("the edge of an alpha picture is out of range")
    return bytes([_PICTURE, edge]) + data


def read_alpha_picture(payload: bytes, header: Header, limits: Limits) -> AlphaPicture | None:
    """Parse the payload of an alpha plane coded as a picture; return None if the plane is in tiles.

    All chunks of the inner file are checked, so it can hold neither metadata nor another file. The checksums of its
    tiles are verified only when they are decoded.

    Args:
        payload: payload of the chunk.
        header: header of the file, within the limits.
        limits: bounds on what the file may ask for.

    Raises:
        LimitError: the inner file has too many chunks.
        FormatError: the inner file is damaged, of another size, model or kind, or has chunks that it must not have.
    """
    if not payload or payload[0] != _PICTURE:
        return None
    if len(payload) < 2 + PREFIX_BYTES:
        raise TruncatedError("the ALPHA chunk is too short")
    if payload[1] > MAX_EDGE:
        raise FormatError("the ALPHA chunk gives an edge out of range")
    # The size is compared with that of the outer picture, which has been checked against the caller's limits.
    data = payload[2:]
    inner = read_container(data, replace(TRUSTED, max_chunks=limits.max_chunks), tiles=())
    own = inner.header
    if (own.width, own.height) != (header.width, header.height):
        raise FormatError("the alpha picture is of another size")
    if own.fingerprint != header.fingerprint:
        raise FormatError("the alpha picture is of another model")
    if own.colour != "grey" or own.alpha or own.orientation != 1 or own.depth != 8:
        raise FormatError("the alpha picture is not a plain grey one")
    if {kind for kind, _ in inner.chunks} - _CHUNKS_OF_A_PICTURE:
        raise FormatError("the alpha picture has more than a picture in it")
    return AlphaPicture(payload[1], data)
