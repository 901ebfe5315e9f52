"""Fit of the quality scale: the mean SSIMULACRA 2 score of photographs at every quality point, in the model's card.

A user's quality is then the score to expect (:class:`aez.codec.model.quality.QualityScale`). Only encoders read it.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from aez.codec.codec import Codec
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.model.weightfile import Weights, parse_weights, serialise_weights
from aez.codec.options import EncodeOptions
from aez.codec.picture.ssimulacra2 import ssimulacra2_of
from aez.codec.training.data import middle

CROP = 512
DIGITS = 2
"""Decimal places of the stored scores."""


class QualityScoresFit:
    """Mean scores, ``scores`` in the card, at every quality point and the default effort."""

    name = "quality_scores"
    needs = 24

    def apply(self, weights: Weights, pictures: Iterable[Tensor]) -> Weights:
        """Measure in the middle of each picture; see :meth:`aez.codec.training.fits.fit.Fit.apply`."""
        codec = Codec(weights, "cpu", "float32")
        rows = []
        for picture in pictures:
            samples = middle(picture, CROP).permute(1, 2, 0).contiguous().numpy()
            rows.append([_score(codec, samples, point) for point in range(weights.config.points)])
        means = np.mean(rows, 0).tolist()
        scores = [round(score, DIGITS) for score in accumulate(means, max)]
        card = {**weights.card, "scores": scores}
        return parse_weights(serialise_weights(replace(weights, card=card)))


def _score(codec: Codec, samples: NDArray[np.uint8], point: int) -> float:
    quality = codec.quality_scale.quality_of(point * POSITION_SCALE)
    return ssimulacra2_of(samples, codec.decode_array(codec.encode(samples, quality, effort=EncodeOptions.effort)))
