"""Synthetic screens and pages for ``aez bench``: a terminal, a spreadsheet, a comic, a scan, and some with photographs.

    python -m aez.benchmarks.screens PHOTOS OUT && aez bench OUT -o report

PHOTOS is a folder of photographs; those that come first by name are taken. The same pictures everywhere with the same
photographs and version of Pillow.
"""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from aez.benchmarks.commands import run
from aez.benchmarks.non_photographs import WORDS, Drawing, sentence
from aez.bitstream.errors import AezError

Photos = list[Drawing]
Random = np.random.Generator


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _cut(photo: Drawing, width: int, height: int) -> Drawing:
    """Reduce a photograph to a size, its middle."""
    share = max(width / photo.width, height / photo.height)
    size = round(photo.width * share) + 1, round(photo.height * share) + 1
    return photo.resize(size, Image.Resampling.LANCZOS).crop((0, 0, width, height))


def terminal(draw: Random, _: Photos) -> Drawing:
    """Draw coloured words on a dark background."""
    image = Image.new("RGB", (901, 563), "#300a24")
    pen, font = ImageDraw.Draw(image), _font(13)
    for row in range(34):
        words, top = " ".join(draw.choice(WORDS, 8)), 7 + 16 * row
        if row % 5 == 0:
            pen.text((8, top), "user@harbour", fill="#8ae234", font=font)
            pen.text((104, top), f":~/src$ make -j4 {words[:20]}", fill="#eeeeec", font=font)
        else:
            colour = ("#eeeeec", "#729fcf", "#fce94f", "#ef2929")[int(draw.integers(0, 4))]
            pen.text((8, top), f"[{3 * row:3d}%] {words}", fill=colour, font=font)
    return image


def spreadsheet(draw: Random, _: Photos) -> Drawing:
    """Draw numbers in a grid."""
    image = Image.new("RGB", (1031, 677), "white")
    pen, font = ImageDraw.Draw(image), _font(11)
    pen.rectangle((0, 0, 1031, 20), fill="#e6e6e6")
    pen.rectangle((0, 0, 40, 677), fill="#e6e6e6")
    for column, name in enumerate("ABCDEFGHIJKL"):
        pen.line((40 + 83 * column, 0, 40 + 83 * column, 677), fill="#c8c8c8")
        pen.text((75 + 83 * column, 4), name, fill="#555555", font=font)
    for row in range(34):
        pen.line((0, 20 + 20 * row, 1031, 20 + 20 * row), fill="#c8c8c8")
        for column in range(12):
            if draw.random() < 0.8:
                text = f"{draw.normal(100, 40):.2f}" if column else str(draw.choice(WORDS))
                colour = "#bb0000" if draw.random() < 0.1 else "#111111"
                pen.text((46 + 83 * column, 23 + 20 * row), text, fill=colour, font=font)
    return image


def comic(draw: Random, _: Photos) -> Drawing:
    """Draw flat shapes with black outlines, smoothed, in four panels."""
    image = Image.new("RGB", (1700, 1300), "white")
    pen = ImageDraw.Draw(image)
    for left, top in ((30, 30), (860, 30), (30, 660), (860, 660)):
        ground = tuple(int(v) for v in draw.integers(120, 255, 3))
        pen.rectangle((left, top, left + 800, top + 600), fill=ground, outline="black", width=10)
        for _number in range(7):
            x, y, r = left + draw.uniform(120, 680), top + draw.uniform(120, 480), draw.uniform(30, 110)
            colour = tuple(int(v) for v in draw.integers(0, 255, 3))
            pen.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline="black", width=8)
        pen.ellipse((left + 60, top + 30, left + 470, top + 170), fill="white", outline="black", width=6)
        pen.text((left + 110, top + 70), sentence(draw, 3)[:18], fill="black", font=_font(36))
    return image.resize((850, 650), Image.Resampling.LANCZOS)


def scan(draw: Random, _: Photos) -> Drawing:
    """Draw the page of a book as a scanner sees it: turned a little, blurred, on yellowish paper, with noise."""
    image = Image.new("L", (1240, 1754), 255)
    pen = ImageDraw.Draw(image)
    for row in range(46):
        pen.text((110, 120 + 34 * row), sentence(draw, 12)[:82], fill=20, font=_font(21))
    turned = image.filter(ImageFilter.GaussianBlur(1.1)).rotate(0.7, Image.Resampling.BICUBIC, fillcolor=255)
    shade = Image.fromarray(draw.integers(104, 152, (44, 31)).astype(np.uint8)).resize((1240, 1754))
    light = 18 + 0.86 * np.asarray(turned, np.float64) + (np.asarray(shade, np.float64) - 128) / 8
    page = light[:, :, None] * np.array([1.0, 0.975, 0.91]) + draw.normal(0, 4, (1754, 1240, 3))
    return Image.fromarray(page.clip(0, 255).astype(np.uint8)).resize((827, 1169), Image.Resampling.BILINEAR)


