"""The preview stored at the front of a file, and the reduction that gives one for files without."""

from aez.bitstream import ChunkType, FormatError, Header, Limits, read_container, read_header, read_preview
from aez.bitstream.container import Buffer
from aez.codec.decoding.regions import REDUCTIONS
from aez.codec.picture.previews import PREVIEW_SIDE

MAX_PREVIEW_SIDE = 1024


def stored_preview(data: Buffer, limits: Limits | None = None) -> bytes | None:
    """Return the preview stored in a file, which is itself a file; None if there is none.

    Nothing after the preview is read.

    Raises:
        FormatError, LimitError: the preview is damaged, is too large, or has a preview itself.
    """
    payload = read_preview(data, limits)
    if payload is None:
        return None
    header = read_header(payload, limits)
    if max(header.width, header.height) > MAX_PREVIEW_SIDE:
        raise FormatError(f"the preview has more than {MAX_PREVIEW_SIDE} pixels a side")
    if ChunkType.PREVIEW in read_container(payload, limits).metadata:
        raise FormatError("the preview has a preview")
    return payload


def preview_reduction(header: Header) -> int:
    """Return the largest reduction that leaves at least ``PREVIEW_SIDE`` pixels on the longer side; 1 if none does."""
    longer = max(header.width, header.height)
    return max((n for n in REDUCTIONS if longer >= n * PREVIEW_SIDE), default=1)
