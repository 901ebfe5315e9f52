import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aez.bitstream import (
    SIGNATURE,
    AezError,
    ChecksumError,
    ChunkType,
    Container,
    FormatError,
    Header,
    LimitError,
    Limits,
    TruncatedError,
    is_aez,
    read_container,
    read_header,
    read_preview,
    write_container,
)
from aez.bitstream.container import write_chunk
from aez.bitstream.errors import NEWER

HEADER = Header(width=20, height=20, fingerprint=b"abcdef", quality=7)
ALPHA_HEADER = replace(HEADER, alpha=True)
START = SIGNATURE + b"\x01"
H, Z, T, E = (
    write_chunk(ChunkType.HEADER, HEADER.to_bytes()),
    write_chunk(ChunkType.HYPER, b"zz"),
    write_chunk(ChunkType.TILE, b"tt"),
    write_chunk(ChunkType.END, b""),
)
HA, A = write_chunk(ChunkType.HEADER, ALPHA_HEADER.to_bytes()), write_chunk(ChunkType.ALPHA, b"aa")
ICC = write_chunk(ChunkType.ICC, b"profile")


@given(
    hyper=st.binary(max_size=300),
    tiles=st.lists(st.binary(max_size=300), min_size=6, max_size=6),
    metadata=st.dictionaries(
        st.sampled_from([ChunkType.ICC, ChunkType.EXIF, ChunkType.XMP, ChunkType.PREVIEW]),
        st.binary(min_size=1, max_size=50),
    ),
    alpha=st.none() | st.binary(max_size=20),
)
def test_round_trip(hyper: bytes, tiles: list[bytes], metadata: dict[ChunkType, bytes], alpha: bytes | None) -> None:
    header = replace(HEADER, width=700, height=300, tile_log2=4, alpha=alpha is not None)
    data = write_container(Container(header, hyper, tiles, metadata, alpha))
    back = read_container(data)
    assert back == Container(header, hyper, tiles, metadata, alpha, back.chunks)
    assert len(data) == 9 + sum(1 + (2 if length > 127 else 1) + length + 4 for _, length in back.chunks)
    assert read_container(memoryview(data)) == back
    assert is_aez(data)


def test_chunks_are_as_specified() -> None:
    body = bytes([ChunkType.TILE, 3]) + b"abc"
    assert write_chunk(ChunkType.TILE, b"abc") == body + zlib.crc32(body).to_bytes(4, "little")
    assert write_chunk(ChunkType.TILE, b"") == b"T\0" + zlib.crc32(b"T\0").to_bytes(4, "little")
    assert write_container(Container(HEADER, b"zz", [b"tt"])) == START + H + Z + T + E


def test_tiles_and_alpha_must_fit_the_header() -> None:
    with pytest.raises(ValueError, match="tiles"):
        write_container(Container(HEADER, b"", []))
    with pytest.raises(ValueError, match="ALPHA"):
        write_container(Container(HEADER, b"", [b""], alpha=b"a"))
    with pytest.raises(ValueError, match="ALPHA"):
        write_container(Container(ALPHA_HEADER, b"", [b""]))


def test_unknown_ancillary_chunks_are_skipped() -> None:
    unknown = write_chunk(ord("q"), b"something new")
    data = START + H + unknown + Z + unknown + T + unknown + E
    back = read_container(data)
    assert (back.hyper, back.tiles, back.metadata) == (b"zz", [b"tt"], {})
    assert [kind for kind, _ in back.chunks] == list("HqZqTqE")


@pytest.mark.parametrize("place", range(4))
def test_metadata_may_lie_anywhere(place: int) -> None:
    parts = [Z, T]
    parts.insert(min(place, 2), ICC)
    assert read_container(START + H + b"".join(parts) + E).metadata == {ChunkType.ICC: b"profile"}


@pytest.mark.parametrize("kind", [k for k in range(256) if not chr(k).isascii() or not chr(k).isalpha()][::7])
def test_types_that_are_no_letters_are_refused(kind: int) -> None:
    with pytest.raises(FormatError):
        read_container(START + H + Z + T + write_chunk(kind, b"x") + E)


