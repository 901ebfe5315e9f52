"""The levels of `--effort`: how much time an encoder spends on choosing symbols. Decoding is the same for all."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Effort:
    """Settings of the search for symbols.

    Attributes:
        strength: weight of the rate in rate–distortion-optimised quantisation; 0 for plain rounding.
        passes: corrections of the latents by the error of the decoded picture.
        steps: shares of a correction that are applied one after the other; those after the first follow a prediction
            of what the one before decodes to.
        verified: decode what the last correction gives, too, and take the better; without, 0.2 % more bits.
        foresight: let a correction also see how symbols change the means of symbols coded later.
        descents: steps along the gradient of the distortion after the corrections.
        hyper_steps: steps of gradient descent on the hyper-latents.
        squared: lessen the squared error, even of a model that was trained for what is seen.
    """

    strength: float
    passes: int = 0
    steps: tuple[float, ...] = (0.8,)
    verified: bool = True
    foresight: bool = False
    descents: int = 0
    hyper_steps: int = 0
    squared: bool = False

    @property
    def compares(self) -> bool:
        """True if the distortions of candidates are compared, not only their slopes followed."""
        return self.verified or self.descents > 0

    @property
    def needs_gradients(self) -> bool:
        """True if the search follows gradients of the transforms, which the light runtime does not have."""
        return bool(self.descents or self.hyper_steps)

    def for_graphics(self) -> "Effort":
        """Return the variant for pictures with hard edges and flat areas: one more correction, plain rounding.

        It lessens the squared error, because in flat areas every level is seen.

        The first error of such pictures is so large that rate and foresight would hold corrections back: rate plus
        distortion is 2 to 8 % less this way on text and on checks.
        """
        passes = self.passes + 1
        return replace(
            self, strength=0.0, passes=passes, steps=Effort.steps, verified=True, foresight=False, squared=True
        )


EFFORTS = (
    Effort(0.0),
    Effort(0.4),
    Effort(0.7, 1, verified=False, foresight=True),
    Effort(0.9, 2, (0.7,), foresight=True),
    Effort(0.9, 3, (0.7,), foresight=True),
    Effort(0.9, 4, (0.7,), foresight=True),
    Effort(0.9, 6, (0.6,), foresight=True),
    Effort(0.9, 8, (0.5,), foresight=True),
    Effort(0.9, 4, (0.7,), foresight=True, descents=5),
    Effort(0.9, 4, (0.7,), foresight=True, descents=12, hyper_steps=100),
)
EFFORT_MAX = len(EFFORTS) - 1
"""The highest level; 0 is the lowest."""
_PERCEPTUAL = (
    *EFFORTS[:2],
    Effort(0.45, 1, (0.08,), verified=False),
    Effort(0.45, 1, (0.06, 0.04, 0.025), verified=False),
    Effort(0.5, 2, (0.05, 0.03, 0.02), verified=False),
    Effort(0.5, 3, (0.05, 0.03, 0.02), verified=False),
    Effort(0.5, 4, (0.04, 0.025, 0.015), verified=False),
    Effort(0.55, 8, (0.03, 0.02, 0.015), verified=False),
    Effort(0.7, 4, (0.04, 0.025, 0.015), verified=False, descents=16),
    Effort(0.7, 4, (0.04, 0.025, 0.015), verified=False, descents=40),
)
"""Levels of a model of what is seen. Its corrections are short steps down the slope of its own distortion."""


def check_effort(level: int) -> None:
    """Refuse a level that does not exist.

    Raises:
        ValueError: the level is out of range.
        TypeError: the level is not a whole number.
    """
    check_whole(level, "effort")
    if not 0 <= level <= EFFORT_MAX:
        raise ValueError(f"effort must be from 0 to {EFFORT_MAX}, not {level}")


def check_whole(number: int, name: str) -> None:
    """Refuse what is not a whole number.

    Raises:
        TypeError: the number is of another type.
    """
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError(f"{name} must be a whole number, not {number!r}")


def effort_of(level: int, distortion: str = "mse") -> Effort:
    """Return what a level means for a model that was trained for ``distortion``.

    The corrections of a model of what is seen follow the slope of its own distortion, which is no square: they are
    short.

    Args:
        level: 0 … 9.
        distortion: ``mse`` or ``perceptual``, see :attr:`aez.codec.model.weightfile.Weights.distortion`.

    Raises:
        ValueError: the level is out of range.
        TypeError: the level is not a whole number.
    """
    check_effort(level)
    return (EFFORTS if distortion == "mse" else _PERCEPTUAL)[level]
