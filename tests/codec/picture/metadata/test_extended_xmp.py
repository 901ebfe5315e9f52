import io
import random
import struct
import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aez.codec.codec import Codec
from aez.codec.picture.images import from_image
from aez.codec.picture.metadata.chunks import Metadata
from aez.codec.picture.metadata.extended_xmp import EXTENSION, STANDARD, divided, joined
from aez.codec.picture.outputs import fit_to_format, picture_bytes
from aez.codec.picture.picture import Picture

GUID = b"0123456789ABCDEF" * 2
RDF = b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
HEAD = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF '
    + RDF
    + b">\n"
)
TAIL = b"</rdf:RDF>\n</x:xmpmeta>\n   \n<?xpacket end='w'?>"
TITLE = b'  <rdf:Description rdf:about="" xmlns:a="urn:a" a:title="me"%b/>\n'
NAMED = b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%b"' % GUID
EXTRA = b'<rdf:Description rdf:about="" xmlns:b="urn:b"><b:depth>4711</b:depth></rdf:Description>'
EXTENDED = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF ' + RDF + b">" + EXTRA + b"</rdf:RDF></x:xmpmeta>"
PACKET = HEAD + TITLE % NAMED + TAIL
SAMPLES = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)


def segments(extended: bytes = EXTENDED, size: int = 50, guid: bytes = GUID) -> list[bytes]:
    return [
        struct.pack(">32sII", guid, len(extended), at) + extended[at : at + size]
        for at in range(0, len(extended), size)
    ]


def properties(packet: bytes) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for element in ET.fromstring(packet.strip(b"\0")).iter():
        found |= {name: value for name, value in element.attrib.items() if "about" not in name}
        if not len(element) and element.text:
            found[element.tag] = element.text
    return found


def jpeg(packet: bytes, parts: list[bytes]) -> bytes:
    buffer = io.BytesIO()
    extra = b"".join(
        b"\xff\xe1" + struct.pack(">H", 2 + len(part)) + part
        for part in [STANDARD + packet, *(EXTENSION + part for part in parts)]
    )
    Image.fromarray(SAMPLES).save(buffer, "JPEG", extra=extra)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [1000, 50, 7])
def test_segments_are_put_together_in_any_order(size: int) -> None:
    parts = segments(size=size) + segments(guid=b"F" * 32)
    random.Random(1).shuffle(parts)
    packet = joined(PACKET, parts)
    assert packet is not None
    assert properties(packet) == {"{urn:a}title": "me", "{urn:b}depth": "4711"}
    assert packet.endswith(TAIL)
    assert packet.startswith(HEAD)


@pytest.mark.parametrize(
    "named",
    [
        PACKET.replace(GUID, GUID.lower()),
        PACKET.replace(b'"' + GUID + b'"', b"'" + GUID + b"'"),
        HEAD
        + b'<rdf:Description rdf:about="" xmlns:a="urn:a" a:title="me" xmlns:n="http://ns.adobe.com/xmp/note/">'
        + b"<n:HasExtendedXMP>" + GUID + b"</n:HasExtendedXMP></rdf:Description>"
        + TAIL,
    ],
)  # fmt: skip
def test_ways_to_name_the_extension(named: bytes) -> None:
    packet = joined(named, segments())
    assert packet is not None
    assert properties(packet) == {"{urn:a}title": "me", "{urn:b}depth": "4711"}


def test_prefixes_of_the_extension_are_declared() -> None:
    """Prefixes come from the outer elements unless an element declares them itself."""
    outer = EXTENDED.replace(b"<rdf:RDF ", b'<rdf:RDF xmlns:a="urn:other" xmlns:b="urn:wrong" xmlns="urn:&amp;" ')
    outer = outer.replace(b"</b:depth>", b'</b:depth><a:width a:unit="cm">5</a:width><plain>6</plain>')
    packet = joined(PACKET, segments(outer))
    assert packet is not None
    assert properties(packet) == {
        "{urn:a}title": "me",
        "{urn:b}depth": "4711",
        "{urn:other}width": "5",
        "{urn:other}unit": "cm",
        "{urn:&}plain": "6",
    }


def replaced(index: int, **parts: int | bytes) -> list[bytes]:
    """One of the segments has another length, offset or contents."""
    out = segments()
    guid, length, offset = struct.unpack_from(">32sII", out[index])
    head = struct.pack(">32sII", guid, parts.get("length", length), parts.get("offset", offset))
    data = parts.get("data", out[index][40:])
    assert isinstance(data, bytes)
    out[index] = head + data
    return out


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(segments()[1:], id="the first missing"),
        pytest.param(segments()[:-1], id="the last missing"),
        pytest.param(segments()[:1] + segments()[2:], id="one missing"),
        pytest.param(segments(EXTENDED + b" " * 60)[:-1], id="spaces missing"),
        pytest.param([*segments(), segments()[1]], id="one twice"),
        pytest.param(replaced(1, offset=49), id="overlap"),
        pytest.param(replaced(1, offset=51), id="gap"),
        pytest.param(replaced(1, length=2**32 - 1), id="another length"),
        pytest.param(replaced(0, data=b"x" * 50), id="no XML"),
        pytest.param(segments(guid=b"F" * 32), id="another digest"),
        pytest.param([b"short", b""], id="short"),
        pytest.param([struct.pack(">32sII", GUID, 0, 0)], id="empty"),
        pytest.param([struct.pack(">32sII", GUID, 2**32 - 1, 0)], id="huge"),
        pytest.param(segments(b"<a/>"), id="no RDF"),
        pytest.param(segments(b"<!DOCTYPE x [<!ENTITY e 'e'>]>" + EXTENDED), id="document type"),
    ],
)
def test_damaged_extensions_are_named(parts: list[bytes]) -> None:
    assert joined(PACKET, parts) is None
    picture = from_image(Image.open(io.BytesIO(jpeg(PACKET, parts))))
    assert picture.warnings == ["the extended XMP metadata are damaged and are left out"]
    assert picture.metadata.xmp == PACKET


