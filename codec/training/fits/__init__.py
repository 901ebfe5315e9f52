"""Fits: tables and weights that are not trained but measured on pictures, when a model is exported.

A weights file that exists already gets them with `python -m aez.codec.training.fits`.
"""

from collections.abc import Sequence

from aez.codec.training.fits.copula import CopulaFit
from aez.codec.training.fits.fit import Fit
from aez.codec.training.fits.grey import GreyFit
from aez.codec.training.fits.hyper_context import HyperContextFit
from aez.codec.training.fits.picture_filter import PictureFilterFit
from aez.codec.training.fits.quality_scores import QualityScoresFit
from aez.codec.training.fits.residual_tables import ResidualTablesFit

FITS: tuple[Fit, ...] = (
    HyperContextFit(), ResidualTablesFit(), PictureFilterFit(), GreyFit(), CopulaFit(), QualityScoresFit(),
)  # fmt: skip
"""All fits in the order of their application: each encodes pictures with the results of those before it."""


def fits_named(names: Sequence[str]) -> list[Fit]:
    """Return the named fits in the order of their application.

    Raises:
        ValueError: there is no fit of a name.
    """
    known = [fit.name for fit in FITS]
    for name in names:
        if name not in known:
            raise ValueError(f"has no {name!r}; there are {', '.join(known)}")
    return [fit for fit in FITS if fit.name in names]


__all__ = ["FITS", "Fit", "fits_named"]
