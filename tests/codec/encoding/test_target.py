import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.bitstream import ImageError
from aez.codec.codec import Codec
from aez.codec.encoding.target import PSNR_TOLERANCE, Measure, Target, reaching, smallest_within
from aez.codec.picture.psnr import psnr_of

LAST = 3840


def counted(size: Callable[[int], int]) -> tuple[Callable[[int], bytes], list[int]]:
    """An encoder whose files have sizes by a rule, and the positions that it was called with."""
    calls: list[int] = []

    def encode(position: int) -> bytes:
        calls.append(position)
        return bytes(size(position))

    return encode, calls


@pytest.mark.parametrize("target", [5_000, 43_210, 900_000])
@pytest.mark.parametrize("bend", [0.5, 1.0, 2.0])
def test_sizes_are_kept_to_and_nearly_reached(target: int, bend: float) -> None:
    encode, calls = counted(lambda p: round(900 * 1500 ** ((p / LAST) ** bend)))
    data = smallest_within(encode, target, LAST)
    assert 0.98 * target <= len(data) <= target
    assert len(calls) <= 14


def test_small_jumps_do_not_mislead() -> None:
    encode, _ = counted(lambda p: round(900 * 1500 ** (p / LAST)) + 40 * (p // 128 % 2))
    for target in range(1000, 20000, 777):
        assert 0.97 * target <= len(smallest_within(encode, target, LAST)) <= target


def test_sizes_out_of_reach_name_the_smallest() -> None:
    encode, calls = counted(lambda p: 1000 + p)
    with pytest.raises(ImageError, match=r"100 bytes cannot be reached.*at least 1000 bytes"):
        smallest_within(encode, 100, LAST)
    assert len(calls) <= 9


def test_no_bytes_at_all_cannot_be_reached() -> None:
    with pytest.raises(ImageError, match=r"^0 bytes cannot be reached: this picture takes at least "):
        smallest_within(lambda position: bytes(100 + position), 0, 99)


def test_a_size_that_quality_100_undercuts_gives_quality_100() -> None:
    encode, calls = counted(lambda p: 1000 + p)
    assert len(smallest_within(encode, 2_000_000, LAST)) == 1000 + LAST
    assert len(smallest_within(encode, 1000 + LAST, LAST)) == 1000 + LAST
    assert calls == [LAST, LAST]


def test_a_size_that_only_some_middle_quality_keeps_to() -> None:
    encode, _ = counted(lambda p: 1000 + abs(p - 900))
    assert 1078 <= len(smallest_within(encode, 1100, LAST)) <= 1100


def in_decibels(psnr: Callable[[bytes], float]) -> Measure:
    return Measure(psnr, PSNR_TOLERANCE, "{} dB")


def test_psnr_is_reached_and_hardly_exceeded() -> None:
    for target in (27.3, 33.0, 41.9):
        chosen = reaching(
            lambda p: p.to_bytes(2, "little"),
            in_decibels(lambda data: 26 + int.from_bytes(data, "little") / 240),
            target,
            LAST,
        )
        assert target <= 26 + int.from_bytes(chosen, "little") / 240 <= target + 0.05


def decibels(curve: Callable[[int], float], target: float) -> tuple[int, float]:
    """The position that is chosen for a PSNR, and what it reaches, where the PSNR follows a curve."""
    psnr = in_decibels(lambda data: curve(int.from_bytes(data, "little")))
    data = reaching(lambda p: p.to_bytes(2, "little"), psnr, target, LAST)
    position = int.from_bytes(data, "little")
    return position, curve(position)


def test_psnr_out_of_reach_names_the_highest() -> None:
    with pytest.raises(ImageError, match=r"60 dB cannot be reached.*at most 42\.00 dB"):
        decibels(lambda p: 26 + p / 240, 60)


def test_a_psnr_that_quality_1_exceeds_gives_quality_1() -> None:
    assert decibels(lambda p: 26 + p / 240, 20) == (0, 26)
    assert decibels(lambda _: math.inf, 99) == (0, math.inf)


@pytest.mark.parametrize("target", [30.0, 38.0, 41.0])
def test_a_psnr_that_falls_again_at_the_top_is_reached(target: float) -> None:
    peak = 3000

    def curve(position: int) -> float:
        return 42 - abs(position - peak) / 200

    position, reached = decibels(curve, target)
    assert target <= reached <= target + 0.05
    assert position <= peak


def test_a_psnr_beside_no_loss_is_reached() -> None:
    position, reached = decibels(lambda p: math.inf if p > 3000 else 26 + p / 240, 36)
    assert 36 <= reached <= 36.05 and position < 3000


def test_a_psnr_that_trembles_is_reached() -> None:
    for target in np.arange(28, 41, 0.37):
        assert target <= decibels(lambda p: 26 + p / 240 + 0.3 * math.sin(p / 7), target)[1] <= target + 0.7


@pytest.mark.parametrize("fields", [{}, {"size": 3, "bpp": 1.0}, {"bpp": math.nan}, {"psnr": -1.0}, {"size": 0}])
def test_targets_that_make_no_sense(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="target"):
        Target(**fields)  # type: ignore[arg-type]


def test_bits_a_pixel_are_a_size() -> None:
    assert Target(bpp=0.5).size_for(1600) == 100
    assert Target(size=77).size_for(1600) == 77
    assert Target(psnr=30).size_for(1600) is None


def test_psnr_of() -> None:
    black, grey = np.zeros((4, 5, 3), np.uint8), np.full((4, 5, 3), 16, np.uint8)
    assert psnr_of(black, grey) == pytest.approx(10 * math.log10(255**2 / 256))
    assert psnr_of(black, black) == math.inf


def test_real_files(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[:160, 100:300]
    small, large = (len(codec.encode(picture, q)) for q in (1, 100))
    target = int(math.sqrt(small * large))
    data = codec.encode(picture, target=Target(size=target))
    assert 0.98 * target <= len(data) <= target
    low, high = (psnr_of(picture, codec.decode_array(codec.encode(picture, q))) for q in (1, 100))
    aim = (low + high) / 2
    reached = codec.encode(picture, target=Target(psnr=aim))
    assert aim <= psnr_of(picture, codec.decode_array(reached)) <= aim + 0.3


def test_transparency_counts_for_a_size_and_not_for_psnr(codec: Codec, photo: NDArray[np.uint8]) -> None:
    alpha = np.random.default_rng(0).integers(0, 256, (160, 200), dtype=np.uint8)
    picture = np.dstack([photo[:160, 100:300], alpha])
    target = len(codec.encode(picture, 40))
    data = codec.encode(Image.fromarray(picture), target=Target(size=target))
    assert 0.98 * target <= len(data) <= target
    with pytest.raises(ImageError, match="cannot be reached"):
        codec.encode(picture, target=Target(size=5000))


def test_targets_that_cannot_be_missed(codec: Codec, photo: NDArray[np.uint8]) -> None:
    picture = photo[:48, :64]
    assert codec.encode(picture, target=Target(size=10**6)) == codec.encode(picture, 100)
    assert codec.encode(picture, target=Target(bpp=100)) == codec.encode(picture, 100)
    assert codec.encode(picture, target=Target(psnr=3)) == codec.encode(picture, 1)