def test_an_unknown_critical_chunk_may_be_one_of_a_newer_version() -> None:
    with pytest.raises(FormatError, match=f"'Q' is needed for decoding .*{NEWER}"):
        read_container(START + H + write_chunk(ord("Q"), b"x") + Z + T + E)


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(H + write_chunk(ord("Q"), b"x") + Z + T + E, id="unknown critical"),
        pytest.param(H + write_chunk(ord("Q"), b"") + Z + T + E, id="unknown critical, empty"),
        pytest.param(Z + T + E, id="no header"),
        pytest.param(ICC + H + Z + T + E, id="metadata before the header"),
        pytest.param(H + H + Z + T + E, id="two headers"),
        pytest.param(H + T + E, id="no hyper"),
        pytest.param(H + Z + E, id="no tile"),
        pytest.param(H + Z + Z + T + E, id="two hypers"),
        pytest.param(H + Z + T + T + E, id="two tiles"),
        pytest.param(H + T + Z + E, id="tile before hyper"),
        pytest.param(H + ICC + ICC + Z + T + E, id="two profiles"),
        pytest.param(H + A + Z + T + E, id="alpha not announced"),
        pytest.param(HA + Z + T + E, id="no alpha"),
        pytest.param(HA + A + A + Z + T + E, id="two alphas"),
        pytest.param(HA + Z + A + T + E, id="alpha behind hyper"),
        pytest.param(H + Z + T, id="no end"),
        pytest.param(H + Z + T + write_chunk(ChunkType.END, b"x"), id="end with payload"),
        pytest.param(H + E, id="end at once"),
        pytest.param(H + Z + T + E + ICC, id="metadata behind the end"),
        pytest.param(H + Z + T + E + E, id="two ends"),
        pytest.param(H + Z + T + b"E\0", id="end without a checksum"),
        pytest.param(write_chunk(ChunkType.HEADER, b"") + Z + T + E, id="empty header"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_wrong_order_is_refused(chunks: bytes) -> None:
    with pytest.raises(FormatError):
        read_container(START + chunks)


def test_alpha_in_its_place_is_read() -> None:
    assert read_container(START + HA + A + Z + T + E).alpha == b"aa"


@pytest.mark.parametrize("behind", [b"\0", b"E", b"E\0", b"\n", H])
def test_bytes_behind_the_end_are_refused(behind: bytes) -> None:
    with pytest.raises(FormatError):
        read_container(START + H + Z + T + E + behind)


def test_errors_say_what_is_wrong() -> None:
    data = START + H + Z + T + E
    with pytest.raises(TruncatedError, match="empty"):
        read_container(b"")
    with pytest.raises(TruncatedError, match="signature"):
        read_container(data[:5])
    with pytest.raises(FormatError, match=r"not an \.aez file"):
        read_container(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(FormatError, match=f"version 2.*{NEWER}"):
        read_container(SIGNATURE + b"\x02" + data[9:])
    with pytest.raises(ChecksumError, match="damaged"):
        read_container(data[:-1] + bytes([data[-1] ^ 1]))


def test_a_signature_hurt_by_text_mode_is_refused() -> None:
    data = START + H + Z + T + E
    for hurt in (data.replace(b"\r\n", b"\n"), data.replace(b"\n", b"\r\n"), bytes(b & 0x7F for b in data)):
        assert not is_aez(hurt)
        with pytest.raises(FormatError):
            read_container(hurt)


@given(st.binary(max_size=60))
def test_garbage_raises_nothing_else(garbage: bytes) -> None:
    for data in (garbage, START + garbage, START + H + garbage, START + H + Z + T + E + b"\0" + garbage):
        with pytest.raises(AezError):
            read_container(data)


def test_metadata_are_limited() -> None:
    data = START + H + write_chunk(ord("q"), b"x" * 60) + write_chunk(ChunkType.ICC, b"x" * 60) + Z + T + E
    assert read_container(data, Limits(max_metadata=120)).metadata
    with pytest.raises(LimitError):
        read_container(data, Limits(max_metadata=119))


def test_chunks_are_limited_but_not_tiles() -> None:
    header = replace(HEADER, width=700, height=300, tile_log2=4)
    data = write_container(Container(header, b"zz", [b"t"] * 6))
    assert len(read_container(data, Limits(max_chunks=3)).chunks) == 9
    start = data.index(write_chunk(ChunkType.HYPER, b"zz"))
    many = data[:start] + 5000 * write_chunk(ord("q"), b"") + data[start:]
    for bad, limits in ((many, None), (data, Limits(max_chunks=2))):
        with pytest.raises(LimitError, match="chunks"):
            read_container(bad, limits)


def test_the_header_is_read_alone() -> None:
    assert read_header(START + H) == HEADER
    assert read_header(START + H + b"whatever follows") == HEADER
    with pytest.raises(LimitError):
        read_header(START + H, Limits(max_pixels=399))
    with pytest.raises(ChecksumError):
        read_header(START + H[:-1] + bytes([H[-1] ^ 1]))
    with pytest.raises(FormatError):
        read_header(START + Z + H)
    for length in range(len(START + H)):
        with pytest.raises(TruncatedError):
            read_header((START + H)[:length])


def test_tiles_that_are_not_wanted_are_not_looked_at() -> None:
    header = replace(HEADER, width=700, height=300, tile_log2=4)
    tiles = [bytes([n]) * (n + 1) for n in range(6)]
    data = write_container(Container(header, b"zz", tiles))
    at = data.index(tiles[3])
    damaged = data[:at] + b"?" + data[at + 1 :]
    back = read_container(damaged, tiles={0, 4})
    assert back.tiles == [tiles[0], b"", b"", b"", tiles[4], b""]
    assert back.chunks == read_container(data).chunks
    for wanted in (None, {3}):
        with pytest.raises(ChecksumError):
            read_container(damaged, tiles=wanted)
    with pytest.raises(FormatError):
        read_container(START + H + Z + T + T + E, tiles=set())


def test_previews_come_first_and_are_read_alone() -> None:
    metadata = {ChunkType.ICC: b"i", ChunkType.EXIF: b"e", ChunkType.PREVIEW: b"p", ChunkType.XMP: b"x"}
    data = write_container(Container(HEADER, b"zz", [b"tt"], metadata))
    assert [kind for kind, _ in read_container(data).chunks] == list("HpiexZTE")
    end = data.index(write_chunk(ChunkType.ICC, b"i"))
    assert read_preview(data[:end]) == b"p"
    assert read_preview(START + H + ICC + Z + T + E) is None
    assert read_preview(START + H) is None
    with pytest.raises(TruncatedError):
        read_preview(data[: end - 1])
    with pytest.raises(ChecksumError):
        read_preview(data[: end - 1] + bytes([data[end - 1] ^ 1]))
    with pytest.raises(LimitError):
        read_preview(START + H + write_chunk(ChunkType.PREVIEW, b"pp"), Limits(max_metadata=1))
