"""`aez bench`."""

import os
import time
from pathlib import Path

import click

from aez.bitstream.errors import AezError
from aez.cli.shared.console import say, say_lines
from aez.cli.shared.options.common import device_option
from aez.cli.shared.options.types import Number, split_list
from aez.cli.shared.progress import ProgressBar
from aez.codec.extras import require

REPORT_PACKAGES = ("torch", "bjontegaard", "matplotlib", "plotly")
"""Packages that every report needs. Codecs and metrics that are not installed are skipped."""


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGES...", type=click.Path(path_type=Path))
@click.option("-o", "--output", "out", required=True, metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
              help="Folder of the report; a stopped run continues there.")  # fmt: skip
@click.option("--codecs", multiple=True, metavar="LIST",
              help="Comma-separated codecs, see below.  [default: all that are installed]")  # fmt: skip
@click.option("--external", multiple=True, metavar="CMD",
              help="'NAME: ENCODE {in} {out} {quality} => DECODE {in} {out}'; may be repeated.")  # fmt: skip
@click.option("--qualities", multiple=True, metavar="[NAME=]Q,Q…",
              help="Qualities of all codecs or of one; may be repeated.  [default: the codec's own]")  # fmt: skip
@click.option("--metrics", multiple=True, metavar="LIST",
              help="psnr, psnr_y, ms_ssim, ssimulacra2, cvvdp, iw_ssim, psnr_hvs, lpips, flip, dists.  "
                   "[default: the first five]")  # fmt: skip
@device_option
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True,
              help="Pictures measured in parallel; times are reliable only with 1.")  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads per job.  [default: the CPUs divided by the jobs]"
)
@click.option("--repeats", type=click.IntRange(min=0), default=3, show_default=True, help="Timed repetitions.")
@click.option("--published", type=click.Choice(["main", "all", "none"]), default="main", show_default=True,
              help="Published curves of the same set of pictures to show.")  # fmt: skip
@click.option("--title", help="Title of the report.  [default: the name of the pictures' folder]")
@click.option("--viewer-pictures", type=click.IntRange(min=0), default=2, show_default=True,
              help="Number of pictures in the report's viewer.")  # fmt: skip
@click.option("--viewer-mb", type=Number(min=0), default=16.0, show_default=True,
              help="Largest total size of embedded pictures in megabytes.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Print errors and warnings only.")
def command(
    images: tuple[Path, ...], out: Path, codecs: tuple[str, ...], external: tuple[str, ...], qualities: tuple[str, ...],
    metrics: tuple[str, ...], device: str, jobs: int, threads: int | None, repeats: int, published: str,
    title: str | None, viewer_pictures: int, viewer_mb: float, quiet: bool,
) -> None:  # fmt: skip
    """Measure rate, distortion and speed of codecs on IMAGES (files or folders) and write a report.

    The report is report.html (one file), results.json, results.csv and four plots.

    Codecs: aez (options model, effort, precision), jpeg (subsampling, optimise), mozjpeg
    (subsampling), jpegli, webp (method), avif (speed, subsampling, tune), jxl (effort), heic,
    jpeg2000, compressai (arch, metric, weights); short for some settings: jpeg-444, jpeg-plain,
    avif-s6, avif-s6-psnr, avif-s2, avif-s2-psnr, avif-s4-420, jxl-e7. Options follow after
    colons: avif:speed=4:subsampling=420
    """
    require(*REPORT_PACKAGES, what="a report")
    from aez.benchmarks.codecs.selection import choose_codecs
    from aez.benchmarks.metrics import DEFAULT_METRICS, usable_metrics
    from aez.benchmarks.pictures import collect_pictures
    from aez.benchmarks.report.make import Outputs, make_report
    from aez.benchmarks.report.runner import Settings, default_threads
    from aez.benchmarks.report.summary import results_table
    from aez.benchmarks.report.viewer import ViewerLimits

    def report(line: str) -> None:
        say(f"aez: {line}", err=True)

    paths = collect_pictures(images)
    specs = choose_codecs(split_list(codecs), external, qualities)
    chosen, missing = usable_metrics(split_list(metrics) or DEFAULT_METRICS, report)
    per_job = threads or max(1, default_threads() // jobs)
    settings = Settings(chosen, device, repeats, per_job, jobs)
    name = title or (images[0].resolve() if images[0].is_dir() else images[0].resolve().parent).name
    outputs = Outputs(out, name, published, ViewerLimits(pictures=viewer_pictures, megabytes=viewer_mb), missing)
    start = time.perf_counter()
    with ProgressBar("measurements", quiet=quiet) as advance:
        results = make_report(paths, specs, settings, outputs, report, advance)
    if not quiet:
        say_lines(results_table(results))
        say(f"{out / 'report.html'}: {time.perf_counter() - start:.0f} s on {os.cpu_count()} CPUs")
    if results["failures"]:
        raise AezError(f"{len(results['failures'])} measurements failed; the report lists them")
