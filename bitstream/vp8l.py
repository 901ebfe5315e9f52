"""VP8L image streams (RFC 9649 section 3): what their headers state."""

_SIGNATURE = 0x2F
HEADER_BYTES = 5


def vp8l_size(stream: bytes) -> tuple[int, int] | None:
    """Return width and height as a VP8L stream's header states them; None if it is no VP8L stream of version 0."""
    if len(stream) < HEADER_BYTES or stream[0] != _SIGNATURE:
        return None
    bits = int.from_bytes(stream[1:5], "little")
    if bits >> 29:
        return None
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
