"""Express the colour chunks of PNG files (cICP, sRGB, gAMA and cHRM) as an ICC profile."""

import struct
from collections.abc import Sequence

from PIL import Image

from aez.codec.picture.colour.cicp import SRGB_CURVE, SRGB_PRIMARIES, Codes, Colour, colour_of
from aez.codec.picture.colour.conversion import is_srgb
from aez.codec.picture.colour.icc import Curve, grey_profile, rgb_profile
from aez.codec.picture.formats.png_chunks import png_chunk

_SRGB_GAMMA = 0.45455
_GAMMAS = (0.1, 10.0)
"""Range of plausible values of gAMA."""
_NEAR = 0.005
"""Tolerance of gAMA (relative) and chromaticities for sRGB, since programs round them differently."""


def png_codes(image: Image.Image) -> Codes | None:
    """Read the cICP chunk of an opened PNG file, which Pillow does not provide; return None if there is none.

    This must be called before the image is loaded, since Pillow then closes the file.
    """
    codes = png_chunk(image, b"cICP", (4,))
    return None if codes is None else struct.unpack("4B", codes)


def png_profile(
    image: Image.Image, codes: Codes | None, profile: bytes | None, grey: bool
) -> tuple[bytes | None, list[str]]:
    """Return the profile that applies to a picture, and warnings.

    The first statement counts, in the order of the PNG specification: cICP, the profile, sRGB, gAMA and cHRM. sRGB
    needs no profile. Colours that no profile can describe are named in a warning, and the next statement counts.

    Args:
        image: image as Pillow opened it; its ``info`` has the chunks gAMA, cHRM and sRGB.
        codes: code points of cICP or of an AVIF file.
        profile: profile of the file.
        grey: whether the samples will be grey.
    """
    notes: list[str] = []
    if codes is not None:
        meant = colour_of(codes[0], codes[1], codes[3] != 0)
        if isinstance(meant, Colour):
            return _made(meant, f"code points {codes[0]}, {codes[1]}", grey, notes), notes
        notes.append(f"the colours are not kept: the file says {meant}")
    if profile is not None or isinstance(image.info.get("srgb"), int):
        return profile, notes
    gamma, chromaticities = image.info.get("gamma"), image.info.get("chromaticity")
    if isinstance(chromaticities, tuple) and len(chromaticities) != len(SRGB_PRIMARIES):  # of a damaged chunk
        chromaticities = None
    if not isinstance(gamma, float) and not isinstance(chromaticities, tuple):
        return None, notes
    primaries = SRGB_PRIMARIES
    if isinstance(chromaticities, tuple) and not _near(chromaticities, SRGB_PRIMARIES):
        primaries = chromaticities
    curve = SRGB_CURVE
    if isinstance(gamma, float):
        if not _GAMMAS[0] <= gamma <= _GAMMAS[1]:
            return None, [*notes, f"gAMA and cHRM are left out: no picture has a gamma of {gamma:g}"]
        if primaries != SRGB_PRIMARIES or abs(gamma / _SRGB_GAMMA - 1) > _NEAR:
            curve = Curve((1 / gamma,))
    return _made(Colour(primaries, curve), "gAMA and cHRM", grey, notes), notes


def _made(colour: Colour, name: str, grey: bool, notes: list[str]) -> bytes | None:
    """Write a profile; return None for sRGB, and None with a note if the colours cannot be expressed."""
    make = grey_profile if grey else rgb_profile
    profile = make(name, colour.chromaticities, colour.curve)
    if profile is None:
        notes.append(f"{name} are left out: such primaries make no colours")
    return None if profile is None or is_srgb(profile) else profile


def _near(chromaticities: Sequence[float], others: Sequence[float]) -> bool:
    return all(abs(a - b) <= _NEAR for a, b in zip(chromaticities, others, strict=True))
