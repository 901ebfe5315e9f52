"""Read training data from `.aez` files: a torchvision data set that decodes pictures to tensors.

`python torchvision_folder.py FOLDER`

FOLDER has one folder per class, as for `torchvision.datasets.ImageFolder`. `aez compress -r PICTURES -o FOLDER`
creates it from such a folder of pictures in other formats.
"""

import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import DatasetFolder
from torchvision.transforms import v2

from aez import codec


def load(path: str) -> torch.Tensor:
    """Decode a file to a (3, H, W) uint8 tensor on the CPU, which data loader workers share better than a GPU."""
    return codec.decode_tensor(Path(path).read_bytes(), device="cpu")


def main(folder: str) -> None:
    """Read one epoch of crops in batches."""
    transform = v2.Compose(
        [v2.RandomCrop(128, pad_if_needed=True), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True)]
    )
    pictures = DatasetFolder(folder, load, extensions=(".aez",), transform=transform)
    for batch, labels in DataLoader(pictures, batch_size=8, shuffle=True):
        names = [pictures.classes[label] for label in labels]
        print(f"{tuple(batch.shape)} {batch.dtype}, {batch.min():.2f} to {batch.max():.2f}, {', '.join(names)}")


if __name__ == "__main__":
    main(sys.argv[1])
