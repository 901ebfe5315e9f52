"""JPEG files without an end."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from aez.bitstream import ImageError
from aez.codec.picture.formats.cut_jpeg import (
    MOST_MISSING,
    changed_share,
    completed,
    last_scan_is_progressive,
    missing_share,
)
from aez.codec.picture.reading import read_picture

WARNING = "the end of the JPEG file is missing: the last pixels may be grey or less sharp"
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("RGB", {}),
    "grey": ("L", {}),
    "ink": ("CMYK", {}),
    "progressive": ("RGB", {"progressive": True}),
    "restarts in every block": ("RGB", {"restart_marker_blocks": 1}),
    "restarts in every row": ("RGB", {"restart_marker_rows": 1, "subsampling": 0}),
}


@pytest.fixture(params=KINDS)
def jpeg(request: pytest.FixtureRequest, photo: NDArray[np.uint8]) -> bytes:
    mode, options = KINDS[request.param]
    buffer = io.BytesIO()
    Image.fromarray(photo[:320, 100:350]).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_without_its_last_two_bytes(jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg[:-2])
    whole = read_picture(io.BytesIO(jpeg))
    for source in (tmp_path / "a.jpg", io.BytesIO(jpeg[:-2])):
        picture = read_picture(source)
        assert np.array_equal(picture.samples, whole.samples)
        # Pillow may not need the last two bytes.
        assert picture.warnings in (whole.warnings, [WARNING, *whole.warnings])
    assert WARNING not in whole.warnings
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_without_a_little(jpeg: bytes) -> None:
    cut = 30 if b"\xff\xc2" in jpeg else len(jpeg) // 40
    picture, whole = (read_picture(io.BytesIO(data)) for data in (jpeg[:-cut], jpeg))
    assert picture.warnings[0] == WARNING
    rows = 320 * 9 // 10
    assert np.array_equal(picture.samples[:rows], whole.samples[:rows])
    assert not np.array_equal(picture.samples, whole.samples)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.5, 0.7])
def test_without_much(jpeg: bytes, kept: float) -> None:
    with pytest.raises(ImageError, match=r"(?i)truncated|not a picture|broken"):
        read_picture(io.BytesIO(jpeg[: int(kept * len(jpeg))]))


def test_the_border(photo: NDArray[np.uint8]) -> None:
    """Shorter and shorter files are accepted until a twentieth is missing, and rejected from then on."""
    buffer = io.BytesIO()
    Image.fromarray(photo[:320, 100:350]).save(buffer, "JPEG")
    data = buffer.getvalue()
    accepted = []
    for cut in range(2, len(data) // 8, 97):
        with Image.open(io.BytesIO(data[:-cut] + b"\xff\xd9")) as image:
            share = missing_share(np.asarray(image))
        accepted.append(completed(data[:-cut]) is not None)
        assert accepted[-1] == (share <= MOST_MISSING)
    assert accepted == sorted(accepted, reverse=True)
    assert set(accepted) == {True, False}


def test_the_last_scan_must_have_begun(photo: NDArray[np.uint8]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(photo[:128, :128]).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    assert last_scan_is_progressive(data[: last + 40]) is True
    assert last_scan_is_progressive(data[:last]) is None
    assert completed(data[:last]) is None
    assert completed(data[: last + 40]) is None
    assert completed(data[:-4]) is not None


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0\0", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff" * 99]
)
def test_other_data(data: bytes) -> None:
    assert completed(data) is None


def test_grey_pictures_are_not_taken_for_missing() -> None:
    assert missing_share(np.full((20, 20), 90, np.uint8)) == 0
    half = np.full((20, 20, 3), 128, np.uint8)
    half[:10] = 5
    half[10, :5] = 5
    assert missing_share(half) == pytest.approx(195 / 400)


def test_what_changes_is_counted_by_blocks() -> None:
    one = np.zeros((20, 24, 3), np.uint8)
    other = one.copy()
    assert changed_share(one, other) == 0
    other[10, 20] = 1
    assert changed_share(one, other) == pytest.approx((8 * 4 + 4 * 24) / 480)
