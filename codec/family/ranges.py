"""Ranges and defaults of the family's functions that the command line shows. Imports nothing."""

SIGMA_MAX = 60.0
"""Largest standard deviation of noise that the denoiser was trained for, in levels of 0 to 255."""
STYLE_SIDE = 512
"""Longer side, in pixels, to which larger styles are reduced; it sets the size of the strokes."""
MIN_STYLE_SIDE, MAX_STYLE_SIDE = 64, 2048
DRAWN_QUALITY = 20.0
"""Quality at which samples are nearest to photographs (`python -m aez.benchmarks.family.generation`)."""
