"""Two small networks that detect faces: the scout searches, the judge decides.

The *scout* is fully convolutional: in a whole photograph, at many sizes, it gives a logit of a face
at every eighth pixel. It is fast, and sometimes wrong. The *judge*, which was trained separately,
gives a logit for a framed crop in more detail.

The weights are beside this file; `python -m tools.framing.judges` makes them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaecore.folder import read_tensors

WEIGHTS = Path(__file__).with_name("judges.safetensors")
STRIDE = 8
"""Pixels from one of the scout's logits to the next."""


class FaceDetector(nn.Module):
    """Maps pictures `(n, 3, h, w)`, RGB in [0, 1], to logits of faces, `(n, rows, columns)`.

    No layer pads its input, so that the logit of a face does not depend on its place.

    Args:
        fold: Side of the squares of pixels that become channels of one pixel.
        widths: Channels of the three stages.
    """

    def __init__(self, fold: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        self.fold = fold
        first, second, third = widths
        layers: list[nn.Module] = []
        for ins, outs, stride in (
            (3 * fold**2, first, 1),
            (first, second, 2),
            (second, second, 1),
            (second, third, 2),
            (third, third, 1),
        ):
            layers += [
                nn.Conv2d(ins, outs, 3, stride, bias=False),
                nn.BatchNorm2d(outs),
                nn.ReLU(inplace=True),
            ]
        self.features = nn.Sequential(*layers)
        self.answer = nn.Conv2d(third, 1, 1)

    @property
    def side(self) -> int:
        """Side in pixels of the receptive field of a logit: 22 folded pixels."""
        return 22 * self.fold

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits."""
        x = functional.pixel_unshuffle(pictures - 0.5, self.fold)
        x = self.features(x.contiguous(memory_format=torch.channels_last))
        answers: Tensor = self.answer(x)[:, 0]
        return answers


def new(name: str) -> FaceDetector:
    """Return the untrained "scout" or "judge"."""
    fold, widths = {"scout": (2, (16, 32, 64)), "judge": (3, (24, 48, 80))}[name]
    return FaceDetector(fold, widths)


@torch.inference_mode()
def judged(crops: Tensor, judge: FaceDetector) -> list[float]:
    """Return a logit of a face for each framed crop.

    Args:
        crops: Crops `(n, 66, 66, 3)`, RGB, uint8.
        judge: The network.
    """
    pixels = crops.permute(0, 3, 1, 2).float().div(255)
    logits = judge(torch.cat([pixels, pixels.flip(-1)])).view(2, len(crops))
    faces: list[float] = logits.mean(0).tolist()
    return faces


@lru_cache
def shipped(name: str) -> FaceDetector:
    """Return a shipped network by name, in evaluation mode; it is read once in a process."""
    network, begin = new(name), f"{name}."
    weights = {
        key.removeprefix(begin): value
        for key, value in read_tensors(WEIGHTS).items()
        if key.startswith(begin)
    }
    network.load_state_dict(weights, strict=False)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
