"""Pictures in: any Pillow image or array to 8-bit samples and what belongs to them, saying what that changes."""

import os
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream.errors import ImageError
from aez.codec.picture.colour.avif import avif_codes
from aez.codec.picture.colour.conversion import (
    cmyk_to_srgb,
    has_deep_samples,
    is_srgb,
    matched,
    samples_to_srgb,
    to_8_bits,
)
from aez.codec.picture.colour.png import png_codes, png_profile
from aez.codec.picture.metadata.chunks import (
    EXIF_PREFIX,
    Metadata,
    bounded,
    with_extended_xmp,
    with_orientation,
    without_thumbnails,
)
from aez.codec.picture.metadata.left_out import left_out
from aez.codec.picture.metadata.orientation import read_oriented
from aez.codec.picture.metadata.resolution import resolution_of, transposed, with_file_resolution
from aez.codec.picture.raw_files import refuse_raw
from aez.codec.picture.sources import File
from aez.codec.picture.transparency import key_of, opacity

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BACKGROUND = (255, 255, 255)
_BAND = 2**24
"""Samples copied from a Pillow image at a time."""
_GREY_MODES = ("1", "L", "LA", "La")
_OWN_COLOURS = ("LAB", "HSV")
"""Modes whose profile, if any, does not hold for what Pillow converts them to."""
_ALPHA_MODES = ("LA", "La", "RGBA", "RGBa", "PA")


@dataclass(frozen=True)
class Picture:
    """What the encoder takes and the decoder gives.

    Attributes:
        samples: (H, W, 3) uint8 RGB, or (H, W) uint8 grey; sRGB unless there is a profile.
        alpha: (H, W) uint8, 0 transparent to 255 opaque, not multiplied into the samples; None if there is none.
        orientation: how to turn it for display, as EXIF's tag 274, 1 … 8.
        metadata: ICC profile, EXIF, XMP.
        warnings: what of the input is not carried, one line each.
    """

    samples: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    orientation: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    warnings: list[str] = field(default_factory=list)

    @property
    def mode(self) -> str:
        """Pillow's name of it: L, LA, RGB or RGBA."""
        return ("L" if self.samples.ndim == 2 else "RGB") + ("" if self.alpha is None else "A")

    def to_array(self) -> NDArray[np.uint8]:
        """(H, W), (H, W, 2), (H, W, 3) or (H, W, 4) uint8: the samples, alpha behind them."""
        if self.alpha is None:
            return self.samples
        return np.dstack([self.samples, self.alpha])

    def to_image(self) -> Image.Image:
        """A Pillow image as stored (not turned), its metadata in ``info`` as Pillow's own readers leave them.

        A grey picture with a profile for RGB is given as RGB.
        """
        samples, profile, _ = matched(self.samples, self.metadata.icc)
        image = Image.fromarray(replace(self, samples=samples).to_array())
        if profile:
            image.info["icc_profile"] = profile
        if self.metadata.exif:
            image.info["exif"] = EXIF_PREFIX + self.metadata.exif
            resolution = resolution_of(self.metadata.exif)
            if resolution and resolution.dpi:
                image.info["dpi"] = resolution.dpi
        if self.metadata.xmp:
            image.info["xmp"] = self.metadata.xmp
        return image


Pixels = Image.Image | NDArray[np.uint8]


