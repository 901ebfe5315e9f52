"""The stages of encoding and decoding one by one, for tests that look between them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aez.bitstream.entropy import coded_tables
from aez.codec.codec import Codec
from aez.codec.decoding.decoder import Decoder, View
from aez.codec.encoding.analysis import analysed
from aez.codec.encoding.candidate import Candidate
from aez.codec.encoding.effort import Effort
from aez.codec.encoding.hyper import hyper_analysed
from aez.codec.encoding.quantising import quantised
from aez.codec.encoding.setting import Setting
from aez.codec.geometry.grid import Grid
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.runtime.means import Means
from aez.codec.symbols.tiles import ArrayResiduals

Photo = NDArray[np.uint8]
WINDOWED = (
    "encoding.analysis",
    "encoding.hyper",
    "encoding.quantising",
    "encoding.corrections",
    "encoding.prediction",
    "encoding.descent",
    "decoding.decoder",
)
"""Modules that work window by window."""


def small_windows(monkeypatch: pytest.MonkeyPatch, windows: Callable[..., Any], *modules: str) -> None:
    """Let modules, all that are ``WINDOWED`` unless some are named, divide areas by a function of the area alone."""
    for name in modules or WINDOWED:
        monkeypatch.setattr(f"aez.codec.{name}.cell_windows", lambda area, **_: windows(area))


def setting_of(codec: Codec, quality: float, effort: Effort, *, grey: bool = False) -> Setting:
    point = OperatingPoint(codec.weights, codec.quality_scale.position_of(quality), grey)
    return Setting(codec.networks, point, effort)


def latents(setting: Setting, picture: Photo) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Y and z of a picture, as the networks give them."""
    y = analysed(setting, picture.reshape(*picture.shape[:2], -1))
    return y, hyper_analysed(setting, y)


def candidate_of(setting: Setting, picture: Photo, y: NDArray[np.float32], z: NDArray[np.int16]) -> Candidate:
    """The symbols that latents are quantised to."""
    grid = Grid(*picture.shape[:2])
    indices = coded_tables(setting.point.indices(z, grid), setting.point.weights.first_coded)
    means = Means(setting.networks, z, grid)
    r = quantised(setting, y, means, indices)
    return Candidate(picture.reshape(*picture.shape[:2], -1), y, means, indices, r)


def decoded(setting: Setting, z: NDArray[np.int16], r: NDArray[np.int16], shape: tuple[int, ...]) -> Photo:
    """The picture of symbols, without a picture filter."""
    return Decoder(setting.networks, setting.point).decode(z, ArrayResiduals(r), View.whole(Grid(*shape[:2])))
