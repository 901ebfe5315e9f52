"""Model, networks and effort for choosing the symbols of one picture."""

from dataclasses import dataclass, replace
from functools import cached_property

from aez.codec.encoding.effort import Effort
from aez.codec.encoding.quantise import Quantiser
from aez.codec.model.operating_point import OperatingPoint
from aez.codec.runtime.networks import Floats, Networks


@dataclass(frozen=True, eq=False)
class Setting:
    """A model at one quality, its networks, and how much time to spend.

    Attributes:
        networks: the float networks.
        point: the model at the picture's quality.
        effort: how symbols are chosen.
    """

    networks: Networks
    point: OperatingPoint
    effort: Effort

    @cached_property
    def quantiser(self) -> Quantiser:
        """The rounding rule."""
        weights = self.point.weights
        worth = self.networks.curvature(self.point.position, self.point.channels)
        return Quantiser(weights.first_coded, weights.residual_tables, worth, self.effort.strength)

    @cached_property
    def worth(self) -> Floats:
        """(M, 1, 1): bits that a squared unit of ŷ is worth in a colour picture."""
        return self.networks.curvature(self.point.position, 3)[:, None, None]

    @cached_property
    def response(self) -> Floats:
        """(M, 1, 1): the Newton step in ŷ for a unit of slope."""
        return self.networks.newton_response(self.point.position, self.point.channels)[:, None, None]

    @property
    def perceptual(self) -> bool:
        """True if the search lessens the perceptual distortion, not the squared error."""
        return self.point.weights.distortion == "perceptual" and not self.effort.squared

    def for_graphics(self) -> "Setting":
        """Return the setting for a picture with hard edges and flat areas."""
        return replace(self, effort=self.effort.for_graphics())