def test_packets_that_name_none() -> None:
    for packet in (HEAD + TITLE % b"" + TAIL, b"", b"no XML", PACKET[:-60]):
        assert joined(packet, segments()) is None
    picture = from_image(Image.open(io.BytesIO(jpeg(PACKET, []))))
    assert (picture.metadata.xmp, picture.warnings) == (PACKET, [])


def long_packet(elements: int, length: int) -> bytes:
    extra = (
        b'  <rdf:Description rdf:about="" xmlns:c="urn:c%d" c:v="%b"/>\n' % (i, b"v" * length) for i in range(elements)
    )
    return HEAD + TITLE % b"" + b"".join(extra) + TAIL


@pytest.mark.parametrize(("elements", "length"), [(40, 10000), (1, 400000), (3, 30000)])
def test_long_packets_come_back(codec: Codec, elements: int, length: int) -> None:
    packet = long_packet(elements, length)
    picture = Picture(SAMPLES, metadata=Metadata(xmp=packet))
    out = fit_to_format(picture, "JPEG")
    assert out.warnings == []
    image = Image.open(io.BytesIO(picture_bytes(out, "JPEG")))
    standard = image.info["xmp"]
    assert len(standard) <= 65502
    assert properties(standard)["{urn:a}title"] == "me"
    back = from_image(image)
    assert (back.warnings, back.metadata.xmp) == ([], packet)
    decoded = codec.decode_picture(codec.encode(back, 50))
    assert decoded.metadata.xmp == packet
    for kind in ("PNG", "WEBP", "TIFF"):
        file = Image.open(io.BytesIO(picture_bytes(fit_to_format(decoded, kind), kind)))
        assert from_image(file).metadata.xmp == packet


def test_one_long_element_leaves_a_packet_that_names_the_extension() -> None:
    packet = HEAD + TITLE % (b' a:x="%b"' % (b"v" * 100000)) + TAIL
    parts = divided(packet, 65502)
    assert parts is not None
    assert len(parts[0]) < 1000
    assert list(properties(parts[0])) == ["{http://ns.adobe.com/xmp/note/}HasExtendedXMP"]
    assert joined(*parts) == packet


def test_what_cannot_be_divided_is_left_out() -> None:
    for packet in (b"x" * 70000, HEAD + b" " * 70000 + TAIL, long_packet(1, 10) + b" " * 70000):
        assert divided(packet, 65502) is None
        out = fit_to_format(Picture(SAMPLES, metadata=Metadata(xmp=packet)), "JPEG")
        assert (out.metadata.xmp, out.warnings) == (None, ["XMP metadata cannot be kept in JPEG: too long"])


@given(st.integers(0, 2**32), st.binary(max_size=20))
def test_damage_does_no_harm(seed: int, noise: bytes) -> None:
    chance = random.Random(seed)
    packet, extended = bytearray(PACKET), bytearray(EXTENDED)
    for data in (packet, extended):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = noise
    parts = segments(bytes(extended))
    joined(bytes(packet), [part[: chance.randrange(41, 91)] for part in parts] if seed % 3 == 0 else parts)
    divided(bytes(packet), chance.randrange(2000))


@pytest.mark.parametrize(
    "extended",
    [
        pytest.param(EXTENDED.replace(EXTRA, b"<a>" * 10**5 + b"</a>" * 10**5), id="deep"),
        pytest.param(EXTENDED.replace(EXTRA, EXTRA * 10**5), id="many elements"),
        pytest.param(
            EXTENDED.replace(
                b"<rdf:RDF ", b"<rdf:RDF " + b" ".join(b'xmlns:n%d="urn:n"' % i for i in range(10**4)) + b" "
            ).replace(EXTRA, EXTRA * 10**4),
            id="many prefixes",
        ),
        pytest.param(b"<?xpacket " * 10**5 + b">?>" + EXTENDED.replace(EXTRA, EXTRA * 1000), id="many wrappers"),
        pytest.param(b" HasExtendedXMP " * 10**6, id="many names"),
    ],
)
def test_time_is_bounded(extended: bytes) -> None:
    start = time.perf_counter()
    packet = joined(PACKET, segments(extended, 65000))
    assert packet is None or len(packet) < len(PACKET) + len(extended) + 2**20
    joined(extended, segments(extended, 65000))
    divided(extended, 65502)
    assert time.perf_counter() - start < 5
