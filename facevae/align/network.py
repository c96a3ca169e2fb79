"""The framing network, a small convolutional network that locates a face in a crop.

For a crop of 64 x 64 pixels it returns the similarity that maps the framed square into the crop,
and a logit of a face. Applied again to the crop of that square, it corrects its error; two or three
passes are enough.

The weights are beside this file; `python -m tools.framing.train` makes them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from facevae.align.geometry import Similarity
from vaecore.folder import read_tensors

WEIGHTS = Path(__file__).with_name("framing.safetensors")
SIZE = 64
"""Side of the crops in pixels."""


class FramingNetwork(nn.Module):
    """Maps crops `(n, 3, 64, 64)`, RGB in [0, 1], to five numbers each, `(n, 5)`.

    The first four are a, b, x, y of the similarity p -> (a + bi) p + (x + yi) from the framed
    square to the crop; the last is the logit of a face.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        # Layers at full size are slow on a CPU. So four neighbours become twelve channels, and
        # most layers work at 16 x 16 pixels or less.
        for ins, outs, kernel, stride in (
            (12, 48, 4, 2),
            (48, 64, 3, 1),
            (64, 96, 3, 2),
            (96, 96, 3, 1),
            (96, 128, 3, 2),
            (128, 48, 1, 1),
        ):
            layers += [
                nn.Conv2d(ins, outs, kernel, stride, (kernel - 1) // 2, bias=False),
                nn.BatchNorm2d(outs),
                nn.ReLU(inplace=True),
            ]
        self.features = nn.Sequential(*layers)
        # Flattened instead of pooled, as the network must measure positions.
        self.head = nn.Sequential(nn.Linear(48 * 4 * 4, 128), nn.ReLU(inplace=True))
        self.answer = nn.Linear(128, 5)
        nn.init.zeros_(self.answer.weight)
        with torch.no_grad():  # initialised to the identity
            self.answer.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0]))

    def forward(self, crops: Tensor) -> Tensor:
        """Return a, b, x, y and the logit of a face for each crop, `(n, 5)`."""
        x = functional.pixel_unshuffle(crops - 0.5, 2)
        x = self.features(x.contiguous(memory_format=torch.channels_last))
        with torch.autocast("cpu", enabled=False):  # bfloat16 would round to half a pixel
            answers: Tensor = self.answer(self.head(x.flatten(1).float()))
        return answers


@torch.inference_mode()
def locate(crops: Tensor) -> list[tuple[Similarity, float]]:
    """Return the shipped network's result for each crop, as the mean over its mirror image.

    Args:
        crops: Crops `(n, 64, 64, 3)`, RGB, uint8.

    Returns:
        For each crop the similarity from the framed square to the crop, and the logit of a face.
    """
    pixels = crops.permute(0, 3, 1, 2).float().div(255)
    answers = shipped()(torch.cat([pixels, pixels.flip(-1)])).view(2, len(crops), 5)
    # In the mirror image, rotation and horizontal shift have the opposite sign.
    signs = answers.new_tensor([[1, 1, 1, 1, 1], [1, -1, -1, 1, 1]])
    mean = (answers * signs[:, None]).mean(0)
    return [(Similarity(complex(a, b), complex(x, y)), face) for a, b, x, y, face in mean.tolist()]


@lru_cache(maxsize=1)
def shipped() -> FramingNetwork:
    """Return the shipped network, in evaluation mode; it is read once in a process."""
    network = FramingNetwork()
    network.load_state_dict(read_tensors(WEIGHTS), strict=False)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
