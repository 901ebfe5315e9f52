"""Encode pictures with a layer, where it takes fewer bits, or as a layer alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aez.bitstream import Container, Header, ImageError, write_container
from aez.bitstream.limits import TRUSTED
from aez.codec.layer.content import graphic_blocks
from aez.codec.layer.plan import Plan, block_sums, planned, with_fewest_bits
from aez.codec.layer.tiles import encode_whole
from aez.codec.picture.alpha.fill import filled
from aez.codec.picture.alpha.planes import LOSSLESS, with_fewer_levels
from aez.codec.picture.picture import Picture
from aez.codec.picture.vp8l import THOROUGH, USUAL, Search

if TYPE_CHECKING:
    from aez.codec.base import PictureCodec
    from aez.codec.geometry.windows import Progress
    from aez.codec.options import EncodeOptions

_THOROUGH_FROM = 7
"""The lowest effort at which WebP spends all its time."""
_CLEARLY = 0.3
"""A layer that costs this share of the picture without it needs no comparison with that at the effort asked for."""
_MOSTLY = 0.5
"""Share of covered pixels, or of blocks that are seen, from which on the whole picture may be a layer."""
Samples = NDArray[np.uint8]


def as_layer(
    codec: PictureCodec, picture: Picture, samples: Samples, header: Header, options: EncodeOptions
) -> Container:
    """Encode a picture as a layer alone: every sample kept, or of graphics, near-equal colours merged.

    Args:
        codec: codec that knows what an error is worth at a quality.
        picture: picture, with its alpha.
        samples: the samples to code; without loss those of the picture, else transparent pixels may be filled.
        header: header of the file.
        options: of encoding; ``lossless`` or not.

    Raises:
        ImageError: the file has more than 8 bits per sample.
    """
    if header.depth != 8:
        kind = "coding without loss" if options.lossless else "the content 'graphics'"
        raise ImageError(f"{kind} keeps 8 bits per sample, not {header.depth}; depth 8 rounds a picture of more")
    search = _search(options)
    if options.lossless:
        return _alone(header, encode_whole(samples, picture.alpha, search))
    return _alone(header, _graphic(picture, samples, codec.error_worth(header), options).payload)


def with_layer(
    codec: PictureCodec,
    picture: Picture,
    samples: Samples,
    header: Header,
    options: EncodeOptions,
    alpha: bytes | None,
    progress: Progress | None,
) -> Container | None:
    """Encode a picture with a layer, or as a layer alone; None if neither takes fewer bits at its distortion.

    Args:
        codec: codec of the picture beneath.
        picture: picture, with its alpha.
        samples: the samples to code.
        header: header of the file.
        options: of encoding.
        alpha: payload of the ALPHA chunk, which a layer alone replaces.
        progress: called with the share of the work done.
    """
    candidates = graphic_blocks(samples)
    cut_out = picture.alpha is not None and _is_cut_out(samples, picture.alpha)
    if candidates is None and not cut_out:
        return None
    costs = codec.block_costs(samples, header)
    if costs is None:
        return None
    plan = None if candidates is None else planned(samples, candidates, costs, _search(options))
    if plan is None and not cut_out:
        return None
    trials = [_alone(header, _graphic(picture, samples, costs.worth, options).payload)] if cut_out else []
    if plan is not None and not plan.cover.all():
        seen = np.where(plan.cover, np.uint8(0), np.uint8(255))
        beneath = codec.encode_samples(filled(samples, seen), header, options, progress, beneath=True)
        trials.append(replace(beneath, layer=plan.payload))
    if plan is not None and not cut_out and plan.cover.mean() >= _MOSTLY:
        trials.append(_alone(header, _graphic(picture, samples, costs.worth, options).payload))

    def cost(container: Container) -> float:
        return _cost(codec, container, samples, picture.alpha, alpha)

    costly = [(cost(container), number) for number, container in enumerate(trials)]
    if not costly:
        return None
    least, number = min(costly)
    if least < _CLEARLY * (costs.total + 8 * len(alpha or b"")):
        return trials[number]
    plain = codec.encode_samples(samples, header, options)
    return trials[number] if least < cost(plain) else plain


def _graphic(picture: Picture, samples: Samples, worth: float, options: EncodeOptions) -> Plan:
    """Encode a picture as a layer with as few colours as pays."""
    alpha = picture.alpha
    if alpha is not None:
        if options.alpha_quality < LOSSLESS:
            alpha = with_fewer_levels(alpha, options.alpha_quality)
        samples = _without_hidden(samples, alpha)
    cover = np.ones(samples.shape[:2], np.bool_)
    return with_fewest_bits(samples, cover, worth, _search(options), alpha, whole=True)


def _is_cut_out(samples: Samples, alpha: Samples) -> bool:
    """Check whether most of what is seen of a picture with alpha may be graphics, as of an icon."""
    blocks, seen = graphic_blocks(_without_hidden(samples, alpha)), block_sums(alpha > 0) > 0
    return blocks is not None and (not seen.any() or bool(blocks[seen].mean() >= _MOSTLY))


def _without_hidden(samples: Samples, alpha: Samples) -> Samples:
    """Set wholly transparent pixels to 0."""
    return np.where((alpha if samples.ndim == 2 else alpha[:, :, None]) == 0, np.uint8(0), samples)


def _alone(header: Header, layer: bytes) -> Container:
    """Return a file that is a layer alone."""
    return Container(replace(header, tile_log2=0), b"", [b""], layer=layer)


def _cost(
    codec: PictureCodec, container: Container, samples: Samples, opacity: Samples | None, alpha: bytes | None
) -> float:
    """Return rate plus distortion of a file without metadata, in bits; transparent pixels have no distortion."""
    whole = container.whole
    plain = container if whole else replace(container, header=replace(container.header, alpha=False))
    data = write_container(plain)
    decoded = codec.decode_picture(data, limits=TRUSTED).samples
    if decoded.ndim > samples.ndim:  # three equal samples
        decoded = decoded[..., 0]
    if opacity is not None:
        decoded = np.where((opacity if samples.ndim == 2 else opacity[:, :, None]) == 0, samples, decoded)
    bits = 8 * (len(data) + (0 if whole else len(alpha or b"")))
    return bits + codec.loss_bits(decoded, samples, container.header)


def _search(options: EncodeOptions) -> Search:
    return THOROUGH if options.effort >= _THOROUGH_FROM else USUAL
