"""Read and write `.aez` with imageio, whose Pillow plugin finds the format once it is registered.

`python imageio_pictures.py chelsea.png chelsea.aez`
"""

import sys

import imageio.v3 as iio

import aez.codec.pillow  # noqa: F401 - registers the format with Pillow


def main(source: str, target: str) -> None:
    """Encode a picture, read it back and print the difference."""
    pixels = iio.imread(source)  # numpy, uint8, (H, W, 3)
    iio.imwrite(target, pixels, quality=60)
    back = iio.imread(target)
    properties = iio.improps(target)
    error = abs(back.astype(int) - pixels).mean()
    print(f"{target}: {properties.shape} {properties.dtype}, mean difference {error:.2f} levels")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
