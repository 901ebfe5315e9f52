"""Convert samples to sRGB."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from aez.codec.picture.depth import Samples

_HEADER = 128
"""Size of a profile's header, in bytes."""
_UNUSABLE = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
_TOLERANCE = 2
"""Levels by which a profile may differ from sRGB; profiles of cameras and Facebook's "c2" are rounded coarsely."""
_BAND = 2**22
"""Pixels that are converted at a time."""
_LEVELS = np.arange(256, dtype=np.uint8)[None]


def _compared_samples() -> dict[str, NDArray[np.uint8]]:
    """Build the samples for comparing profiles: all greys, and a lattice of colours that is denser in the dark."""
    levels = np.array([0, 8, 20, 51, 102, 153, 204, 255], dtype=np.uint8)
    lattice = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(1, -1, 3)
    return {"GRAY": _LEVELS, "RGB": np.concatenate([np.repeat(_LEVELS[:, :, None], 3, axis=2), lattice], 1)}


_COMPARED = _compared_samples()


def is_srgb(profile: bytes) -> bool:
    """Check whether a profile describes sRGB for RGB or grey samples, whatever its name.

    Colours are compared by relative colorimetry, which does not use a profile's perceptual tables.
    """
    samples = _COMPARED.get(space_of(profile) or "")
    if samples is None:
        return False
    colours = samples_to_srgb(samples, profile, ImageCms.Intent.RELATIVE_COLORIMETRIC)
    return colours is not None and bool((np.abs(colours.astype(np.int16) - samples) <= _TOLERANCE).all())


def space_of(profile: bytes) -> str | None:
    """Return the colour space of a profile's header: RGB, GRAY, CMYK, …; None if the header is invalid."""
    if len(profile) < _HEADER or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1").strip()


def matched(samples: Samples, profile: bytes | None) -> tuple[Samples, bytes | None, str | None]:
    """Make samples and profile fit each other; return both and a warning if something is lost.

    Grey samples with a profile for RGB become RGB, or lose the profile if it describes sRGB, which is the default for
    grey samples too. A profile for other samples is left out. Data without a profile's header are kept as they are.
    """
    space = space_of(profile) if profile else None
    grey = samples.ndim == 2
    if profile is None or space is None or space == ("GRAY" if grey else "RGB"):
        return samples, profile, None
    if space != "RGB":
        return samples, None, f"the colour profile is not one for {'grey' if grey else 'RGB'} pictures and is left out"
    if is_srgb(profile):
        return samples, None, None
    return np.repeat(samples[:, :, None], 3, axis=2), profile, None


def samples_to_srgb(
    samples: NDArray[np.uint8], profile: bytes, intent: ImageCms.Intent = ImageCms.Intent.PERCEPTUAL
) -> NDArray[np.uint8] | None:
    """Convert (H, W, 3) RGB or (H, W) grey samples to sRGB through their profile; return None if it cannot be used."""
    try:
        if samples.ndim == 2:
            # Each of the 256 levels is converted by itself: with optimisation, lcms interpolates between few table
            # entries.
            transform = _transform(profile, "L", intent, ImageCms.Flags.NOOPTIMIZE)
            levels: NDArray[np.uint8] = np.asarray(transform.apply(Image.fromarray(_LEVELS)).convert("L"))[0]
            return levels[samples]
        transform = _transform(profile, "RGB", intent)
        out = np.empty_like(samples)
        rows = max(1, _BAND // samples.shape[1])
        for top in range(0, len(samples), rows):
            out[top : top + rows] = np.asarray(transform.apply(Image.fromarray(samples[top : top + rows])))
    except _UNUSABLE:
        return None
    return out


def cmyk_to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert a CMYK image to sRGB through its profile; return None if the profile cannot be used."""
    try:
        return _transform(profile, "CMYK", ImageCms.Intent.PERCEPTUAL).apply(image)
    except _UNUSABLE:
        return None


def _transform(
    profile: bytes, mode: str, intent: ImageCms.Intent, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> ImageCms.ImageCmsTransform:
    """Build the transform from a profile for images of a mode to sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", intent, flags)
