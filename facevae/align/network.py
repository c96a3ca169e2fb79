"""A small convolutional network that measures how a face lies in a crop.

Given a square crop of 64x64 pixels, it returns the similarity that maps the framed square (the
training set's framing) into the crop, and the probability that there is a face at all. Applied
again to the crop that it proposed, it corrects its error: two or three passes are enough.

The weights lie beside this file; `python -m tools.framing.train` makes them.
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
"""Side of the crops, in pixels."""


class FramingNetwork(nn.Module):
    """Crops (n, 3, 64, 64), RGB in [0, 1], to five numbers each: (n, 5).

    The first four are a, b, x, y of the similarity p -> (a + bi) p + (x + yi), framed square to
    crop; the last is the logit of there being a face.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        # Three channels at full size are slow on a CPU: four neighbours become twelve channels,
        # and most of the work is done at 16x16 and below.
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
        # Flattened and not pooled, since positions are what it measures.
        self.head = nn.Sequential(nn.Linear(48 * 4 * 4, 128), nn.ReLU(inplace=True))
        self.answer = nn.Linear(128, 5)
        nn.init.zeros_(self.answer.weight)
        with torch.no_grad():  # at first the identity: framed already
            self.answer.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0]))

    def forward(self, crops: Tensor) -> Tensor:
        """Return a, b, x, y and the face logit of each crop: (n, 5)."""
        x = functional.pixel_unshuffle(crops - 0.5, 2)
        x = self.features(x.contiguous(memory_format=torch.channels_last))
        with torch.autocast("cpu", enabled=False):  # eight bits of mantissa are half a pixel
            answers: Tensor = self.answer(self.head(x.flatten(1).float()))
        return answers


@torch.inference_mode()
def locate(crops: Tensor) -> list[tuple[Similarity, float]]:
    """Return the shipped network's mean result for each crop and its mirror image.

    Args:
        crops: RGB, uint8, (n, 64, 64, 3).

    Returns:
        The similarity from the framed square into the crop, and the logit of a face; of each.
    """
    pixels = crops.permute(0, 3, 1, 2).float().div(255)
    answers = shipped()(torch.cat([pixels, pixels.flip(-1)])).view(2, len(crops), 5)
    # Mirrored, a similarity keeps its scale and its height; turn and sideways shift change sign.
    signs = answers.new_tensor([[1, 1, 1, 1, 1], [1, -1, -1, 1, 1]])
    mean = (answers * signs[:, None]).mean(0)
    return [(Similarity(complex(a, b), complex(x, y)), face) for a, b, x, y, face in mean.tolist()]


@lru_cache(maxsize=1)
def shipped() -> FramingNetwork:
    """Return the network in the box, in evaluation mode; read once in a process."""
    network = FramingNetwork()
    weights = read_tensors(WEIGHTS)
    network.load_state_dict(weights, strict=False)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
