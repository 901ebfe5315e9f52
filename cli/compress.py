"""`aez compress`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from aez.bitstream import is_aez, read_container
from aez.bitstream.errors import AezError, ImageError
from aez.bitstream.limits import TRUSTED
from aez.cli.shared import storage
from aez.cli.shared.batch.jobs import Converted, FileRules, Job, Progress
from aez.cli.shared.batch.results import Result
from aez.cli.shared.batch.run import run
from aez.cli.shared.inputs import picture_suffixes
from aez.cli.shared.names import AEZ_SUFFIX
from aez.cli.shared.options.coding import encode_options, options_of
from aez.cli.shared.options.common import model_option, runtime_option
from aez.cli.shared.options.noise import load_denoiser, sigma_option
from aez.cli.shared.options.pictures import reading_options
from aez.cli.shared.options.runtime import Shared, delete_source_option, runtime_options, set_up_process
from aez.cli.shared.picture_files import read_input

if TYPE_CHECKING:
    from aez.codec.base import PictureCodec
    from aez.codec.options import EncodeOptions
    from aez.codec.picture.picture import Picture


@dataclass
class CompressJob(Job):
    """A run of `aez compress`.

    Attributes:
        model: name or path of the weights.
        coding: options of encoding.
        reading: arguments of the picture reader: ``auto_orient``, ``strip``, ``to_srgb``, ``frame``.
        denoise: remove noise before encoding.
        sigma: standard deviation of the noise in levels of 0 to 255; None to estimate it.
        device: device of the networks.
        runtime: what computes the networks.
        threads: CPU threads; None for one per core.
        max_pixels: largest picture to read.
        rules: how files are replaced and removed.
        codec: the loaded model, None before :meth:`prepare`.
    """

    model: str
    coding: "EncodeOptions"
    reading: dict[str, Any]
    denoise: bool
    sigma: float | None
    device: str
    runtime: str
    threads: int | None
    max_pixels: int
    rules: FileRules
    codec: "PictureCodec | None" = field(default=None, init=False)

    def prepare(self) -> None:
        """Load the model."""
        self.loaded()

    def loaded(self) -> "PictureCodec":
        """Return the model; the first call in a process loads it."""
        if self.codec is None:
            from aez.codec.api import load

            set_up_process(self.threads)
            if self.denoise:
                load_denoiser(self.device)
            self.codec = load(self.model, self.device, runtime=self.runtime)
            self.codec.check_effort(self.coding.effort)
        return self.codec

    def convert(self, source: str, target: str, progress: Progress | None) -> Converted:
        """Read a picture and encode it."""
        codec = self.loaded()
        name = storage.shown(source)
        file = storage.open_source(source)
        picture = read_input(file, name, self.max_pixels, **self.reading)
        size = storage.size_of(file)
        if self.denoise:
            picture = self.denoised(picture)
        try:
            data = codec.encode_with(picture, self.coding, progress)
        except AezError as error:
            raise ImageError(f"{name}: {error}") from None
        height, width = picture.samples.shape[:2]
        warnings = tuple(f"{name}: {warning}" for warning in picture.warnings)
        return Converted(data, width, height, size, warnings, "what the warning says" if warnings else None)

    def denoised(self, picture: "Picture") -> "Picture":
        """Remove noise, with more averaged copies at higher efforts."""
        from aez.codec.family.restoration.denoise import denoised
        from aez.codec.picture.picture import in_8_bits

        return denoised(in_8_bits(picture), self.sigma, effort=self.coding.effort // 3, device=self.device)

    def lacking(self, made: Converted, written: bytes) -> str | None:
        """Decode the symbols of the output, and its layer, before it may replace its input."""
        self.loaded().digest(written, limits=TRUSTED)
        if read_container(written, TRUSTED).layer is not None:
            self.loaded().decode_picture(written, limits=TRUSTED)
        return super().lacking(made, written)

    def is_output(self, head: bytes) -> bool:
        """Check for the signature of `.aez` files."""
        return is_aez(head)

    def aez_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """Return the size of the output."""
        return output_bytes

    def describe(self, result: Result) -> str:
        """Return sizes, rate, ratio and time as one line."""
        return (
            f"{storage.shown(result.source)} → {storage.shown(result.target, output=True)}: "
            f"{result.input_bytes} → {result.output_bytes} bytes, {result.bpp:.3f} bpp, "
            f"1:{result.input_bytes / result.output_bytes:.1f}, {result.seconds:.2f} s"
        )


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@encode_options
@model_option
@click.option("--denoise", is_flag=True, help="Remove noise first, as `aez denoise` does; files become smaller.")
@sigma_option
@reading_options
@delete_source_option
@runtime_option
@runtime_options
def command(
    inputs: tuple[str, ...],
    quality: float | None,
    target_size: int | None,
    target_bpp: float | None,
    target_psnr: float | None,
    target_score: float | None,
    effort: int,
    alpha_quality: float,
    preview: bool,
    content: str,
    lossless: bool,
    depth: int | None,
    model: str,
    denoise: bool,
    sigma: float | None,
    runtime: str,
    shared: Shared,
    **reading: Any,
) -> None:
    """Compress pictures into .aez files, beside the inputs unless -o says otherwise.

    INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input, which goes to standard
    output. Of two arguments the second is the output, as with -o, if it ends in .aez and does not exist.
    """
    if sigma is not None and not denoise:
        raise click.UsageError("--sigma is that of the noise which --denoise removes")
    if denoise and lossless:
        raise click.UsageError("--lossless excludes --denoise, which changes the picture")
    if denoise and shared.delete_source:
        raise click.UsageError("--delete-source excludes --denoise: what is taken for noise would be lost for good")
    job = CompressJob(
        model=model,
        coding=options_of(
            quality=quality,
            target_size=target_size,
            target_bpp=target_bpp,
            target_psnr=target_psnr,
            target_score=target_score,
            effort=effort,
            alpha_quality=alpha_quality,
            preview=preview,
            content=content,
            lossless=lossless,
            depth=depth,
        ),
        reading=reading,
        denoise=denoise,
        sigma=sigma,
        device=shared.device,
        runtime=runtime,
        threads=shared.threads_each,
        max_pixels=shared.max_pixels,
        rules=shared.rules,
    )
    run(job, inputs, shared, suffix=AEZ_SUFFIX, takes=picture_suffixes)