def as_picture(image: Pixels | Picture | File) -> Picture:
    """Whatever the library takes, as what the encoder takes.

    Raises:
        AezError: the picture cannot be read, or is too large.
        ValueError, TypeError: an array of the wrong kind.
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, Image.Image):
        return from_image(image)
    if isinstance(image, (str, os.PathLike)):
        from aez.codec.picture.reading import read_path

        return read_path(image)
    array = np.asarray(image)
    if array.dtype.kind not in "biufc":
        kind = type(image).__name__
        raise TypeError(f"a picture is given as a Pillow image, an array or the path of a file, not as {kind}")
    return from_array(array)


def from_array(array: NDArray[np.generic]) -> Picture:
    """An (H, W) or (H, W, C) array, C from 1 to 4: grey, grey and alpha, RGB, RGBA.

    Samples are uint8, uint16 of either byte order, which are rounded to 8 bits, or bool, which become 0 and 255.

    Raises:
        TypeError: the dtype is another.
        ValueError: the shape is another.
    """
    kind, deep = array.dtype.kind, array.dtype.kind == "u" and array.dtype.itemsize == 2
    if array.dtype not in (np.uint8, np.bool_) and not deep:
        advice = (
            "samples from 0 to 1 become so by (array * 255).round().clip(0, 255).astype('uint8')"
            if kind == "f"
            else "samples from 0 to 255 become so by array.astype('int64').clip(0, 255).astype('uint8')"
        )
        raise TypeError(f"the array must be uint8 (or uint16, or bool), not {array.dtype}: {advice}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] > 4):
        planar = array.ndim == 3 and 1 <= array.shape[0] <= 4 and 0 not in array.shape
        advice = ": array.transpose(1, 2, 0) puts the channels last" if planar else ""
        raise ValueError(
            f"the array must have shape (H, W), or (H, W, C) with 1 to 4 channels, not {array.shape}{advice}"
        )
    warnings = ["16-bit samples are coded with 8 bits"] if deep else []
    samples = to_8_bits(array.astype(np.uint16, copy=False)) if deep else array.astype(np.uint8, copy=False)
    if kind == "b":
        samples = samples * np.uint8(255)
    alpha = None
    if samples.ndim == 3 and samples.shape[2] != 3:
        alpha = np.ascontiguousarray(samples[:, :, -1])
        samples = samples[:, :, 0] if samples.shape[2] == 2 else samples[:, :, :3]
    return Picture(np.ascontiguousarray(samples), alpha, warnings=warnings)


def from_image(image: Image.Image, *, srgb: bool = False, strip: bool = False) -> Picture:
    """A Pillow image of any mode, of several frames the one at which it stands, as Pillow's `save` takes it.

    Args:
        image: what to read; it is loaded.
        srgb: convert to sRGB through the profile, which is then not kept.
        strip: leave EXIF and XMP out, and a profile that says what holds without one: sRGB. Metadata that cannot be
            kept are then not named in warnings.

    Raises:
        ImageError: the pixels cannot be read or converted, or are only the thumbnail of a camera's raw file.
    """
    warnings: list[str] = []
    try:
        refuse_raw(image)
        if has_deep_samples(image):
            warnings.append("16-bit samples are coded with 8 bits")
        codes = png_codes(image) or avif_codes(image)
        key = key_of(image)
        image.load()
        orientation, metadata = read_oriented(image, warnings)
        metadata = Metadata(icc=metadata.icc) if strip else _completed(image, metadata, warnings)
        metadata, too_long = bounded(metadata)
        warnings.extend([too_long] if too_long else [])
        profile, notes = png_profile(image, codes, metadata.icc, _is_grey(image))
        warnings.extend(notes)
        samples, alpha, profile = _convert(image, profile, warnings)
        samples, profile = _coloured(samples, profile, srgb, warnings)
        if key is not None:
            alpha = opacity(_copy(image.convert("L") if image.mode == "1" else image, len(image.getbands())), key)
    except ImageError:
        raise
    except Exception as error:  # Pillow's plugins raise RuntimeError, TypeError, struct.error … on damaged files
        raise ImageError(f"cannot be read as a picture ({error})") from None
    picture = Picture(samples, alpha, orientation, replace(metadata, icc=profile), warnings)
    return stripped(picture) if strip else picture


def _completed(image: Image.Image, metadata: Metadata, warnings: list[str]) -> Metadata:
    """Metadata and what a file has of such kinds elsewhere; what of all that is not kept is added to the warnings."""
    exif, lost_resolution = with_file_resolution(image, metadata.exif)
    metadata, lost_xmp = with_extended_xmp(image, replace(metadata, exif=exif))
    warnings.extend(note for note in (lost_resolution, lost_xmp, *left_out(image)) if note)
    return metadata


def _convert(
    image: Image.Image, profile: bytes | None, warnings: list[str]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, bytes | None]:
    """Samples, alpha, and the profile that still holds for them."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        message = "16-bit samples are coded with 8 bits"
        if image.mode == "F":
            message = "float samples are scaled from their range and coded with 8 bits"
        if message not in warnings:
            warnings.append(message)
        deep = np.asarray(image)
        key = image.info.get("transparency")
        alpha = np.where(deep == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
        return to_8_bits(deep), alpha, profile
    if image.mode in ("P", "PA"):
        transparent = image.mode == "PA" or "transparency" in image.info
        mode = "L" if _has_grey_palette(image) else "RGB"
        image = image.convert(mode + "A" if transparent else mode)
    elif image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    alpha = _band_of(image, image.mode[-1]) if image.mode in _ALPHA_MODES else None
    if image.mode == "1":
        image = image.convert("L")
    colour = image.mode.removesuffix("A")
    if colour not in ("L", "RGB", "CMYK"):
        warnings.append(f"a picture of mode {image.mode} is converted to RGB")
        profile = None if image.mode in _OWN_COLOURS else profile
        return _copy(image.convert("RGB"), 3), alpha, profile
    if colour == "CMYK":
        return _from_cmyk(image, profile, warnings), None, None
    return _copy(image, 1 if colour == "L" else 3), alpha, profile


def _coloured(
    samples: NDArray[np.uint8], profile: bytes | None, srgb: bool, warnings: list[str]
) -> tuple[NDArray[np.uint8], bytes | None]:
    """Samples and a profile that fit each other, or samples converted to sRGB."""
    samples, profile, note = matched(samples, profile)
    if note:
        warnings.append(note)
    if srgb and profile and not is_srgb(profile):
        converted = samples_to_srgb(samples, profile)
        if converted is None:
            warnings.append("the colour profile cannot be used and is left out")
        else:
            samples = converted
    return samples, None if srgb else profile


def _is_grey(image: Image.Image) -> bool:
    """Whether the samples of a loaded image will be grey."""
    if image.mode in ("P", "PA"):
        return _has_grey_palette(image)
    return image.mode in (*_GREY_MODES, "I", "F") or image.mode.startswith("I;16")


def _has_grey_palette(image: Image.Image) -> bool:
    palette = np.array(image.getpalette("RGB") or [0, 1, 2]).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _from_cmyk(image: Image.Image, profile: bytes | None, warnings: list[str]) -> NDArray[np.uint8]:
    converted = cmyk_to_srgb(image, profile) if profile else None
    if converted is not None:
        warnings.append("a CMYK picture is converted to sRGB through its profile")
        return _copy(converted, 3)
    if profile:
        warnings.append("the colour profile cannot be used and is left out")
    warnings.append("a CMYK picture is converted to RGB by (1 − ink)(1 − black): it has no profile that can be used")
    return _copy(image.convert("RGB"), 3)


def _copy(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """The first channels of an image, (H, W) or (H, W, 3), in bands: Pillow's own way takes three times the memory."""
    shape = (image.height, image.width) if channels == 1 else (image.height, image.width, channels)
    out = np.empty(shape, dtype=np.uint8)
    rows = max(1, _BAND // (image.width * channels))
    for top in range(0, image.height, rows):
        bottom = min(image.height, top + rows)
        # Not crop, which refuses more pixels than a limit that the process sets for files that Pillow opens.
        box = (0, top, image.width, bottom)
        band = np.asarray(image.resize((image.width, bottom - top), Image.Resampling.NEAREST, box))
        out[top : top + rows] = (
            band if band.shape[2:] == shape[2:] else band[..., 0] if channels == 1 else band[..., :3]
        )
    return out


def _band_of(image: Image.Image, name: str) -> NDArray[np.uint8]:
    return _copy(image.getchannel(name), 1)


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is meant to be seen."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def upright(picture: Picture) -> Picture:
    """Turned as it is meant to be seen, its orientation 1, also where EXIF or XMP state one.

    Thumbnails, which would lie on their side, are left out.
    """
    if picture.orientation == 1:
        return picture
    metadata = without_thumbnails(with_orientation(picture.metadata, 1))
    if metadata.exif and picture.orientation >= 5:
        metadata = replace(metadata, exif=transposed(metadata.exif))
    return replace(
        picture,
        samples=_turned_array(picture.samples, picture.orientation),
        alpha=None if picture.alpha is None else _turned_array(picture.alpha, picture.orientation),
        orientation=1,
        metadata=metadata,
    )


def _turned_array(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def stripped(picture: Picture) -> Picture:
    """Without EXIF and XMP, and without a profile that says what holds without one: sRGB. Other profiles stay."""
    profile = picture.metadata.icc
    return replace(picture, metadata=Metadata(icc=None if profile and is_srgb(profile) else profile))


def flattened(picture: Picture, background: tuple[int, int, int] = BACKGROUND) -> Picture:
    """Laid on a colour; a grey picture stays grey if the colour is."""
    if picture.alpha is None:
        return picture
    samples, ground = picture.samples, np.array(background, dtype=np.uint16)
    if samples.ndim == 2 and len(set(background)) > 1:
        samples = np.repeat(samples[:, :, None], 3, axis=2)
    out = np.empty_like(samples)
    colour = ground if samples.ndim == 3 else ground[0]
    rows = max(1, _BAND // (samples.shape[1] * 3))
    for top in range(0, len(samples), rows):
        band = slice(top, top + rows)
        alpha = picture.alpha[band].astype(np.uint16)
        alpha = alpha[:, :, None] if samples.ndim == 3 else alpha
        out[band] = ((samples[band] * alpha + colour * (255 - alpha)).astype(np.uint32) + 127) // 255
    return replace(picture, samples=out, alpha=None)
