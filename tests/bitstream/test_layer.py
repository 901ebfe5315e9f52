"""The LAYER chunk's payload, and what is refused of it before memory is taken."""

from dataclasses import replace

import pytest

from aez.bitstream import Container, FormatError, Header, TruncatedError, read_container, write_container
from aez.bitstream.layer import IndexedStream, Layer, LayerTile, read_layer, write_layer

HEADER = Header(width=150, height=70, fingerprint=b"abcdef", quality=7)
# A VP8L header that states 64×64, 22×64, 64×6 or 22×6, and two bytes that are not looked at here.
SIZES = [(64, 64), (64, 64), (22, 64), (64, 6), (64, 6), (22, 6)]
AREAS = [((i, min(i + 64, 70)), (j, min(j + 64, 150))) for i in (0, 64) for j in (0, 64, 128)]


def stream(width: int, height: int) -> bytes:
    return b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little") + b"ab"


def layer(whole: bool = False) -> Layer:
    tiles = [LayerTile(*area, stream=stream(*size)) for area, size in zip(AREAS, SIZES, strict=True)]
    tiles[1] = LayerTile(*AREAS[1], colour=b"\x01\x02\x03")
    if not whole:
        tiles[4] = LayerTile(*AREAS[4])
    return Layer(6, tiles, whole)


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_written_is_read(whole: bool) -> None:
    made = layer(whole)
    assert read_layer(write_layer(made), HEADER) == made


@pytest.mark.parametrize(
    ("colour", "alpha", "samples"), [("grey", False, 1), ("grey RGB", False, 1), ("RGB", False, 3)]
)
def test_a_colour_has_the_samples_of_the_picture(colour: str, alpha: bool, samples: int) -> None:
    header = replace(HEADER, width=64, height=64, colour=colour, alpha=alpha)
    for count in range(1, 6):
        payload = bytes([6, count, *range(count)])
        if count == samples:
            assert read_layer(payload, header).tiles[0].colour == bytes(range(count))
        else:
            with pytest.raises(FormatError):
                read_layer(payload, header)


def test_the_opacity_of_a_whole_layer_is_a_sample() -> None:
    header = replace(HEADER, width=64, height=64, alpha=True)
    assert read_layer(bytes([0x86, 4, 1, 2, 3, 4]), header).tiles[0].colour == bytes([1, 2, 3, 4])
    with pytest.raises(FormatError):
        read_layer(bytes([0x86, 3, 1, 2, 3]), header)
    with pytest.raises(FormatError):
        read_layer(bytes([6, 4, 1, 2, 3, 4]), header)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", TruncatedError),
        (bytes([5, 0]), FormatError),
        (bytes([14, 0]), FormatError),
        (bytes([6, 0, 0, 0, 0, 0]), TruncatedError),
        (bytes([6, 0, 0, 0, 0, 0, 0, 0]), FormatError),
        (bytes([6, 0, 0, 0, 0, 0, 3, 1]), TruncatedError),
        (bytes([0x86, 3, 1, 2, 3]), TruncatedError),
        (bytes([0x86] + [0] * 6), FormatError),
        (bytes([6, 0x80, 0x80, 0x80, 0x80, 0x08, 0, 0, 0, 0, 0]), TruncatedError),
    ],
)
def test_what_is_refused(payload: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_layer(payload, HEADER)


def test_streams_of_another_size_are_refused() -> None:
    for size in ((65, 64), (64, 65), (16384, 16384), (1, 1)):
        made = layer()
        made.tiles[0] = LayerTile(*AREAS[0], stream=stream(*size))
        with pytest.raises(FormatError, match="of its size"):
            read_layer(write_layer(made), HEADER)


def test_a_short_payload_of_a_huge_picture_takes_no_memory() -> None:
    huge = replace(HEADER, width=65535, height=65535)
    with pytest.raises(TruncatedError):
        read_layer(bytes([6, 0, 0]), huge)


def test_tile_sizes_out_of_range_are_not_written() -> None:
    for log2 in (5, 14):
        with pytest.raises(ValueError, match="out of range"):
            write_layer(Layer(log2, []))


@pytest.mark.parametrize(
    ("header", "changes", "fits"),
    [
        (HEADER, {}, True),
        (HEADER, {"hyper": b"1234"}, False),
        (HEADER, {"tiles": [b"\0"]}, False),
        (HEADER, {"filter": b""}, False),
        (replace(HEADER, depth=10), {}, False),
        (replace(HEADER, alpha=True), {}, True),
        (replace(HEADER, tile_log2=4), {"tiles": [b""]}, False),
    ],
)
def test_a_whole_layer_stands_alone(header: Header, changes: dict[str, object], fits: bool) -> None:
    parts = replace(Container(header, b"", [b""], layer=write_layer(layer(whole=True))), **changes)  # type: ignore[arg-type]
    data = write_container(parts)
    if fits:
        assert read_container(data).whole
    else:
        with pytest.raises(FormatError):
            read_container(data)


def test_a_layer_over_a_picture_goes_with_alpha_and_symbols() -> None:
    parts = Container(replace(HEADER, alpha=True), b"abcd", [b"x"], alpha=b"\x0a\0\0", layer=write_layer(layer()))
    back = read_container(write_container(parts))
    assert (back.layer, back.alpha, back.whole) == (parts.layer, parts.alpha, False)
    with pytest.raises(ValueError, match="ALPHA"):
        write_container(replace(parts, layer=write_layer(layer(whole=True))))


def test_layers_are_one_and_come_before_the_symbols() -> None:
    data = write_container(Container(HEADER, b"abcd", [b"x"], layer=write_layer(layer())))
    at, hyper = data.index(b"L"), data.index(b"Z\x04abcd")
    chunk = data[at:hyper]
    for damaged in (data[:at] + chunk + data[at:], data[:at] + data[hyper : hyper + 10] + chunk + data[hyper + 10 :]):
        with pytest.raises(FormatError, match="out of place"):
            read_container(damaged)


def indexed(colours: int = 9, rows: int = 1, words: bytes = b"1234") -> IndexedStream:
    return IndexedStream(stream(colours, rows), words)


def test_numbers_of_colours_are_divided_from_their_palette() -> None:
    made = Layer(7, [LayerTile((0, 70), (0, 128), stream=indexed()), LayerTile((0, 70), (128, 150))])
    assert read_layer(write_layer(made), HEADER) == made
    assert made.tiles[0].stream.colours == 9  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "wrong",
    [
        indexed(colours=1),
        indexed(rows=2),
        indexed(words=b"12345"),
        IndexedStream(b"\x2e" + stream(9, 1)[1:], b""),
        IndexedStream(b"", b"12345678"),
    ],
)
def test_wrong_palettes_are_refused(wrong: IndexedStream) -> None:
    made = Layer(13, [LayerTile((0, 70), (0, 150), stream=wrong)])
    with pytest.raises(FormatError):
        read_layer(write_layer(made), HEADER)


def test_a_palette_that_does_not_end_is_refused() -> None:
    content = bytes(indexed())
    payload = bytes([13, len(content)]) + content[:1] + b"\x7f" + content[2:]
    with pytest.raises(FormatError):
        read_layer(payload, HEADER)


def test_numbers_of_colours_are_bounded_in_pixels() -> None:
    header = replace(HEADER, width=4096, height=1024)
    payload = write_layer(Layer(12, [LayerTile((0, 1024), (0, 4096), stream=indexed())]))
    assert read_layer(payload, header)
    with pytest.raises(FormatError):
        read_layer(payload, replace(header, height=1025))
