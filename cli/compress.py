"""`aez compress`."""

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aez.bitstream.errors import AezError, ImageError, LimitError
from aez.cli.batch import run_batch, write_output
from aez.cli.options import runtime_options, set_up_process
from aez.cli.paths import check_output, plan_outputs
from aez.cli.pixel_options import input_options, picture_to_code
from aez.cli.progress import picture_progress
from aez.cli.rate_options import rate_of, rate_options

if TYPE_CHECKING:
    from aez.codec.images import Picture


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", type=click.Path(path_type=Path))
@rate_options
@click.option("--model", default="photo", show_default=True, metavar="NAME|PATH", help="See `aez models`.")
@input_options
@runtime_options
def command(
    inputs: tuple[Path, ...],
    quality: float | None,
    target_size: int | None,
    target_bpp: float | None,
    target_psnr: float | None,
    effort: int,
    model: str,
    alpha_quality: float,
    auto_orient: bool,
    strip: bool,
    to_srgb: bool,
    preview: bool,
    out: str | None,
    device: str,
    threads: int | None,
    max_pixels: int,
    quiet: bool,
    overwrite: bool,
) -> None:
    """Compress pictures into .aez files, beside the inputs unless -o says otherwise."""
    rate = rate_of(quality, target_size, target_bpp, target_psnr, effort)
    pairs = plan_outputs(inputs, out, ".aez")
    from aez.codec.codec import Codec

    set_up_process(threads)
    codec = Codec(model, device)

    def job(source: Path, target: Path) -> str:
        check_output(source, target, overwrite)
        start = time.perf_counter()
        picture = read_picture(source, max_pixels, auto_orient=auto_orient, strip=strip, to_srgb=to_srgb)
        for warning in picture.warnings:
            click.echo(f"aez: warning: {source}: {warning}", err=True)
        height, width = picture.samples.shape[:2]
        pixels = height * width
        try:
            with picture_progress(source.name, pixels, wanted=not quiet and len(pairs) == 1) as progress:
                data = rate.encode(codec, picture, progress, alpha_quality=alpha_quality, preview=preview)
        except AezError as error:
            raise ImageError(f"{source}: {error}") from None
        write_output(target, data)
        before = source.stat().st_size
        return (
            f"{source} → {target}: {before} → {len(data)} bytes, {8 * len(data) / pixels:.3f} bpp, "
            f"1:{before / len(data):.1f}, {time.perf_counter() - start:.2f} s"
        )

    run_batch(pairs, job, quiet=quiet)


def read_picture(path: Path, max_pixels: int, **changes: bool) -> "Picture":
    """Read a picture file of any format that Pillow knows; ``changes`` as :func:`picture_to_code` takes them.

    Raises:
        ImageError: it is missing, a folder, damaged, or no picture.
        LimitError: it has more than ``max_pixels`` pixels.
    """
    from PIL import Image, UnidentifiedImageError

    # Pillow's own bomb check works on a global: here the limit is the user's, checked before pixels are decoded.
    bomb, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                if image.width * image.height > max_pixels:
                    raise LimitError(
                        f"{path}: the picture has {image.width}×{image.height} = {image.width * image.height} pixels, "
                        f"above the limit of {max_pixels} (--max-pixels)"
                    )
                return picture_to_code(image, **changes)
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{path}: is a folder") from None
    except UnidentifiedImageError:
        empty = path.stat().st_size == 0
        raise ImageError(
            f"{path}: the file is empty" if empty else f"{path}: not a picture that Pillow can read"
        ) from None
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    except LimitError:
        raise
    except Exception as error:  # Pillow's plugins raise RuntimeError, TypeError, struct.error … on damaged files
        raise ImageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    finally:
        Image.MAX_IMAGE_PIXELS = bomb
