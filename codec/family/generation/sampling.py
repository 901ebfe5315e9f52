"""Pictures drawn from the codec's own entropy model: z from its tables, r from those of σ, then the synthesis.

Every symbol is drawn by integers, so a seed gives the same symbols on every machine, as a file does.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import Header
from aez.bitstream.entropy import coded_tables
from aez.bitstream.header import MAX_SIDE
from aez.bitstream.runs import NOT_CODED
from aez.bitstream.tables import PRECISION, TableSet
from aez.codec.family.generation.copula import read_copulas
from aez.codec.geometry.grid import Grid
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.registry import DEFAULT_MODEL
from aez.codec.model.scales import LEVELS_PER_NAT
from aez.codec.symbols.symbols import Symbols

if TYPE_CHECKING:
    from aez.codec.codec import Codec

MAX_SAMPLED_PIXELS = 2**24
DRAWN_QUALITY = 20.0
"""At which what is drawn is nearest to photographs (`python -m aez.benchmarks.generation`)."""


class Draws:
    """Uniform integers of 24 bits from the raw stream of NumPy's PCG64, which no later version changes."""

    def __init__(self, seed: int, number: int = 0) -> None:
        """The stream of picture ``number`` of a seed; both 0 or more."""
        if seed < 0 or number < 0:
            raise ValueError("seeds must not be negative")
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, number]))

    def __call__(self, count: int) -> NDArray[np.int64]:
        """``count`` integers from 0 to 2**24 − 1."""
        raw = np.asarray(self._bits.random_raw(count), dtype=np.uint64)
        return (raw >> np.uint64(64 - PRECISION)).astype(np.int64)


@dataclass(frozen=True)
class Recipe:
    """How symbols are drawn.

    Attributes:
        position: quality position.
        temperature: what every σ of r is multiplied by, 0 … 1; 0 for r = 0.
        independent: draw every symbol by itself, even if the model knows how neighbours belong together.
    """

    position: int
    temperature: float = 1.0
    independent: bool = False


def generate(
    width: int,
    height: int,
    seed: int = 0,
    *,
    number: int = 0,
    quality: float = DRAWN_QUALITY,
    temperature: float = 1.0,
    independent: bool = False,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
) -> Image.Image:
    """A picture drawn from a codec's entropy model: a texture as its prior takes photographs to be.

    Args:
        width: pixels, 1 … 65535, the whole at most 16.8 megapixels.
        height: the same.
        seed: 0 or more; the same symbols on every machine.
        number: which picture of the seed.
        quality: 1 … 100; lower ones have less detail to be drawn at random.
        temperature: 0 … 1, what every σ is multiplied by; lower is smoother.
        independent: ignore what the model knows of neighbours.
        model: a packaged model's name or a weights file's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        AezError: there is no such model or device.
        ValueError: an argument is out of range.
    """
    from aez.codec.api import load
    from aez.codec.codec import hyperprior

    codec = hyperprior(load(model, device))
    recipe = Recipe(codec.quality_scale.position_of(quality), temperature, independent)
    return codec.decode(sampled_file(codec, width, height, Draws(seed, number), recipe))


def sampled_file(codec: "Codec", width: int, height: int, draws: Draws, recipe: Recipe) -> bytes:
    """Drawn symbols as the `.aez` file that holds them.

    Raises:
        ValueError: the size or the temperature is out of range.
    """
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE) or width * height > MAX_SAMPLED_PIXELS:
        raise ValueError(f"cannot draw {width}×{height} pixels: at most {MAX_SAMPLED_PIXELS}, {MAX_SIDE} a side")
    header = Header(width=width, height=height, fingerprint=codec.weights.fingerprint, quality=recipe.position)
    return codec.pack(header, sampled(codec, width, height, draws, recipe))


def sampled(codec: "Codec", width: int, height: int, draws: Draws, recipe: Recipe) -> Symbols:
    """Symbols of a colour picture, drawn."""
    if not 0 <= recipe.temperature <= 1:
        raise ValueError(f"temperature must be from 0 to 1, not {recipe.temperature}")
    weights = codec.weights
    copulas = {} if recipe.independent else read_copulas(weights)
    grid, point = Grid(height, width), OperatingPoint(weights, recipe.position)
    cells, tables = grid.cells.shape, point.hyper_indices
    if "z" in copulas:
        uniform = copulas["z"].uniform(*cells, draws)
    else:
        uniform = draws(len(tables) * cells[0] * cells[1]).reshape(len(tables), *cells)
    z = np.stack([_entries(weights.hyper_tables, t, row) for t, row in zip(tables, uniform, strict=True)])
    rows, cols = grid.latents.shape
    indices = point.indices(z, grid)
    uniform = draws(indices.size).reshape(indices.shape)
    if "r" in copulas:
        # Leading channels at even places: the first step of the mean context, whose means know nothing of neighbours.
        together = copulas["r"].uniform(rows, cols, draws)
        even = np.indices((rows, cols)).sum(0) % 2 == 0
        uniform[: len(together), even] = together[:, even]
    indices = coded_tables(indices, weights.first_coded)
    return Symbols(z, indices, _residuals(indices, weights.residual_tables, weights.first_coded, uniform, recipe))


def _residuals(
    indices: NDArray[np.uint8], tables: TableSet, first_coded: int, uniform: NDArray[np.int64], recipe: Recipe
) -> NDArray[np.int16]:
    """r by its tables; a cooler σ is a lower rung of the ladder."""
    r = np.zeros(indices.shape, np.int16)
    if recipe.temperature == 0:
        return r
    shift = round(math.log(recipe.temperature) * LEVELS_PER_NAT)
    for table in np.unique(indices):
        rung = int(table) + shift
        if table != NOT_CODED and rung >= first_coded:
            here = indices == table
            r[here] = _entries(tables, rung, uniform[here])
    return r


def _entries(tables: TableSet, table: int, uniform: NDArray[np.int64]) -> NDArray[np.int16]:
    """Values of a table at uniform 24-bit integers; the escape is never drawn."""
    counts = tables.counts[table]
    inside = counts[:-1] if tables.escape else counts
    total = int(inside.sum())
    scaled = uniform * total >> PRECISION
    entry = np.searchsorted(np.cumsum(inside), scaled, side="right")
    values: NDArray[np.int16] = (entry - int(tables.bounds[table])).astype(np.int16)
    return values
