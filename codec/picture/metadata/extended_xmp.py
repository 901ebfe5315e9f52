"""Join and split XMP packets that are longer than a segment of a JPEG file.

The format is that of the XMP specification, part 3, section 1.1.3.1. The standard packet names an extension by a
digest. The parts of the extension lie in segments of their own, each with the digest, the total length and its offset.
"""

import hashlib
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from xml.parsers import expat

EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
"""Prefix of an extension's segments."""
STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
"""Prefix of the standard packet's segment."""
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
"""Largest part of an extension in one segment, in bytes; a segment holds 65533 bytes."""
_MAX_LENGTH = 2**25
"""Largest length of an extension, in bytes; a longer one counts as damaged."""
_MAX_DECLARED = 2**20
"""Largest number of bytes that namespace declarations may add to a packet."""


@dataclass(frozen=True)
class _Packet:
    """Positions of the properties of a packet.

    Attributes:
        children: first byte of each element in rdf:RDF.
        end: byte after the last element, where rdf:RDF ends.
        names: prefixes that are declared for all elements, and their namespaces.
    """

    children: list[int]
    end: int
    names: dict[str, str]


class _Unusable(Exception):
    """The packet is not XMP, or has a part that no packet needs and that could do harm."""


def joined(standard: bytes, segments: Iterable[bytes]) -> bytes | None:
    """Join a standard packet and the segments of its extension; return None if they are damaged or not named.

    Args:
        standard: standard packet.
        segments: contents of segments after :data:`EXTENSION`, in any order; those of other packets are ignored.
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
    """Split a packet into a standard packet of at most ``limit`` bytes and the segments of its extension.

    The segments are returned without their prefix. As many of the first elements as fit stay in the standard packet.
    Return None if the packet is damaged or too long.
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
    """Assemble the extension with a digest; return None if its parts leave a gap or overlap."""
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
    """Find the properties of a UTF-8 packet.

    Raises:
        _Unusable: the packet has no rdf:RDF, or a document type, whose entities could grow without bound.
        ExpatError: the packet is not XML.
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
    if end_of_rdf == start_of_rdf:  # no rdf:RDF, or an empty-element tag
        raise _Unusable
    return _Packet(children, end_of_rdf, names)


def _declared(packet: bytes, known: dict[str, str]) -> bytes:
    """Return the elements of a packet with all namespace declarations that a packet with other prefixes needs.

    Raises:
        _Unusable, ExpatError: there are no elements, or they would become far longer.
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
    from xml.sax.saxutils import quoteattr  # which imports much, for a rare need

    return f" xmlns{':' * bool(prefix)}{prefix}={quoteattr(uri)}".encode()


def _name(packet: bytes, start: int) -> bytes:
    """Return the name of the element at this position, with ``<`` in front."""
    found = _NAME.match(packet, start)
    if found is None:
        raise _Unusable
    return found[0]
