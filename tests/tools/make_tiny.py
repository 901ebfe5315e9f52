"""Make the golden files of ``tests/data`` with the frozen tiny model in the same folder.

Usage::

    python tests/tools/make_tiny.py            # golden files only
    python tests/tools/make_tiny.py --model    # the model, too

Run the program by hand, and only if the file format or, with ``--model``, the weights file changes: the tests read its
output. It needs the `dev` extra. The model is a linear codec fitted to one photograph, with random residual branches,
so that every layer changes the result. Its probability tables are short, so that escapes are common and the file is
small.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save
from skimage import data
from torch import nn

from aez.bitstream import read_container, write_container
from aez.bitstream.runs import NOT_CODED
from aez.codec.codec import Codec
from aez.codec.layer.tiles import encode_layer
from aez.codec.model.weightfile import Weights, read_weights, serialise_weights
from aez.codec.networks import HyperpriorModel, NetworkConfig
from aez.codec.training import export
from aez.codec.training.checkpoints.start import start_from_data
from aez.codec.training.fits.picture_filter import PictureFilterFit

FOLDER = Path(__file__).parents[1] / "data"
CONFIG = NetworkConfig(
    latent=20,
    hyper=8,
    analysis=16,
    analysis_depth=1,
    synthesis16=16,
    synthesis16_depth=1,
    synthesis8=16,
    synthesis8_depth=1,
    synthesis4=8,
    synthesis4_depth=1,
    context=16,
    scale=16,
    points=4,
)
BRANCH_ENDS = ("conv_out", "project", "tail", "mean", "update", "conv3")
BRANCH_STD, TAIL_STD = 0.02, 0.002
SEED = 20


def tiny_model() -> HyperpriorModel:
    """Return the model before export."""
    torch.manual_seed(SEED)
    model = HyperpriorModel(CONFIG)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and name.rpartition(".")[2] in BRANCH_ENDS:
            nn.init.normal_(module.weight, std=TAIL_STD if name.endswith("tail") else BRANCH_STD)
    for table in (model.scale_bias, model.decoder_gain, model.analysis.gain, model.synthesis.gain):
        nn.init.normal_(table.rows, std=0.05)
    # The lowest quality codes almost nothing; the highest has almost no loss.
    model.encoder_gain.rows.data.copy_(torch.linspace(-3.5, 2.0, CONFIG.points)[:, None].expand(-1, CONFIG.latent))
    photo = torch.from_numpy(data.astronaut()).permute(2, 0, 1).float() / 255 - 0.5  # type: ignore[no-untyped-call]
    crops = [photo[:, i : i + 128, j : j + 128] for i in range(0, 385, 64) for j in range(0, 385, 64)]
    start_from_data(model, torch.stack(crops).split(7))  # type: ignore[no-untyped-call]
    return model.eval()


def saturated() -> NDArray[np.uint8]:
    """Draw saturated colours side by side, which the hyper-latents predict badly."""
    picture = np.zeros((70, 90, 3), np.uint8)
    picture[:, :40] = 255, 0, 255
    picture[20:, 40:] = 0, 255, 0
    return picture


def sky() -> NDArray[np.uint16]:
    """Draw a gradient of 16 bits per sample."""
    down, across = np.mgrid[0:75, 0:101]
    planes = (9000 + 90 * down + 20 * across, 21000 + 130 * down, 42000 + 170 * down + 60 * across)
    return np.stack(planes, 2).astype(np.uint16)


def layered(codec: Codec, picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture with a layer over a disc, whatever would be smaller."""
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    container = read_container(codec.encode(picture, 40, content="photo"))
    layer = encode_layer(picture, (down - 40) ** 2 + (across - 60) ** 2 < 900)
    return write_container(replace(container, layer=layer))


def save_filter(weights: Weights) -> None:
    """Write ``filter.safetensors``: the tensors that the fit of a picture filter adds to the model."""
    crop = torch.from_numpy(data.astronaut()[:256, 100:400].copy())  # type: ignore[no-untyped-call]
    fitted = PictureFilterFit().apply(weights, [crop.permute(2, 0, 1)])
    tensors = {name: tensor for name, tensor in fitted.tensors.items() if name.startswith("filter.")}
    (FOLDER / "filter.safetensors").write_bytes(save(tensors))


def main() -> None:
    """Write the golden files, one decoded picture and the digests; with ``--model``, the model and its filter first."""
    path = FOLDER / "tiny.safetensors"
    if "--model" in sys.argv[1:]:
        with mock.patch.multiple(export, _HYPER_BOUND_MAX=60, _RESIDUAL_BOUND_SIGMAS=1.5):
            path.write_bytes(serialise_weights(export.export_weights(tiny_model(), "tiny", {"summary": "for tests"})))
        save_filter(read_weights(path))
    weights = read_weights(path)
    codec = Codec(weights, "cpu", "float32")
    photo = data.astronaut()  # type: ignore[no-untyped-call]
    goldens = {
        "low": codec.encode(photo[:100, 180:330], 8),
        "high": codec.encode(photo[:100, 180:330], 97.3),
        "dot": codec.encode(photo[:1, :1], 50),
        "rare": codec.encode(saturated(), 1, content="photo"),
        "tiled": codec.encode(photo[100:300, 100:400], 40, tile_log2=4),
        "deep": codec.encode(sky(), 90),
        "layered": layered(codec, photo[:83, 180:301]),
        "exact": codec.encode(np.dstack([photo[:31, 180:221], photo[:31, 80:121, 0]]), lossless=True),
        "indexed": codec.encode(photo[:83, 180:301] // 64 * 64, lossless=True),
    }
    for name, file in goldens.items():
        (FOLDER / f"{name}.aez").write_bytes(file)
    Image.fromarray(codec.decode_array(goldens["high"])).save(FOLDER / "high.png", optimize=True)
    digests = {name: codec.digest(file) for name, file in goldens.items()}
    (FOLDER / "goldens.json").write_text(json.dumps(digests, indent=1) + "\n")
    for name, file in goldens.items():
        _, symbols = codec.unpack(file)
        bound = weights.residual_tables.bounds[np.where(symbols.indices == NOT_CODED, 0, symbols.indices)]
        print(name, len(file), "bytes,", int((np.abs(symbols.r) > bound).sum()), "escapes")


if __name__ == "__main__":
    main()
