"""Style transfer: distances in style and in content from both inputs, by strength.

Distances are those of the codec's encoder (`codec/family/style/loss.py`): of the distributions of its features at three
scales for style, of their layout for content. Beside the model stand what colours alone do (means and deviations of
RGB, Reinhard et al., IEEE CG&A 2001) and what the same transfer does with the flagship's decoder, untrained for it.

    python -m aez.benchmarks.family.stylization CONTENTS STYLES [--first N] [--sheet OUT.jpg]
"""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from aez.benchmarks.commands import run, table
from aez.benchmarks.pictures import Samples, list_pictures, read_rgb
from aez.codec.family.members import load_family, read_family
from aez.codec.family.style.loss import content_distance, style_distance
from aez.codec.family.style.model import STRIDE, Style
from aez.codec.family.style.stylize import Stylist

SIDE = 512
SHEET_SIDE = 256
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)

Paint = Callable[[Samples, Samples], Samples]


def prepared(path: Path, side: int) -> Samples:
    """Read a picture, reduced to ``side`` pixels, with sides that are multiples of 16."""
    image = read_rgb(path)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    rows, cols = (max(STRIDE, n // STRIDE * STRIDE) for n in image.size[::-1])
    return np.asarray(image.crop((0, 0, cols, rows)))


def colours_alone(content: Samples, style: Samples) -> Samples:
    """Transfer means and deviations of RGB."""
    axes = (0, 1)
    spread = style.std(axes) / np.maximum(content.std(axes), 1e-3)
    moved = (content - content.mean(axes)) * spread + style.mean(axes)
    out: Samples = np.clip(np.round(moved), 0, 255).astype(np.uint8)
    return out


def untrained() -> Style:
    """Build the model before its training: AdaIN and patches on y, the flagship's synthesis, no style blocks."""
    model = Style()
    model.start()
    torch.nn.init.zeros_(model.modulate.weight)
    torch.nn.init.zeros_(model.patch16.weight)
    torch.nn.init.zeros_(model.skip8.weight)
    return model.eval().requires_grad_(False)


def painter(stylist: Stylist, strength: float) -> Paint:
    """Return a model at a fixed strength."""
    return lambda content, style: stylist.paint(content, stylist.source(style, SIDE), strength)


class Judge:
    """Distances by features of the codec's encoder."""

    def __init__(self, model: Style) -> None:
        """Take features from a model's encoder."""
        self.model = model

    @torch.inference_mode()
    def __call__(self, made: Samples, content: Samples, style: Samples) -> tuple[float, float, float, float]:
        """Return style distances from style and content, then content distances from content and resized style."""
        seen, of_content, of_style = (self._tensor(samples) for samples in (made, content, style))
        height, width = content.shape[:2]
        enlarged = self._tensor(np.asarray(Image.fromarray(style).resize((width, height))))
        levels = [self.model.pyramid(x) for x in (seen, of_content, of_style, enlarged)]
        torch.manual_seed(0)  # of the projections
        from_style = style_distance(levels[0], levels[2], self.model.channel_spread)
        torch.manual_seed(0)
        from_content = style_distance(levels[0], levels[1], self.model.channel_spread)
        kept, other = (content_distance(levels[0][1], levels[k][1]) for k in (1, 3))
        return float(from_style), float(from_content), float(kept), float(other)

    @staticmethod
    def _tensor(samples: Samples) -> torch.Tensor:
        return torch.from_numpy(samples.copy()).permute(2, 0, 1)[None].float() / 255 - 0.5


def contact_sheet(rows: list[list[Samples]]) -> Image.Image:
    """Arrange pictures in rows of squares."""
    sheet = Image.new("RGB", (len(rows[0]) * SHEET_SIDE, len(rows) * SHEET_SIDE), "white")
    for down, row in enumerate(rows):
        for across, samples in enumerate(row):
            image = Image.fromarray(samples)
            image.thumbnail((SHEET_SIDE - 4, SHEET_SIDE - 4))
            sheet.paste(image, (across * SHEET_SIDE + 2, down * SHEET_SIDE + 2))
    return sheet


@click.command()
@click.argument("contents", type=click.Path(path_type=Path))
@click.argument("styles", type=click.Path(path_type=Path))
@click.option("--first", type=click.IntRange(min=1), default=4, show_default=True, help="Contents, by name.")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights file instead of the packaged model.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Picture of all results at strength 1 to write.")
def command(contents: Path, styles: Path, first: int, weights: Path | None, sheet: Path | None) -> None:
    """Paint the pictures in CONTENTS in the styles of those in STYLES."""
    model = read_family(weights) if weights else load_family("style")
    assert isinstance(model, Style)
    stylist = Stylist(model, torch.device("cpu"))
    ways: dict[str, Paint] = {
        "colours alone": colours_alone,
        "flagship's decoder, untrained": painter(Stylist(untrained(), torch.device("cpu")), 1.0),
    }
    ways |= {f"strength {strength:g}": painter(stylist, strength) for strength in STRENGTHS}
    judge = Judge(model)
    found = [prepared(path, SIDE) for path in list_pictures(contents, first)]
    manners = [prepared(path, SIDE) for path in list_pictures(styles)]
    rows = []
    drawn: dict[tuple[int, int], Samples] = {}
    for name, way in ways.items():
        figures = []
        for i, content in enumerate(found):
            for j, style in enumerate(manners):
                made = drawn[i, j] = way(content, style)  # the last way is strength 1
                figures.append(judge(made, content, style))
        means = np.mean(figures, 0)
        rows.append((name, *(f"{value:.3f}" for value in means)))
    head = ("mean of pairs", "style: from style", "from content", "content: from content", "from style")
    click.echo(f"{len(found)} contents × {len(manners)} styles")
    click.echo(table(head, rows))
    if sheet:
        blank = np.full((8, 8, 3), 255, np.uint8)
        grid = [[blank, *manners]]
        grid += [[content, *(drawn[i, j] for j in range(len(manners)))] for i, content in enumerate(found)]
        contact_sheet(grid).save(sheet, quality=90)


if __name__ == "__main__":
    run(command)
