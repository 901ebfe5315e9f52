"""A picture beside itself as JPEG and as `.aez` of the same number of bytes, enlarged: what the README shows.

python -m aez.benchmarks.side_by_side PICTURE -o OUT.png [--bpp 0.25] [--crop X,Y,SIDE]
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aez.codec import Codec

SEARCH_STEPS = 10


def jpeg_below(image: Image.Image, size: int) -> tuple[bytes, int]:
    """The best progressive JPEG of at most ``size`` bytes (or the smallest there is), and its quality."""
    best: tuple[bytes, int] | None = None
    for quality in range(1, 96):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if best is not None and buffer.tell() > size:
            break
        best = buffer.getvalue(), quality
    assert best is not None  # the loop runs at least once
    return best


def aez_below(codec: Codec, image: Image.Image, size: int) -> tuple[bytes, float]:
    """The best `.aez` of at most ``size`` bytes (or that of quality 1), and its quality."""
    low, high = 1.0, 100.0
    best = codec.encode(image, low)
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        data = codec.encode(image, middle)
        if len(data) <= size:
            low, best = middle, data
        else:
            high = middle
    return best, low


def psnr(a: Image.Image, b: Image.Image) -> float:
    """PSNR over RGB, dB."""
    error = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def main() -> None:
    """Parse the command line and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("picture", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--bpp", type=float, default=0.25, help="size of both, bits a pixel")
    parser.add_argument("--crop", default="120,10,256", help="left, top and side of what is shown, pixels")
    arguments = parser.parse_args()
    image = Image.open(arguments.picture).convert("RGB")
    budget = int(arguments.bpp * image.width * image.height / 8)
    codec = Codec()
    jpeg, jpeg_quality = jpeg_below(image, budget)
    ours, quality = aez_below(codec, image, len(jpeg))
    shown = [
        (image, f"original, {arguments.picture.stat().st_size} bytes"),
        (Image.open(io.BytesIO(jpeg)).convert("RGB"), f"JPEG, quality {jpeg_quality}, {len(jpeg)} bytes"),
        (codec.decode(ours), f".aez, quality {quality:.1f}, {len(ours)} bytes"),
    ]
    left, top, side = (int(v) for v in arguments.crop.split(","))
    scale, bar = 2, 28
    out = Image.new("RGB", (3 * scale * side + 20, scale * side + bar), "white")
    draw, font = ImageDraw.Draw(out), ImageFont.load_default(16)
    for i, (picture, label) in enumerate(shown):
        part = picture.crop((left, top, left + side, top + side)).resize((scale * side,) * 2, Image.Resampling.NEAREST)
        x = i * (scale * side + 10)
        out.paste(part, (x, bar))
        text = label if i == 0 else f"{label}, {psnr(image, picture):.2f} dB"
        draw.text((x + 4, 5), text, fill="black", font=font)
    out.save(arguments.out, optimize=True)
    print("\n".join(label for _, label in shown))


if __name__ == "__main__":
    main()