def web_page(draw: Random, photos: Photos) -> Drawing:
    """Draw a page of news: text, boxes, three photographs."""
    image = Image.new("RGB", (1173, 861), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 1173, 57), fill="#2b5797")
    pen.text((22, 14), "The Daily Harbour", fill="white", font=_font(25))
    for number, name in enumerate(("News", "Sport", "Letters", "Market", "Weather")):
        pen.text((430 + 130 * number, 20), name, fill="#dde8f5", font=_font(15))
    for photo, (left, top, width, height) in zip(
        photos, ((31, 87, 571, 363), (841, 87, 297, 199), (841, 487, 297, 199)), strict=False
    ):
        image.paste(_cut(photo, width, height), (left, top))
    pen.text((31, 463), sentence(draw, 6), fill="#111111", font=_font(26))
    for row in range(14):
        pen.text((31, 511 + 23 * row), sentence(draw, 11)[:92], fill="#333333", font=_font(14))
    for top in (297, 697):
        pen.text((841, top), sentence(draw, 4)[:34], fill="#2b5797", font=_font(15))
        for row in range(6):
            pen.text((841, top + 27 + 20 * row), sentence(draw, 6)[:44], fill="#444444", font=_font(12))
    for top in range(97, 826, 81):
        pen.rounded_rectangle((637, top, 807, top + 64), 9, fill="#f3f6fa", outline="#c9d4e3")
        pen.text((649, top + 12), sentence(draw, 3)[:22], fill="#2b5797", font=_font(12))
        pen.text((649, top + 34), f"{draw.integers(1, 59)} min ago", fill="#888888", font=_font(10))
    return image


def phone(draw: Random, photos: Photos) -> Drawing:
    """Draw the screen of a phone: three photographs with text between them."""
    image = Image.new("RGB", (591, 1279), "#fafafa")
    pen = ImageDraw.Draw(image)
    pen.text((24, 10), "12:47", fill="black", font=_font(17))
    for number, photo in enumerate(photos[3:6]):
        top = 57 + 400 * number
        pen.ellipse((17, top, 57, top + 40), fill="#c05780")
        pen.text((71, top + 9), str(draw.choice(WORDS)).title(), fill="black", font=_font(17))
        image.paste(_cut(photo, 591, 271), (0, top + 53))
        text = f"{draw.integers(9, 999)}   {sentence(draw, 5)[:46]}"
        pen.text((17, top + 332), text, fill="#222222", font=_font(16))
    pen.rectangle((0, 1217, 591, 1279), fill="white")
    for left in range(40, 591, 110):
        pen.rounded_rectangle((left, 1233, left + 32, 1263), 8, outline="#333333", width=3)
    return image


def slide(draw: Random, photos: Photos) -> Drawing:
    """Draw a slide: large text on a gradient, one photograph."""
    down, across = np.mgrid[:719, :1277]
    ground = np.dstack([30 + 40 * down / 719, 60 + 60 * across / 1277, 110 + 70 * down / 719])
    image = Image.fromarray(ground.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.text((70, 60), "Quarterly harbour report", fill="white", font=_font(46))
    for row in range(5):
        pen.text((90, 180 + 66 * row), f"- {sentence(draw, 5)[:38]}", fill="#e8f0ff", font=_font(27))
    image.paste(_cut(photos[6], 389, 463), (817, 171))
    pen.text((817, 645), "Figure 1", fill="#b8c8e8", font=_font(15))
    return image


def captioned(draw: Random, photos: Photos) -> Drawing:
    """Draw a line of text with an outline over a photograph, and a label of one colour."""
    image = _cut(photos[7], 813, 539)
    pen = ImageDraw.Draw(image)
    pen.text((60, 470), sentence(draw, 5)[:36], fill="white", font=_font(34), stroke_width=2, stroke_fill="black")
    pen.rectangle((0, 0, 230, 44), fill="#c8102e")
    pen.text((14, 10), "Harbour news", fill="white", font=_font(22))
    return image


PICTURES: dict[str, Callable[[Random, Photos], Drawing]] = {
    "captioned": captioned,
    "comic": comic,
    "phone": phone,
    "scan": scan,
    "slide": slide,
    "spreadsheet": spreadsheet,
    "terminal": terminal,
    "web_page": web_page,
}
PHOTOS_NEEDED = 8


@click.command()
@click.argument("photos", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
def command(photos: Path, out: Path) -> None:
    """Draw the pictures, with photographs of the folder PHOTOS, into the folder OUT."""
    files = sorted(path for path in photos.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if len(files) < PHOTOS_NEEDED:
        raise AezError(f"{photos}: has {len(files)} photographs, {PHOTOS_NEEDED} are needed")
    opened = [Image.open(path).convert("RGB") for path in files[:PHOTOS_NEEDED]]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, (name, picture) in enumerate(PICTURES.items()):
            picture(np.random.default_rng(40 + number), opened).convert("RGB").save(out / f"{name}.png")
    except OSError as error:
        raise AezError(f"{out}: cannot be written ({error.strerror})") from None


if __name__ == "__main__":
    run(command)
