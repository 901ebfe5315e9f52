"""`aez compress`."""

from typing import Any

import click

from aez.cli.batch import run
from aez.cli.compress_job import CompressJob, CompressPixels
from aez.cli.inputs import picture_suffixes
from aez.cli.names import AEZ_SUFFIX
from aez.cli.noise_options import sigma_option
from aez.cli.options import Shared, delete_source_option, runtime_options
from aez.cli.pixel_options import input_options
from aez.cli.rate_options import rate_of, rate_options


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@rate_options
@click.option("--model", default="photo", show_default=True, metavar="NAME|PATH", help="See `aez models`.")
@click.option("--denoise", is_flag=True, help="Remove noise first, as `aez denoise` does: its bits are not paid for.")
@sigma_option
@input_options
@delete_source_option
@runtime_options
def command(
    inputs: tuple[str, ...],
    quality: float | None,
    target_size: int | None,
    target_bpp: float | None,
    target_psnr: float | None,
    effort: int,
    model: str,
    denoise: bool,
    sigma: float | None,
    shared: Shared,
    **pixels: Any,
) -> None:
    """Compress pictures into .aez files, beside the inputs unless -o says otherwise.

    INPUT is a file, a folder (with -r), a pattern in quotes, a URL, or - for standard input, which goes to standard
    output. Of two arguments the second is the output, as with -o, if it ends in .aez and does not exist.
    """
    if sigma is not None and not denoise:
        raise click.UsageError("--sigma is that of the noise which --denoise removes")
    if denoise and shared.delete_source:
        raise click.UsageError("--delete-source excludes --denoise: what is taken for noise would be lost for good")
    job = CompressJob(
        rate=rate_of(quality, target_size, target_bpp, target_psnr, effort),
        model=model,
        device=shared.device,
        threads=shared.threads_each,
        max_pixels=shared.max_pixels,
        pixels=CompressPixels(denoise=denoise, sigma=sigma, **pixels),
        rules=shared.rules,
    )
    run(job, inputs, shared, suffix=AEZ_SUFFIX, takes=picture_suffixes)
