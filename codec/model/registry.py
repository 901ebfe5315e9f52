"""Find packaged models by name or by the fingerprint in a file, without importing torch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aez.bitstream.errors import ModelError
from aez.codec.model.quality import QualityScale

WEIGHTS_FORMAT = "aez-weights-1"
FAMILY_FORMAT = "aez-family-1"
WEIGHTS_FOLDER = Path(__file__).parent / "weights"
FAMILY_FOLDER = Path(__file__).parents[1] / "family" / "weights"
DEFAULT_MODEL = "photo"
"""The model for photographs as they are seen."""
PSNR_MODEL = "photo-psnr"
"""The model for the least squared error, on which restoration, generation and style build."""
ALIASES = {DEFAULT_MODEL: "photo-1", PSNR_MODEL: "photo-psnr-1"}
"""Names that stand for the newest model of their kind; a released model itself never changes what it decodes."""
_MAX_HEADER = 2**20


@dataclass(frozen=True)
class ModelEntry:
    """The metadata of a weights file, read without its tensors.

    Attributes:
        name: name of the model for `--model`.
        fingerprint: fingerprint that encoded files carry, 12 hexadecimal digits.
        path: path of the weights file.
        points: number of quality points; 0 for a member of the family that does not compress.
        card: training facts.
        family: True for models of the autoencoder family, False for the codec's own models.
    """

    name: str
    fingerprint: str
    path: Path
    points: int
    card: dict[str, Any]
    family: bool = False

    @property
    def quality_scale(self) -> QualityScale:
        """The quality scale of a model that compresses."""
        return QualityScale(self.points, scores=tuple(self.card.get("scores", ())))


def read_entry(path: Path) -> ModelEntry:
    """Read the metadata of a weights file.

    Raises:
        ModelError: the file cannot be read or is not a weights file of this program.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MAX_HEADER:
                raise ModelError(f"{path}: not a weights file of this program")
            metadata = json.loads(file.read(length))["__metadata__"]
        family = metadata["format"] == FAMILY_FORMAT
        if not family and metadata["format"] != WEIGHTS_FORMAT:
            raise ModelError(f"{path}: not a weights file of this program")
        sizes = json.loads(metadata["sizes" if family else "config"])
        points = int(sizes.get("points", 0) if family else sizes["points"])
        card = dict(json.loads(metadata["card"]))
        return ModelEntry(metadata["name"], metadata["fingerprint"], path, points, card, family)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise ModelError(f"{path}: not a weights file of this program") from None


def packaged_models() -> list[ModelEntry]:
    """List the packaged models: the codec's own, then those of the family, each sorted by name."""
    folders = (WEIGHTS_FOLDER, FAMILY_FOLDER)
    return [
        read_entry(path) for folder in folders for path in sorted(folder.glob("*.safetensors"), key=lambda p: p.stem)
    ]


def find_model(name: str) -> ModelEntry:
    """Find a model by its packaged name, an alias or the path of a weights file.

    Raises:
        ModelError: there is no such model and no such file, or the file is not a weights file.
    """
    entries = packaged_models()
    for entry in entries:
        if entry.name == ALIASES.get(name, name):
            return entry
    if Path(name).is_file():
        return read_entry(Path(name))
    known = ", ".join([*ALIASES, *(entry.name for entry in entries)])
    raise ModelError(f"{name}: neither a model of this package ({known}) nor a weights file")


def find_fingerprint(fingerprint: bytes) -> ModelEntry:
    """Find the packaged model with a fingerprint, 6 bytes, as stored in encoded files.

    Raises:
        ModelError: no packaged model has this fingerprint.
    """
    for entry in packaged_models():
        if entry.fingerprint == fingerprint.hex():
            return entry
    raise ModelError(
        f"made with a model that is not in this package (fingerprint {fingerprint.hex()}); "
        "give its weights with --model, or use the version of aez that made it"
    )
