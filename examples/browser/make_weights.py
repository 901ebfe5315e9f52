"""Write the weights that the decoder for browsers reads: one file a model, without what only encoders need.

    python examples/browser/make_weights.py -o examples/browser/weights

The files are named after the models' fingerprints, which they keep. `models.json` has the models' names and qualities,
which the page shows.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from aez.codec.model.quality import POSITION_SCALE, QualityScale
from aez.codec.model.registry import DEFAULT_MODEL, PSNR_MODEL, find_model
from aez.codec.model.weightfile import Weights, read_weights, serialise_weights

_READ = (
    "synthesis.",
    "context.",
    "encoder_gain.",
    "decoder_gain.",
    "exact.",
    "tables.",
    "filter.",
    "graphs.context",
    "graphs.second_mean",
    "graphs.synthesis",
)
_NOT_READ = "graphs.second_mean_slope"


def for_decoding(weights: Weights) -> Weights:
    """Return a model without tensors that decoding does not read, and without a card."""
    kept = {name: x for name, x in weights.tensors.items() if name.startswith(_READ) and name != _NOT_READ}
    return replace(weights, tensors=kept, card={})


def qualities(scale: QualityScale) -> list[float]:
    """Return the quality of each quality point."""
    return [round(scale.quality_of(point * POSITION_SCALE), 3) for point in range(scale.points)]


def main() -> None:
    """Write the files and print their names and sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[DEFAULT_MODEL, PSNR_MODEL], help="names, or weights files")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "weights", help="folder")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    models = {}
    for model in options.models:
        read = read_weights(find_model(model).path)
        weights = for_decoding(read)
        models[weights.fingerprint.hex()] = {"name": weights.name, "qualities": qualities(read.quality_scale)}
        path = options.output / f"{weights.fingerprint.hex()}.safetensors"
        path.write_bytes(serialise_weights(weights))
        print(f"{weights.name}: {path} ({path.stat().st_size / 1e6:.2f} MB)")
    (options.output / "models.json").write_text(json.dumps(models) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
