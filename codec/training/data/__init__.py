"""Training data: pictures read into memory, and random crops of them."""

from aez.codec.training.data.crops import CropSampler
from aez.codec.training.data.pictures import iter_pictures, middle

__all__ = ["CropSampler", "iter_pictures", "middle"]
