"""Batches of pictures and files."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.codec.api import load
from aez.codec.batch import DecodeBatch, EncodeBatch


def test_there_and_back(photo: NDArray[np.uint8], tiny_path: Path) -> None:
    codec = load(str(tiny_path), "cpu")
    files = []
    for crop in (photo[:30, :40], photo[:50, :20]):
        buffer = io.BytesIO()
        Image.fromarray(crop).save(buffer, "PNG")
        files.append(buffer.getvalue())
    encoder = pickle.loads(pickle.dumps(EncodeBatch(60, model=str(tiny_path))))
    coded = encoder({"path": ["a", "b", "c"], "bytes": [files[0], b"bad", files[1]]})
    assert coded["path"] == ["a", "b", "c"]
    assert coded["aez"][0] == codec.encode(photo[:30, :40], 60)
    assert (coded["aez"][1], coded["error"][0], coded["error"][2]) == (b"", "", "")
    assert coded["error"][1] == "not a picture that Pillow can read"
    decoded = DecodeBatch(model=str(tiny_path))(coded)
    assert [image.shape for image in decoded["image"]] == [(30, 40, 3), (0, 0, 3), (50, 20, 3)]
    assert np.array_equal(decoded["image"][2], codec.decode_array(coded["aez"][2]))
    assert "empty" in decoded["error"][1]


def test_settings_that_cannot_be(tiny_path: Path) -> None:
    with pytest.raises(ValueError, match="quality"):
        EncodeBatch(0, model=str(tiny_path))({"bytes": []})
