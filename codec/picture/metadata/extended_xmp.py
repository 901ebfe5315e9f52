"""XMP that is longer than a segment of a JPEG file: put together from segments, and divided into them.

As in the XMP specification, part 3, section 1.1.3.1: the standard packet names, by a digest, an extension, whose parts
lie in segments of their own, each with the digest, the length of the whole and its offset.
"""

import hashlib
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
"""What the segments of an extension start with."""
STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
"""What the segment of the standard packet starts with."""
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# RDF"
_NOTE = b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%b"'
_NAMED = re.compile(
    rb"(?:\s(?:\w+:)?HasExtendedXMP\s*=\s*[\"']|<\w+:HasExtendedXMP>)([0-9A-Fa-f]{32})(?:[\"']|</\w+:HasExtendedXMP>)"
)
_WRAPPER = re.compile(rb"<\?xpacket[^>]{0,200}\?>")
_NAME = re.compile(rb"<[^\s/>]+")
_GUID = 32
_PART = struct.Struct(">32sII")
_MAX_PART = 65000
"""Bytes of an extension in one segment, which holds 65533."""
_MAX_LENGTH = 2**25
"""Bytes of an extension; a longer one counts as damaged."""
_MAX_DECLARED = 2**20
"""Bytes by which declarations may lengthen a packet."""


@dataclass(frozen=True)
class _Packet:
    """Where the properties of a packet lie.

    Attributes:
        children: first bytes of the elements in rdf:RDF.
        end: the byte behind them, where rdf:RDF ends.
        names: prefixes that are declared for all of them, and what they stand for.
    """

    children: list[int]
    end: int
    names: dict[str, str]


class _Unusable(Exception):
    """The packet is no XMP, or has a part that no packet needs and that could do harm."""


def joined(standard: bytes, segments: Iterable[bytes]) -> bytes | None:
    """One packet of a standard one and the segments of its extension; None if these are damaged or not named.

    Args:
        standard: the packet as it is.
        segments: what follows :data:`EXTENSION` in segments, in any order, those of other packets among them.
    """
    named = _NAMED.search(standard)
    extension = _assembled(named[1].upper(), segments) if named else None
    if named is None or extension is None:
        return None
    base = standard[: named.start()] + standard[named.end() :]
    note = re.escape(_NOTE % named[1])
    for ours in (rb'<[\w:]+ [\w:]*about=""%b/>' % note, note):  # as :func:`divided` writes it
        if found := re.search(ours, standard):
            base = standard[: found.start()] + standard[found.end() :]
            break
    try:
        to = _parsed(base)
        packet = base[: to.end] + _declared(extension, to.names) + base[to.end :]
        _parsed(packet)
    except (_Unusable, expat.ExpatError):
        return None
    return packet


def divided(packet: bytes, limit: int) -> tuple[bytes, list[bytes]] | None:
    """A standard packet of at most ``limit`` bytes and the segments of its extension, without what they start with.

    As many of the first elements stay in the standard packet as fit. None if the packet is damaged or too long.
    """
    try:
        found = _parsed(packet)
    except (_Unusable, expat.ExpatError):
        return None
    if not found.children:
        return None
    first, end = found.children[0], found.end
    name = _name(packet, first)
    carrier = b'<%b %babout=""' % (name[1:], name[1 : name.find(b":") + 1])
    outside = len(packet) - (end - first) + len(carrier) + len(_NOTE) + _GUID
    cut = max((at for at in found.children if outside + at - first <= limit), default=None)
    if cut is None:
        return None
    extension = _WRAPPER.sub(b"", packet[:first]) + packet[cut:end] + _WRAPPER.sub(b"", packet[end:])
    if len(extension) > _MAX_LENGTH:
        return None
    guid = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()
    inside = [name, _NOTE % guid, packet[first + len(name) : cut]] if cut > first else [carrier, _NOTE % guid, b"/>"]
    parts = (
        _PART.pack(guid, len(extension), at) + extension[at : at + _MAX_PART]
        for at in range(0, len(extension), _MAX_PART)
    )
    return b"".join([packet[:first], *inside, packet[end:]]), list(parts)


def _assembled(guid: bytes, segments: Iterable[bytes]) -> bytes | None:
    """The extension of a digest; None unless its parts make up the whole without a gap or an overlap."""
    parts: dict[int, bytes] = {}
    lengths = set()
    for segment in segments:
        if len(segment) < _PART.size:
            continue
        name, length, offset = _PART.unpack_from(segment)
        if name.upper() != guid:
            continue
        if offset in parts or length > _MAX_LENGTH:
            return None
        lengths.add(length)
        parts[offset] = segment[_PART.size :]
    end = 0
    for offset in sorted(parts):
        if offset != end:
            return None
        end += len(parts[offset])
    return b"".join(parts[offset] for offset in sorted(parts)) if lengths == {end} else None


def _parsed(packet: bytes) -> _Packet:
    """Find the properties of a packet in UTF-8.

    Raises:
        _Unusable: it has no rdf:RDF, or a document type, whose entities could grow without bound.
        ExpatError: it is no XML.
    """
    parser = expat.ParserCreate("UTF-8", " ")
    names: dict[str, str] = {}
    children: list[int] = []
    depth = rdf_depth = start_of_rdf = end_of_rdf = 0

    def refuse(*_: object) -> None:
        raise _Unusable

    def declare(prefix: str | None, uri: str | None) -> None:
        if not rdf_depth:
            names[prefix or ""] = uri or ""

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal depth, rdf_depth, start_of_rdf
        depth += 1
        if rdf_depth and depth == rdf_depth + 1 and not end_of_rdf:
            children.append(parser.CurrentByteIndex)
        elif name == _RDF and not rdf_depth:
            rdf_depth, start_of_rdf = depth, parser.CurrentByteIndex

    def end(_: str) -> None:
        nonlocal depth, end_of_rdf
        if depth == rdf_depth and not end_of_rdf:
            end_of_rdf = parser.CurrentByteIndex
        depth -= 1

    parser.StartDoctypeDeclHandler = refuse
    parser.StartNamespaceDeclHandler = declare
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(packet.rstrip(b"\0"), True)
    if end_of_rdf == start_of_rdf:  # there is none, or it is one tag without contents
        raise _Unusable
    return _Packet(children, end_of_rdf, names)


def _declared(packet: bytes, known: dict[str, str]) -> bytes:
    """The elements of a packet, for one in which other prefixes are known: each declares those that it may need.

    Raises:
        _Unusable, ExpatError: there are none, or they would become far longer.
    """
    found = _parsed(packet)
    missing = [
        (re.compile(rb"\sxmlns%b\s*=" % re.escape(b":" * bool(prefix) + prefix.encode())), _declaration(prefix, uri))
        for prefix, uri in found.names.items()
        if known.get(prefix) != uri
    ]
    if not found.children or sum(len(text) for _, text in missing) * len(found.children) > _MAX_DECLARED:
        raise _Unusable
    out = []
    for start, end in zip(found.children, [*found.children[1:], found.end], strict=True):
        name = _name(packet, start)
        tag = packet[start : packet.find(b">", start)]
        out += [name, *(text for own, text in missing if not own.search(tag)), packet[start + len(name) : end]]
    return b"".join(out)


def _declaration(prefix: str, uri: str) -> bytes:
    return f" xmlns{':' * bool(prefix)}{prefix}={quoteattr(uri)}".encode()


def _name(packet: bytes, start: int) -> bytes:
    """The name of the element that starts there, ``<`` in front."""
    found = _NAME.match(packet, start)
    if found is None:
        raise _Unusable
    return found[0]
