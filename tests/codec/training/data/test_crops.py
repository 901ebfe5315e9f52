import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from aez.bitstream import ImageError
from aez.codec.training.data import CropSampler, iter_pictures

pytestmark = pytest.mark.torch


def png(value: int, side: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side + 1, side), (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def shard(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def values(paths: list[Path]) -> list[int]:
    return [int(picture[0, 0, 0]) for picture in iter_pictures(paths)]


def test_files_folders_and_shards(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.png").write_bytes(png(1))
    (tmp_path / "deep" / "b.PNG").write_bytes(png(2))
    (tmp_path / "deep" / "note.txt").write_text("not a picture")
    shard(tmp_path / "deep" / "c.tar", {"x/1.png": png(3), "readme.md": b"text", "x/2.png": png(4)})
    assert values([tmp_path]) == [1, 2, 3, 4]
    assert values([tmp_path / "deep" / "c.tar", tmp_path / "a.png"]) == [3, 4, 1]
    (picture,) = iter_pictures([tmp_path / "a.png"])
    assert (picture.shape, picture.dtype) == ((3, 8, 9), torch.uint8)


def test_other_modes_become_rgb(tmp_path: Path) -> None:
    Image.new("LA", (5, 4), (9, 255)).save(tmp_path / "a.png")
    (picture,) = iter_pictures([tmp_path])
    assert picture.shape == (3, 4, 5)
    assert (picture == 9).all()


@pytest.mark.parametrize("name", ["missing.png", "bad.png", "bad.tar", "cut.tar"])
def test_bad_data_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("bad"):
        path.write_bytes(b"neither a picture nor an archive" * 40)
    elif name == "cut.tar":
        shard(path, {"1.png": png(1)[:40]})
    with pytest.raises(ImageError, match=name.replace(".", r"\.")):
        list(iter_pictures([path]))


def test_crops(pictures: list[Tensor]) -> None:
    batch = CropSampler(pictures, 64, 1).batch(6)
    assert batch.shape == (6, 3, 64, 64)
    assert batch.dtype == torch.float32
    assert -0.5 <= float(batch.min()) < -0.3 < 0.3 < float(batch.max()) <= 0.5
    levels = (batch + 0.5) * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)
    assert torch.equal(batch, CropSampler(pictures, 64, 1).batch(6))
    assert not torch.equal(batch, CropSampler(pictures, 64, 2).batch(6))


def test_crops_are_flipped_and_turned() -> None:
    ramp = np.add.outer(np.arange(64) * 3, np.arange(64)).astype(np.uint8)
    picture = torch.from_numpy(np.stack([ramp] * 3))
    sampler = CropSampler([picture], 64, 0)
    corners = {tuple(np.sign(np.diff(sampler.crop()[0].numpy()[[0, 0, -1], [0, -1, 0]]))) for _ in range(100)}
    assert len(corners) >= 4
    assert len({bytes(sampler.crop().numpy().tobytes()) for _ in range(100)}) == 8


def test_large_pictures_are_drawn_more_often() -> None:
    small, large = torch.zeros(3, 32, 32, dtype=torch.uint8), torch.full((3, 64, 128), 255, dtype=torch.uint8)
    sampler = CropSampler([small, large], 32, 0)
    share = np.mean([float(sampler.crop()[0, 0, 0]) > 0 for _ in range(400)])
    assert 0.82 < share < 0.96


def test_pictures_smaller_than_a_crop_are_left_out(pictures: list[Tensor]) -> None:
    assert len(CropSampler(pictures, 110, 0).pictures) == 1
    with pytest.raises(ImageError, match="129"):
        CropSampler(pictures, 129, 0)


def test_the_busiest_of_several_places_is_taken() -> None:
    picture = torch.zeros(3, 64, 256, dtype=torch.uint8)
    picture[:, :, 192:] = (torch.arange(64) % 2 * 255).to(torch.uint8)
    busy = {}
    for candidates in (1, 8):
        sampler = CropSampler([picture], 32, 0, candidates)
        busy[candidates] = sum(float((sampler.crop() > -0.5).float().mean()) for _ in range(60))
    assert busy[8] > 1.5 * busy[1]


def test_partial_batches_end_in_part_of_a_cell(pictures: list[Tensor]) -> None:
    sampler = CropSampler(pictures, 64, 0, partial=1.0)
    sides = [tuple(sampler.batch(1).shape[2:]) for _ in range(60)]
    assert {side for pair in sides for side in pair} == {16, 32, 48, 64}
    assert len({(height, width) for height, width in sides if height != width}) > 6
    plain = CropSampler(pictures, 64, 0, partial=0.4)
    share = sum(tuple(plain.batch(1).shape[2:]) == (64, 64) for _ in range(200)) / 200
    assert 0.52 < share < 0.74


def test_drawn_crops_are_flat_saturated_and_mixed_in(pictures: list[Tensor]) -> None:
    drawn = CropSampler(pictures, 64, 0, drawn=1.0).batch(40)
    assert drawn.shape == (40, 3, 64, 64)
    levels = (drawn + 0.5) * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)
    assert float(levels.min()) == 0
    assert float(levels.max()) == 255
    flat = (levels.diff(dim=3).abs() < 0.5).all(1).float().mean((1, 2))
    assert float((flat > 0.8).float().mean()) > 0.5
    corners = ((levels == 0) | (levels == 255)).all(1).float().mean()
    assert float(corners) > 0.3
    photos = torch.stack([CropSampler(pictures, 64, seed, drawn=0.5).crop() for seed in range(60)])
    noisy = (photos.diff(dim=3).abs() * 255 < 0.5).all(1).float().mean((1, 2)) < 0.5
    assert 0.3 < float(noisy.float().mean()) < 0.75
