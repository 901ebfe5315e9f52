"""One picture to the bytes of an `.aez` file."""

import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aez.bitstream import is_aez
from aez.bitstream.errors import AezError, ImageError, LimitError
from aez.cli import storage
from aez.cli.jobs import Converted, FileRules, Job, Progress
from aez.cli.noise_options import load_denoiser
from aez.cli.options import set_up_process
from aez.cli.rate_options import Rate
from aez.cli.results import Result

if TYPE_CHECKING:
    from aez.codec.codec import Codec
    from aez.codec.picture.picture import Picture


@dataclass(frozen=True)
class CompressPixels:
    """What of the input is kept, and in which form: the options of that name."""

    alpha_quality: float = 100.0
    auto_orient: bool = False
    strip: bool = False
    to_srgb: bool = False
    preview: bool = False
    denoise: bool = False
    sigma: float | None = None


@dataclass
class CompressJob(Job):
    """`aez compress` of one file."""

    rate: Rate
    model: str
    device: str
    threads: int | None
    max_pixels: int
    pixels: CompressPixels
    rules: FileRules
    codec: "Codec | None" = field(default=None, init=False)

    def prepare(self) -> None:
        """Load the model."""
        self.loaded()

    def loaded(self) -> "Codec":
        """The model, loaded once a process."""
        if self.codec is None:
            from aez.codec.api import load

            set_up_process(self.threads)
            if self.pixels.denoise:
                load_denoiser(self.device)
            self.codec = load(self.model, self.device)
        return self.codec

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Read the picture and encode it."""
        codec = self.loaded()
        name = storage.shown(source)
        file = storage.open_source(source)
        wanted = self.pixels
        picture = read_picture(
            file, name, self.max_pixels, auto_orient=wanted.auto_orient, strip=wanted.strip, to_srgb=wanted.to_srgb
        )
        size = storage.size_of(file)
        if wanted.denoise:
            picture = self.without_noise(picture)
        try:
            data = self.rate.encode(
                codec, picture, progress, alpha_quality=wanted.alpha_quality, preview=wanted.preview
            )
        except AezError as error:
            raise ImageError(f"{name}: {error}") from None
        height, width = picture.samples.shape[:2]
        warnings = tuple(f"{name}: {warning}" for warning in picture.warnings)
        return Converted(data, width, height, size, warnings, "what the warning says" if warnings else None)

    def without_noise(self, picture: "Picture") -> "Picture":
        """The picture as the denoiser gives it, of more copies the higher the effort."""
        from aez.codec.family.restoration.denoise import denoised

        return denoised(picture, self.pixels.sigma, effort=self.rate.effort // 3, device=self.device)

    def lacking(self, made: Converted, written: bytes) -> str | None:
        """As every job, once the symbols of what was written have been decoded."""
        self.loaded().digest(written)
        return super().lacking(made, written)

    def is_output(self, head: bytes) -> bool:
        """Whether it has the signature of `.aez` files."""
        return is_aez(head)

    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """The output's."""
        return output_bytes

    def describe(self, result: Result) -> str:
        """Sizes, rate, ratio and time."""
        return (
            f"{storage.shown(result.source)} → {storage.shown(result.target, output=True)}: "
            f"{result.input_bytes} → {result.output_bytes} bytes, {result.bpp:.3f} bpp, "
            f"1:{result.input_bytes / result.output_bytes:.1f}, {result.seconds:.2f} s"
        )


def read_picture(
    file: Path | io.BytesIO, name: str, max_pixels: int, *, auto_orient: bool, strip: bool, to_srgb: bool
) -> "Picture":
    """Read a picture file of any format that Pillow knows.

    Args:
        file: a path, or the file's bytes.
        name: how errors name it.
        max_pixels: width × height at most, checked before pixels are decoded.
        auto_orient: turn it as it is meant to be seen.
        strip: leave EXIF, XMP and a profile for sRGB out.
        to_srgb: convert to sRGB, and leave the profile out.

    Raises:
        ImageError: it is missing, a folder, damaged, or no picture.
        LimitError: it has more than ``max_pixels`` pixels.
    """
    from PIL import Image

    from aez.codec.picture import reading
    from aez.codec.picture.turning import upright

    if isinstance(file, Path) and file.is_dir():
        raise ImageError(f"{name}: is a folder (-r takes what is in it)")
    # Pillow's own bomb check works on a global: here the limit is the user's, checked before pixels are decoded.
    bomb, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = reading.read_picture(file, max_pixels=max_pixels, to_srgb=to_srgb, strip=strip)
        return upright(picture) if auto_orient else picture
    except LimitError as error:
        raise LimitError(f"{name}: {error} (--max-pixels)") from None
    except AezError as error:
        raise type(error)(f"{name}: {error}") from None
    finally:
        Image.MAX_IMAGE_PIXELS = bomb
