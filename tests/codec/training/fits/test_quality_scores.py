"""The quality scale is measured: a quality is the score to expect."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aez.bitstream import ModelError
from aez.codec.codec import Codec
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import Weights
from aez.codec.picture.ssimulacra2 import ssimulacra2_of
from aez.codec.training.fits.quality_scores import QualityScoresFit

pytestmark = pytest.mark.torch


def test_a_quality_is_the_score_to_expect(tiny: Weights, photo: NDArray[np.uint8]) -> None:
    part = photo[:180, 100:330]
    fitted = QualityScoresFit().apply(tiny, [torch.from_numpy(part.copy()).permute(2, 0, 1)])
    assert fitted.fingerprint == tiny.fingerprint
    scores = fitted.card["scores"]
    assert len(scores) == tiny.config.points and scores == sorted(scores)
    codec = Codec(fitted, "cpu", "float32")
    reachable = [point for point, score in enumerate(scores) if 1 < score < 99][:-1]
    assert reachable
    for point in reachable:
        assert codec.quality_scale.position_of(scores[point]) == point * POSITION_SCALE
        decoded = codec.decode_array(codec.encode(part, scores[point]))
        assert ssimulacra2_of(part, decoded) == pytest.approx(scores[point], abs=0.5)


@pytest.mark.parametrize("scores", [[1.0], "high", [3.0, 2.0, 1.0, 0.0], [0.0, 1.0, float("nan"), 2.0]])
def test_damaged_scores_are_refused(tiny: Weights, scores: object) -> None:
    with pytest.raises(ModelError, match="scores are damaged"):
        _ = replace(tiny, card={**tiny.card, "scores": scores}).quality_scale
