"""Coding-independent code points (ITU-T H.273), which name colour spaces by numbers.

PNG files have them in a cICP chunk, AVIF files in an nclx box.
"""

from dataclasses import dataclass

from aez.codec.picture.colour.icc import Chromaticities, Curve

Codes = tuple[int, int, int, int]
"""Primaries, transfer function, matrix, and 1 for the full range."""
_D65 = (0.3127, 0.329)
SRGB_PRIMARIES: Chromaticities = (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
SRGB_CURVE = Curve((2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
_C = (0.31, 0.316)
_SMPTE_170M: Chromaticities = (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07)
_PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB_PRIMARIES,  # BT.709
    2: SRGB_PRIMARIES,  # unspecified
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),  # BT.470 M
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),  # BT.470 B and G
    6: _SMPTE_170M,
    7: _SMPTE_170M,  # SMPTE 240M
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),  # film
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # DCI-P3
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # Display P3
    22: (*_D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077),  # EBU Tech 3213
}
# The inverse of the camera's encoding curve, as profiles of these standards commonly have it.
_BT709_CURVE = Curve((1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081))
_CURVES = {
    1: _BT709_CURVE,
    2: SRGB_CURVE,  # unspecified
    4: Curve((2.2,)),
    5: Curve((2.8,)),
    6: _BT709_CURVE,
    7: Curve((1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4.0, 0.0912)),
    8: Curve((1.0,)),
    13: SRGB_CURVE,
    14: _BT709_CURVE,
    15: _BT709_CURVE,
    17: Curve((2.6,)),  # DCI
}
_WITHOUT_PROFILE = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True)
class Colour:
    """A colour space: primaries with white point, and tone curve."""

    chromaticities: Chromaticities = SRGB_PRIMARIES
    curve: Curve = SRGB_CURVE


def colour_of(primaries: int, transfer: int, full_range: bool) -> Colour | str:
    """Return the colour space of code points, or a part of a sentence that says what no profile can describe."""
    if transfer in _WITHOUT_PROFILE:
        return f"{_WITHOUT_PROFILE[transfer]} samples, which no profile describes"
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        return f"primaries {primaries} and the transfer function {transfer}, which are not known"
    return Colour(_PRIMARIES[primaries], Curve(_CURVES[transfer].parameters, narrow=not full_range))
