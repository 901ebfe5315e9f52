"""Draw the figures of the documentation pages.

``python docs/figures.py`` writes `docs/pages/images/*.svg`. A test checks that these files are up to date.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / "pages" / "images"
FILL = {"exact": "#cfe8d5", "float": "#d6e4f7", "data": "#ffffff", "file": "#f6e3c3", "quiet": "#eeeeee"}
STROKE = "#444444"
ARROW = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    f'<path d="M0 0L8 4L0 8z" fill="{STROKE}"/></marker></defs>'
)
Point = tuple[float, float]


def text(x: float, y: float, lines: str, size: int = 13, anchor: str = "middle") -> str:
    """Return lines of text as SVG, centred vertically on y."""
    rows = lines.split("\n")
    top = y - (len(rows) - 1) * (size + 2) / 2 + size * 0.35
    return "".join(
        f'<text x="{x:g}" y="{top + i * (size + 2):g}" font-size="{size}" text-anchor="{anchor}">{escape(row)}</text>'
        for i, row in enumerate(rows)
    )


def box(x: float, y: float, label: str, kind: str, width: float = 110, height: float = 46) -> str:
    """Return a labelled box around a centre as SVG; boxes of data have round ends."""
    radius = height / 2 if kind == "data" else 4
    return (
        f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" '
        f'fill="{FILL[kind]}" stroke="{STROKE}"/>' + text(x, y, label)
    )


def arrow(*points: Point) -> str:
    """Return a line with an arrowhead at its end as SVG."""
    way = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{way}" fill="none" stroke="{STROKE}" stroke-width="1.5" marker-end="url(#a)"/>'


def key(x: float, y: float, entries: Sequence[tuple[str, str]]) -> str:
    """Return a legend of the colours as SVG."""
    parts = []
    for i, (kind, label) in enumerate(entries):
        left = x + 270 * i
        parts.append(f'<rect x="{left:g}" y="{y - 7:g}" width="14" height="14" fill="{FILL[kind]}" stroke="{STROKE}"/>')
        parts.append(text(left + 22, y, label, 12, "start"))
    return "".join(parts)


def figure(width: int, height: int, title: str, *parts: str) -> str:
    """Return a whole SVG file, on white so that it is legible on any page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
        f'fill="#222222"><title>{escape(title)}</title>{ARROW}<rect width="{width}" height="{height}" rx="8" '
        f'fill="#fafafa"/>' + "\n".join(parts) + "</svg>\n"
    )


def encoding() -> str:
    """Draw the steps from a picture to the two kinds of streams."""
    return figure(
        900, 270, "Encoding",
        box(75, 70, "picture", "data"), arrow((130, 70), (165, 70)),
        box(220, 70, "analysis", "float"), arrow((275, 70), (310, 70)),
        box(350, 70, "y, 1/16", "data", 80), arrow((390, 70), (425, 70)),
        box(490, 70, "y − μ, rounded", "float", 130), arrow((555, 70), (590, 70)),
        box(625, 70, "r", "data", 70), arrow((660, 70), (695, 70)),
        box(755, 70, "range coder", "exact", 120), arrow((815, 70), (840, 70)), text(846, 70, "TILE", 13, "start"),
        arrow((350, 93), (350, 157)),
        box(350, 180, "hyper-analysis", "float", 120), arrow((410, 180), (440, 180)),
        box(490, 180, "ẑ, 1/64", "data", 100), arrow((490, 157), (490, 93)), text(498, 125, "means μ", 12, "start"),
        arrow((540, 180), (585, 180)),
        box(650, 180, "integer network", "exact", 130),
        arrow((700, 157), (735, 93)), text(724, 125, "tables", 12, "start"),
        arrow((490, 203), (490, 225), (755, 225), (835, 225)), text(846, 225, "HYPER", 13, "start"),
        key(30, 250, (("float", "floating point"), ("exact", "integers, the same everywhere"))),
    )  # fmt: skip


