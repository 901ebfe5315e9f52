"""Reports: missing measurements are made, and every file is written."""

import datetime
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL
import torch

from aez.benchmarks.codecs.base import Adapter, UnavailableError
from aez.benchmarks.codecs.specs import CodecSpec
from aez.benchmarks.pictures import picture_digest, read_rgb, set_digest
from aez.benchmarks.published import published_curves
from aez.benchmarks.report import plots
from aez.benchmarks.report.html import write_html
from aez.benchmarks.report.results_file import Report, Table, as_csv, as_json, as_results
from aez.benchmarks.report.runner import (
    Failure,
    Settings,
    SourcePicture,
    adapter_for,
    cpu_name,
    key_of,
    missing_tasks,
    run_tasks,
)
from aez.benchmarks.report.store import Store
from aez.benchmarks.report.viewer import ViewerLimits
from aez.bitstream.errors import AezError
from aez.codec.picture.files import write_atomically

Say = Callable[[str], None]
Advance = Callable[[int, int], None]
"""Called with the measurements done and those there are."""


@dataclass(frozen=True)
class Outputs:
    """Folder and contents of a report besides measurements."""

    folder: Path
    title: str
    published: str
    viewer: ViewerLimits
    skipped: Mapping[str, str] = field(default_factory=dict)


def load_pictures(paths: Sequence[Path], say: Say) -> tuple[list[SourcePicture], list[Failure]]:
    """Read all pictures for their digests; list unreadable ones as failures, and skip duplicates.

    Raises:
        AezError: none can be read.
    """
    pictures: list[SourcePicture] = []
    failures: list[Failure] = []
    names: set[str] = set()
    for path in paths:
        try:
            image = read_rgb(path)
        except AezError as error:
            failures.append(Failure("", "", path.name, str(error)))
            say(str(error))
            continue
        digest = picture_digest(image)
        if any(picture.digest == digest for picture in pictures):
            say(f"{path}: the same picture as another, left out")
            continue
        name, number = path.name, 2
        while name in names:
            name, number = f"{path.name} ({number})", number + 1
        names.add(name)
        pictures.append(SourcePicture(path, name, digest, image.width, image.height))
    if not pictures:
        raise AezError("no picture can be read")
    return pictures, failures


def load_codecs(
    specs: Sequence[CodecSpec], device: str, say: Say
) -> tuple[list[tuple[CodecSpec, Adapter]], dict[str, str]]:
    """Load the adapters of installed codecs; return why the others are skipped.

    Raises:
        AezError: none is installed, or an option is wrong.
    """
    codecs, skipped = [], {}
    for spec in specs:
        try:
            codecs.append((spec, adapter_for(spec, device)))
        except UnavailableError as error:
            skipped[spec.name] = str(error)
            say(f"{spec.name} is skipped: {error}")
    if not codecs:
        raise AezError("none of the codecs is installed")
    for _, adapter in codecs:
        if adapter.note:
            say(adapter.note)
    return codecs, skipped


def make_report(
    paths: Sequence[Path], specs: Sequence[CodecSpec], settings: Settings, outputs: Outputs, say: Say, advance: Advance
) -> dict[str, Any]:
    """Make the missing measurements and write the report; return the content of ``results.json``.

    Args:
        paths: picture files.
        specs: codecs.
        settings: how to measure.
        outputs: where to write.
        say: function that prints a line for the user.
        advance: function that shows the progress.

    Raises:
        AezError: nothing can be measured, or the folder cannot be written.
    """
    try:
        outputs.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AezError(f"{outputs.folder}: cannot be made a folder ({error.strerror})") from None
    pictures, failures = load_pictures(paths, say)
    codecs, skipped = load_codecs(specs, settings.device, say)
    store = Store(outputs.folder / "measurements.jsonl")
    try:
        tasks = missing_tasks(codecs, pictures, settings, store)
        adapters = {spec.name: adapter for spec, adapter in codecs}
        done, total = 0, sum(len(task.qualities) for task in tasks)
        advance(0, total)
        for task, outcome in run_tasks(tasks, settings):
            adapter = adapters[task.spec.name]
            for quality, values in outcome:
                if isinstance(values, str):
                    failures.append(Failure(adapter.name, f"{quality:g}", task.picture.name, values))
                    say(f"{adapter.name}, {quality:g}, {task.picture.name}: {values}")
                else:
                    store.add(key_of(adapter, quality, task.picture, settings), values)
            done += len(outcome)
            advance(done, total)
        tables = [(adapter, _table(adapter, pictures, settings, store)) for _, adapter in codecs]
    finally:
        store.close()
    digest = set_digest(picture.digest for picture in pictures)
    published = published_curves(digest, outputs.published)
    report = Report(
        outputs.title,
        settings,
        machine(settings),
        pictures,
        tables,
        failures,
        {**outputs.skipped, **skipped},
        published,
    )
    return write_report(report, outputs, say)


def _table(adapter: Adapter, pictures: Sequence[SourcePicture], settings: Settings, store: Store) -> Table:
    table: dict[str, dict[str, dict[str, float | None]]] = {}
    for quality in adapter.qualities:
        for picture in pictures:
            if values := store.get(key_of(adapter, quality, picture, settings)):
                table.setdefault(f"{quality:g}", {})[picture.name] = values
    return table


def machine(settings: Settings) -> Mapping[str, str]:
    """Describe the machine and the versions of a run."""
    facts = {
        "processor": cpu_name(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "pillow": PIL.__version__,
        "environment": settings.environment,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def write_report(report: Report, outputs: Outputs, say: Say) -> dict[str, Any]:
    """Write ``results.json``, ``results.csv``, the plots and ``report.html``.

    Raises:
        AezError: one cannot be written.
    """
    results = as_results(report)
    files = {
        "results.json": as_json(results).encode(),
        "results.csv": as_csv(results).encode(),
        "rd-psnr.png": plots.rate_distortion(results, "psnr"),
        "rd-msssim.png": plots.rate_distortion(results, "ms_ssim_db"),
        "rd-ssimulacra2.png": plots.rate_distortion(results, "ssimulacra2"),
        "speed.png": plots.speed(results),
        "report.html": write_html(report, results, outputs.viewer, say).encode(),
    }
    for name, data in files.items():
        try:
            write_atomically(outputs.folder / name, data)
        except OSError as error:
            raise AezError(f"{outputs.folder / name}: cannot be written ({error.strerror})") from None
    return results
