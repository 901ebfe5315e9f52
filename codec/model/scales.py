"""The ladder of scales σ that table indices represent, shared by training, export and coding."""

import math

SCALE_MIN, SCALE_MAX = 0.11, 256.0
LEVELS = 64
LOG_SCALE_MIN, LOG_SCALE_MAX = math.log(SCALE_MIN), math.log(SCALE_MAX)
LOG_HYPER_MIN, LOG_HYPER_MAX = -3.0, 4.0
"""Range of log σ of the channels of the hyper-latent."""
LEVELS_PER_NAT = (LEVELS - 1) / (LOG_SCALE_MAX - LOG_SCALE_MIN)
"""Steps of the ladder per unit of log σ; each step is 0.123."""
FIRST_CODED = 7
"""Lowest coded index: residuals of lower indices are 0, unless a tile codes more (SPEC section 7.3)."""
SKIP_BELOW = math.exp(LOG_SCALE_MIN + (FIRST_CODED - 0.5) / LEVELS_PER_NAT)
"""The same threshold as a value of σ: 0.245."""


def ladder() -> list[float]:
    """Return σ of each index: 0.11 to 256, log-spaced."""
    return [math.exp(LOG_SCALE_MIN + i / LEVELS_PER_NAT) for i in range(LEVELS)]
