"""Sizes of grids that cover a picture."""


def ceil_div(size: int, step: int) -> int:
    """Divide a size by a step, rounded up: the number of steps that cover it."""
    return -(-size // step)
