"""Draw the rate map of a file: bits per pixel of each 16×16 block, over the dimmed picture or alone."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from aez.bitstream import Limits, read_header
from aez.bitstream.header import LATENT_STRIDE as STRIDE
from aez.codec.base import Data, PictureCodec
from aez.codec.codec import hyperprior
from aez.codec.decoding.rate_map import rate_map
from aez.codec.decoding.regions import REDUCTIONS
from aez.codec.picture.depth import to_8_bits
from aez.codec.picture.picture import Picture
from aez.codec.picture.turning import upright

LONGEST = 1536
"""Largest length of the longer side in pixels; larger pictures are reduced, to 1/16 at most."""
SHORTEST = 384
"""Smallest length of the longer side in pixels; smaller pictures are enlarged by an integer factor."""
_STOPS = ((0.0, 0, 0, 10), (0.25, 70, 15, 110), (0.5, 180, 45, 80), (0.75, 245, 130, 30), (1.0, 252, 250, 165))
"""Stops of the colour scale: share of the scale, and an RGB colour whose lightness rises with the share."""
_HEAT = 0.65
_DIM = 0.8
_TOP_SHARE = 99.5
_BAR, _PAD, _FONT = 12, 6, 12


def heatmap(codec: PictureCodec, data: Data, *, alone: bool = False, limits: Limits | None = None) -> Image.Image:
    """Draw a heat map of the bits of a file in display orientation, above a colour bar.

    The colour scale ends at the 99.5th percentile, so that a single block does not hide the rest.

    Args:
        codec: codec of the file's model.
        data: the whole file.
        alone: draw the heat map without the picture.
        limits: limits that the file must meet.

    Raises:
        AezError: as :meth:`aez.codec.Codec.decode`.
    """
    header = read_header(data, limits)
    rates = _per_pixel(rate_map(hyperprior(codec).weights, data, limits), header.height, header.width)
    longer = max(header.width, header.height)
    reduction = next((n for n in REDUCTIONS if longer <= n * LONGEST), REDUCTIONS[-1])
    height, width = -(-header.height // reduction), -(-header.width // reduction)
    top = max(float(np.percentile(rates, _TOP_SHARE)), 1e-9)
    side = STRIDE // reduction
    shares = np.repeat(np.repeat(np.clip(rates / top, 0, 1), side, 0), side, 1)[:height, :width]
    drawn = colours(shares)
    if not alone:
        seen = to_8_bits(codec.decode_picture(data, scale=1 / reduction, limits=limits).samples)
        luma = seen if seen.ndim == 2 else np.asarray(Image.fromarray(seen).convert("L"))
        drawn = np.round(_HEAT * drawn + (1 - _HEAT) * _DIM * luma[..., None]).astype(np.uint8)
    image = Image.fromarray(upright(Picture(drawn, orientation=header.orientation)).samples)
    factor = -(-SHORTEST // max(image.size))
    if factor > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    return _with_bar(image, top)


def colours(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Convert shares of the scale, 0 … 1, of any shape to colours, (…, 3) uint8."""
    stops = np.array(_STOPS)
    planes = [np.interp(shares, stops[:, 0], stops[:, channel]) for channel in (1, 2, 3)]
    out: NDArray[np.uint8] = np.round(np.stack(planes, -1)).astype(np.uint8)
    return out


def _per_pixel(bits: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Convert bits per block to bits per pixel, counting only pixels of the block that are in the picture."""
    rows = np.minimum(STRIDE, height - STRIDE * np.arange(bits.shape[0]))
    cols = np.minimum(STRIDE, width - STRIDE * np.arange(bits.shape[1]))
    out: NDArray[np.float64] = bits / (rows[:, None] * cols[None])
    return out


def _with_bar(image: Image.Image, top: float) -> Image.Image:
    """Return the picture above a colour bar from 0 to ``top`` bits per pixel."""
    font = _font()
    words = ["0", "bits per pixel", f"{top:.3g} and more"]
    widths = [round(font.getlength(word)) for word in words]
    width = max(image.width, sum(widths) + 6 * _PAD)
    out = Image.new("RGB", (width, image.height + _BAR + _FONT + 4 * _PAD), (24, 24, 24))
    out.paste(image, ((width - image.width) // 2, 0))
    ramp = np.repeat(np.linspace(0, 1, width - 2 * _PAD)[None], _BAR, 0)
    out.paste(Image.fromarray(colours(ramp)), (_PAD, image.height + _PAD))
    draw = ImageDraw.Draw(out)
    places = (_PAD, (width - widths[1]) // 2, width - _PAD - widths[2])
    for word, left in zip(words, places, strict=True):
        draw.text((left, image.height + _BAR + 2 * _PAD), word, (230, 230, 230), font=font)
    return out


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's default font, in size ``_FONT`` if Pillow has FreeType."""
    return ImageFont.load_default(_FONT)