def decoding() -> str:
    """Draw the steps from the streams to a picture, and the line that separates exact parsing from floating point."""
    return figure(
        900, 300, "Decoding",
        text(28, 60, "HYPER", 13, "start"), arrow((78, 60), (105, 60)),
        box(165, 60, "range decoder", "exact", 120), arrow((225, 60), (260, 60)),
        box(305, 60, "ẑ", "data", 90), arrow((305, 83), (305, 117)),
        box(305, 140, "integer network", "exact", 130), arrow((240, 140), (165, 140), (165, 187)),
        text(157, 160, "tables", 12, "end"),
        text(28, 210, "TILE", 13, "start"), arrow((68, 210), (105, 210)),
        box(165, 210, "range decoder", "exact", 120), arrow((225, 210), (260, 210)),
        box(305, 210, "r", "data", 90), arrow((350, 210), (495, 210)),
        '<line x1="425" y1="20" x2="425" y2="262" stroke="#b03030" stroke-width="1.5" stroke-dasharray="6 5"/>',
        text(417, 250, "parsing", 12, "end"), text(433, 250, "no parsing", 12, "start"),
        arrow((350, 60), (475, 60)),
        box(550, 60, "context network", "float", 150),
        arrow((550, 83), (550, 187)), text(558, 125, "means μ", 12, "start"),
        box(550, 210, "ŷ = r + μ", "float"), arrow((605, 210), (640, 210)),
        box(695, 210, "synthesis", "float"), arrow((750, 210), (785, 210)),
        box(835, 210, "picture", "data", 100),
        arrow((515, 187), (515, 83)), text(507, 125, "part of r", 12, "end"),
        key(30, 280, (("float", "floating point: pixels may round"), ("exact", "integers, the same everywhere"))),
    )  # fmt: skip


def chunks() -> str:
    """Draw the chunks of a file in their order."""
    parts, x = [], 20.0
    for label, width, kind in (
        ("signature\nversion", 92, "quiet"), ("H\nheader", 76, "file"), ("p\npreview", 76, "quiet"),
        ("i e x\nmetadata", 86, "quiet"), ("A\nalpha", 70, "quiet"), ("Z\nhyper-latents", 104, "exact"),
        ("T\ntile", 56, "exact"), ("T\ntile", 56, "exact"), ("…", 34, "exact"), ("T\ntile", 56, "exact"),
        ("E\nend", 54, "file"),
    ):  # fmt: skip
        parts.append(box(x + width / 2, 55, label, kind, width, 54).replace('rx="4"', 'rx="0"'))
        x += width + 6
    parts += [arrow((20, 110), (276, 110)), text(28, 126, "enough for a preview", 12, "start")]
    parts.append(
        text(20, 160, "Each chunk has a type, a length, a payload and a CRC-32. Grey chunks are optional.", 12, "start")
    )
    return figure(900, 180, "The chunks of a file", *parts)


def region() -> str:
    """Draw the tiles that are read and the area that is computed for a part of a picture."""
    cell, parts = 50, []
    for row in range(4):
        for column in range(7):
            fill = FILL["exact"] if 1 <= column <= 4 and 1 <= row <= 2 else FILL["data"]
            x, y = 20 + cell * column, 20 + cell * row
            parts.append(f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{fill}" stroke="#999999"/>')
    parts += [
        '<rect x="88" y="85" width="164" height="70" fill="none" stroke="#2b5fa8" stroke-dasharray="5 4"/>',
        f'<rect x="110" y="105" width="120" height="30" fill="{FILL["float"]}" stroke="#2b5fa8" stroke-width="2"/>',
        text(170, 120, "region"),
        text(400, 45, "One picture, divided into tiles. Only r is divided:", 13, "start"),
        text(400, 65, "means and pixels belong to the whole picture.", 13, "start"),
        text(400, 105, "A region is computed from its latents and a halo (dashed)", 13, "start"),
        text(400, 125, "as wide as the networks see. It equals that part of the", 13, "start"),
        text(400, 145, "whole picture up to rounding, and there are no seams.", 13, "start"),
        text(400, 185, "Only the tiles that region and halo touch (green) are read.", 13, "start"),
    ]
    return figure(900, 240, "A region, its halo and its tiles", *parts)


FIGURES = {"encoding.svg": encoding, "decoding.svg": decoding, "chunks.svg": chunks, "region.svg": region}

if __name__ == "__main__":
    for name, draw in FIGURES.items():
        (IMAGES / name).write_text(draw(), encoding="utf-8")
