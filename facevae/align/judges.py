"""Two small networks that tell faces from everything else: one searches, one decides.

The *scout* is convolutional throughout: it looks at a whole photograph at many sizes and answers,
at every eighth pixel, whether a face is there. It is quick, and wrong now and then. The *judge*
looks closer, at a framed crop: a second opinion, of its own training, on what was framed.

The weights lie beside this file; `python -m tools.framing.judges` makes them.
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
"""Pixels from one of the scout's answers to the next."""


class FaceDetector(nn.Module):
    """Pictures (n, 3, h, w), RGB in [0, 1], to the logits of faces in them, (n, rows, columns).

    No layer pads its input, so that a face gets the same answer wherever it lies.

    Args:
        fold: Pixels a side that become one: 9 channels for 3, 4 for 2, of each colour.
        widths: Channels of the four stages.
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
        """Side of the square of pixels behind one answer: 22 folded ones."""
        return 22 * self.fold

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits."""
        x = functional.pixel_unshuffle(pictures - 0.5, self.fold)
        x = self.features(x.contiguous(memory_format=torch.channels_last))
        answers: Tensor = self.answer(x)[:, 0]
        return answers


def new(name: str) -> FaceDetector:
    """Return one of the two, untrained: "scout" or "judge"."""
    return {
        "scout": lambda: FaceDetector(2, (16, 32, 64)),
        "judge": lambda: FaceDetector(3, (24, 48, 80)),
    }[name]()


@torch.inference_mode()
def judged(crops: Tensor, judge: FaceDetector) -> list[float]:
    """Return the judge's logits that framed crops show a face.

    Args:
        crops: RGB, uint8, (n, 66, 66, 3).
        judge: The network.
    """
    pixels = crops.permute(0, 3, 1, 2).float().div(255)
    logits = judge(torch.cat([pixels, pixels.flip(-1)])).view(2, len(crops))
    faces: list[float] = logits.mean(0).tolist()
    return faces


@lru_cache
def shipped(name: str) -> FaceDetector:
    """Return a network in the box, in evaluation mode; read once in a process."""
    network, begin = new(name), f"{name}."
    weights = {
        key.removeprefix(begin): value
        for key, value in read_tensors(WEIGHTS).items()
        if key.startswith(begin)
    }
    network.load_state_dict(weights, strict=False)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
