"""A network that says how much a decoded picture looks like a photograph of a face.

Draws of a prior are not all equally good. Of several, `sample` keeps the one that this network
scores highest (rejection by a discriminator: Azadi et al., Discriminator rejection sampling, 2019).
Two scores are added:

features  a linear score of what the perceptual trunk sees: photographs against draws. It prefers
          sharp pictures of faces as there are, and by itself it would take harsh ones.
network   convolutions over the picture at half its size: decoded codes of faces against draws. Both
          are as sharp as the decoder makes them, so what counts is whether the parts of a face,
          and its background, belong together.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facevae.networks.trunk import Trunk

CELLS = 4
"""The two last stages of features are pooled to so many positions in each direction."""
NETWORK = 0.8
"""Weight of the network's score, relative to that of the features. Chosen on draws (docs/faces.md):
with less of it faces are harsher, with more they are softer."""
SLOPE = 0.1
SMALLEST = 1e-3
"""Least standard deviation that a feature is divided by."""


class Realism(nn.Module):
    """Scores pictures; it is trained once the prior is (`facevae.realism`).

    Args:
        trunk_width: Channels of the first stage of the trunk whose features are scored.
        width: Channels of the network at its first layer.
        size: Height and width of a picture, a multiple of 16.
    """

    mean: Tensor
    stddev: Tensor
    """Of each feature."""

    def __init__(self, trunk_width: int, width: int, size: int) -> None:
        super().__init__()
        channels = [factor * trunk_width for factor in (1, 2, 4, 4)]
        count = 2 * sum(channels) + CELLS**2 * sum(channels[-2:])
        # Vectors: they are not among the weights that are stored in 8 bits.
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("stddev", torch.ones(count))
        self.weight = nn.Parameter(torch.zeros(count))
        self.bias = nn.Parameter(torch.zeros(1))
        wider = 2 * width, 3 * width, 3 * width, 4 * width
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(SLOPE)]
        before = width
        for after, stride in zip(wider, (2, 2, 1, 2), strict=True):
            kernel = 4 if stride == 2 else 3
            layers += [
                nn.Conv2d(before, after, kernel, stride, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(SLOPE),
            ]
            before = after
        self.network = nn.Sequential(
            *layers, nn.Flatten(), nn.Dropout(0.4), nn.Linear(before * (size // 16) ** 2, 1)
        )

    def forward(self, x: Tensor, trunk: Trunk) -> Tensor:
        """Return scores `(batch,)`, higher for what looks like photographs.

        Args:
            x: Pictures `(batch, 3, size, size)` in [0, 1].
            trunk: Gives the features.
        """
        found = (features(x, trunk) - self.mean) / self.stddev.clamp(min=SMALLEST)
        score: Tensor = found @ self.weight + self.bias + NETWORK * self.coherence(x)
        return score

    def coherence(self, x: Tensor) -> Tensor:
        """Return the score of the network alone, `(batch,)`."""
        small = F.avg_pool2d(x, 2).contiguous(memory_format=torch.channels_last)
        score: Tensor = self.network(2 * small - 1)
        return score[:, 0]


def features(x: Tensor, trunk: Trunk) -> Tensor:
    """Return the features of pictures `(batch, n)`.

    They are the mean and the standard deviation of every channel of the trunk's stages, and the two
    last stages at `CELLS` x `CELLS` positions.
    """
    stages = trunk.stages(x)
    means = [each.mean((2, 3)) for each in stages]
    deviations = [each.std((2, 3), correction=0) for each in stages]
    cells = [F.adaptive_avg_pool2d(each, CELLS).flatten(1) for each in stages[-2:]]
    return torch.cat([*means, *deviations, *cells], dim=1)
