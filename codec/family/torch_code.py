"""The networks of a member that compresses in torch, on any device."""

import numpy as np
import torch
from numpy.typing import NDArray

from aez.bitstream.escapes import MAX_MAGNITUDE
from aez.codec.family.code_model import CodeModel
from aez.codec.family.loading import family_model
from aez.codec.family.weightfile import FamilyWeights
from aez.codec.model.quality import POSITION_SCALE
from aez.codec.picture.depth import Levels, Samples


class TorchCodeNetworks:
    """Encoder and decoder in torch; see :class:`aez.codec.family.code_networks.CodeNetworks`."""

    runtime = "torch"

    def __init__(self, weights: FamilyWeights, place: torch.device) -> None:
        """Make the networks on a device.

        Raises:
            ModelError: the tensors do not fit the sizes.
        """
        model = family_model(weights)
        assert isinstance(model, CodeModel)  # it has a code
        self._model, self._place, self.device = model.to(place), place, place.type

    @torch.inference_mode()
    def encode(self, pixels: Levels, position: int) -> NDArray[np.int16]:
        """See :class:`aez.codec.family.code_networks.CodeNetworks`."""
        x = torch.from_numpy(pixels).to(self._place).permute(2, 0, 1)[None].float() / 255 - 0.5
        code = self._model.encode_code(x.expand(-1, 3, -1, -1).contiguous(), self._at(position))[0]
        out: NDArray[np.int16] = code.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE).round().to(torch.int16).cpu().numpy()
        return out

    @torch.inference_mode()
    def decode(self, code: NDArray[np.int16], position: int, channels: int, depth: int) -> Samples:
        """See :class:`aez.codec.family.code_networks.CodeNetworks`."""
        part = torch.from_numpy(code.astype(np.float32))[None].to(self._place)
        x = self._model.decode_code(part, self._at(position))[0]
        x = x.mean(0, keepdim=True) if channels == 1 else x
        top = (1 << depth) - 1
        whole = ((x + 0.5) * top).round().clamp(0, top).to(torch.int32).permute(1, 2, 0).cpu().numpy()
        out: Samples = whole.astype(np.uint8 if depth == 8 else np.uint16)
        return out

    def _at(self, position: int) -> torch.Tensor:
        return torch.tensor([position / POSITION_SCALE], device=self._place)
