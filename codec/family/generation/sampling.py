"""Sample pictures from the codec's own entropy model: z from its tables, r from the tables of σ, then the synthesis.

Every symbol is sampled with integers, so a seed gives the same symbols on every machine, as a file does.
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
from aez.codec.family.ranges import DRAWN_QUALITY
from aez.codec.geometry.grid import Grid
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.model.registry import PSNR_MODEL
from aez.codec.model.scales import LEVELS_PER_NAT
from aez.codec.symbols.symbols import Symbols

if TYPE_CHECKING:
    from aez.codec.codec import Codec

MAX_SAMPLED_PIXELS = 2**24


class Draws:
    """A source of uniform integers of 24 bits: the raw stream of NumPy's PCG64, which no later version changes."""

    def __init__(self, seed: int, number: int = 0) -> None:
        """Start the stream of picture ``number`` of a seed; both are 0 or more."""
        if seed < 0 or number < 0:
            raise ValueError("seeds must not be negative")
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, number]))

    def __call__(self, count: int) -> NDArray[np.int64]:
        """Return ``count`` integers from 0 to 2**24 − 1."""
        raw = np.asarray(self._bits.random_raw(count), dtype=np.uint64)
        return (raw >> np.uint64(64 - PRECISION)).astype(np.int64)


@dataclass(frozen=True)
class Recipe:
    """Settings for sampling symbols.

    Attributes:
        position: quality position.
        temperature: factor of every σ of r, 0 … 1; 0 gives r = 0.
        independent: sample every symbol by itself, even if the model has copulas.
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
    model: str = PSNR_MODEL,
    device: str = "auto",
) -> Image.Image:
    """Generate a picture from a codec's entropy model: a texture that has the statistics of its prior.

    Args:
        width: width in pixels, 1 … 65535; the picture has at most 16.8 megapixels.
        height: height in pixels, 1 … 65535.
        seed: 0 or more; gives the same symbols on every machine.
        number: number of the picture within the seed.
        quality: 1 … 100; lower values have less random detail.
        temperature: factor of every σ, 0 … 1; lower values are smoother.
        independent: ignore the model's copulas.
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
    """Sample symbols and write them as an `.aez` file.

    Raises:
        ValueError: the size or the temperature is out of range.
    """
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE) or width * height > MAX_SAMPLED_PIXELS:
        raise ValueError(f"cannot draw {width}×{height} pixels: at most {MAX_SAMPLED_PIXELS}, {MAX_SIDE} a side")
    header = Header(width=width, height=height, fingerprint=codec.weights.fingerprint, quality=recipe.position)
    return codec.pack(header, sampled(codec, width, height, draws, recipe))


def sampled(codec: "Codec", width: int, height: int, draws: Draws, recipe: Recipe) -> Symbols:
    """Sample the symbols of a colour picture."""
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
        # Leading channels at even places: the first step of the mean context, whose means do not depend on neighbours.
        together = copulas["r"].uniform(rows, cols, draws)
        even = np.indices((rows, cols)).sum(0) % 2 == 0
        uniform[: len(together), even] = together[:, even]
    indices = coded_tables(indices, weights.first_coded)
    return Symbols(z, indices, _residuals(indices, weights.residual_tables, weights.first_coded, uniform, recipe))


def _residuals(
    indices: NDArray[np.uint8], tables: TableSet, first_coded: int, uniform: NDArray[np.int64], recipe: Recipe
) -> NDArray[np.int16]:
    """Sample the residual symbols r from their tables; a lower temperature takes the table of a smaller σ."""
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
    """Map uniform 24-bit integers to values of a table; the escape symbol is never sampled."""
    counts = tables.counts[table]
    inside = counts[:-1] if tables.escape else counts
    total = int(inside.sum())
    scaled = uniform * total >> PRECISION
    entry = np.searchsorted(np.cumsum(inside), scaled, side="right")
    values: NDArray[np.int16] = (entry - int(tables.bounds[table])).astype(np.int16)
    return values
