"""``results.json`` and ``results.csv``: all results of a run, in the schema that README.md describes."""

import csv
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from aez.benchmarks.bdrate import INTERVALS, Interval, bd_quality, bd_rate, overlap
from aez.benchmarks.codecs.base import Adapter
from aez.benchmarks.curves import SCHEMA, curve_of
from aez.benchmarks.pictures import set_digest
from aez.benchmarks.report.runner import Failure, Settings, SourcePicture
from aez.benchmarks.report.store import Values

DIGITS = 6
"""Significant digits of what is written."""
Table = Mapping[str, Mapping[str, Values]]
"""Measurements of a codec: by setting, then by picture name."""


@dataclass(frozen=True)
class Report:
    """Content of a report."""

    title: str
    settings: Settings
    machine: Mapping[str, str]
    pictures: Sequence[SourcePicture]
    codecs: Sequence[tuple[Adapter, Table]]
    failures: Sequence[Failure]
    skipped: Mapping[str, str]
    published: Sequence[Mapping[str, Any]]


def mean_points(table: Table, pictures: Sequence[SourcePicture], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Average over the pictures: one point for each setting at which all pictures were coded.

    A mean over fewer pictures could not be compared with the others, so there is none. Bits a pixel are the mean of
    the pictures' own; megapixels per second are all pixels over all the time.
    """
    megapixels = {picture.name: picture.width * picture.height / 1e6 for picture in pictures}
    points = []
    for setting, rows in table.items():
        if set(rows) != set(megapixels):
            continue
        sizes = {name: row["bytes"] for name, row in rows.items()}
        point: dict[str, Any] = {
            "setting": setting,
            "bpp": statistics.fmean(8e-6 * (sizes[name] or 0) / megapixels[name] for name in rows),
        }
        for column in columns:
            values = [row.get(column) for row in rows.values()]
            known = [value for value in values if value is not None]
            point[column] = statistics.fmean(known) if len(known) == len(values) else None
        for way in ("encode", "decode"):
            if point.get(f"{way}_ms"):
                seconds = sum((row[f"{way}_ms"] or 0) / 1000 for row in rows.values())
                point[f"{way}_mpps"] = sum(megapixels.values()) / seconds
        points.append(point)
    return points


def as_results(report: Report) -> dict[str, Any]:
    """Build the content of ``results.json``."""
    columns = report.settings.columns
    codecs: list[dict[str, Any]] = []
    for adapter, table in report.codecs:
        rows = {
            picture.name: [
                [setting, *(table[setting][picture.name].get(column) for column in columns)]
                for setting in table
                if picture.name in table[setting]
            ]
            for picture in report.pictures
        }
        codecs.append(
            {
                "name": adapter.name,
                "published": False,
                "rated": adapter.rated,
                "version": adapter.version,
                "note": adapter.note,
                "points": mean_points(table, report.pictures, columns),
                "not_monotone": not_monotone(rows, columns) if adapter.rated else [],
                "measurements": rows,
            }
        )
    codecs += [dict(codec) for codec in report.published]
    return {
        "schema": SCHEMA,
        "title": report.title,
        "settings": asdict(report.settings),
        "machine": dict(report.machine),
        "set": {
            "name": report.title,
            "count": len(report.pictures),
            "digest": set_digest(picture.digest for picture in report.pictures),
        },
        "pictures": [
            {"name": picture.name, "digest": picture.digest, "width": picture.width, "height": picture.height}
            for picture in report.pictures
        ],
        "columns": ["setting", *columns],
        "codecs": codecs,
        "bd": {metric: bd_matrix(codecs, metric, interval) for metric, interval in INTERVALS.items()},
        "skipped": dict(report.skipped),
        "failures": [asdict(failure) for failure in report.failures],
    }


def bd_matrix(codecs: Sequence[Mapping[str, Any]], metric: str, interval: Interval) -> list[dict[str, Any]]:
    """Compute BD-rate and BD-quality of every codec (``test``) against every other (``anchor``).

    Where too little of the interval is common, ``percent`` is null and ``refused`` says so.
    """
    curves = {codec["name"]: curve_of(dict(codec), metric) for codec in codecs if codec.get("rated", True)}
    curves = {name: curve for name, curve in curves.items() if len(curve) > 1}
    cells = []
    for anchor, base in curves.items():
        for test, curve in curves.items():
            if test == anchor:
                continue
            rate, gain, common = (
                bd_rate(base, curve, interval),
                bd_quality(base, curve),
                overlap(base, curve, interval),
            )
            cell: dict[str, Any] = {"anchor": anchor, "test": test, "percent": None}
            if rate:
                cell |= {"percent": rate.percent, "low": rate.low, "high": rate.high}
            else:
                unit = interval.unit
                cell["refused"] = (
                    f"{common[1] - common[0]:.2f}{unit} in common, {interval.least:g} needed"
                    if common
                    else "no overlap"
                )
            if gain:
                cell |= {"decibels": gain.decibels, "low_bpp": gain.low, "high_bpp": gain.high}
            cells.append(cell)
    return cells


def not_monotone(rows: Mapping[str, Sequence[Sequence[Any]]], columns: Sequence[str]) -> list[str]:
    """List steps from a picture's file to the next larger one at which PSNR does not rise."""
    if "psnr" not in columns:
        return []
    at_bytes, at_psnr = 1 + columns.index("bytes"), 1 + columns.index("psnr")
    lines = []
    for name, measured in rows.items():
        known = sorted(
            (row for row in measured if row[at_psnr] is not None), key=lambda row: (row[at_bytes], row[at_psnr])
        )
        for small, large in pairwise(known):
            if large[at_bytes] > small[at_bytes] and large[at_psnr] <= small[at_psnr]:
                lines.append(f"{name}: {large[0]} is larger than {small[0]} and no better")
    return lines


def as_json(results: Mapping[str, Any]) -> str:
    """Return JSON, rounded to ``DIGITS`` significant digits, with one line for each point or row."""
    lines = json.dumps(rounded(results), ensure_ascii=False, separators=(",", ":"))
    for mark in ('{"setting"', '{"bpp"', '{"anchor"', '{"name"', '"measurements"', '["', '"failures"', '"skipped"'):
        lines = lines.replace(mark, "\n" + mark)
    return lines + "\n"


def rounded(value: Any) -> Any:
    """Round all floats to ``DIGITS`` significant digits, at any depth."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def as_csv(results: Mapping[str, Any]) -> str:
    """Return CSV with a line for every codec, setting and picture."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["codec", "version", "picture", "width", "height", "bpp", *results["columns"]])
    pictures = {picture["name"]: picture for picture in results["pictures"]}
    for codec in results["codecs"]:
        for name, rows in codec.get("measurements", {}).items():
            width, height = pictures[name]["width"], pictures[name]["height"]
            for row in rows:
                bpp = 8 * row[1] / (width * height)
                writer.writerow(rounded([codec["name"], codec["version"], name, width, height, bpp, *row]))
    return buffer.getvalue()
