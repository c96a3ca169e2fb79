"""The critic: learns to tell photographs from decoded pictures, in training only.

A squared error is smallest for the mean of all pictures that fit a code, and that mean is a blur.
The critic asks for one of them instead (Goodfellow et al., 2014; with a VAE: Larsen et al.,
Autoencoding beyond pixels using a learned similarity metric, 2016). It also sees codes from
the prior, which no encoder has placed, so that sampling is trained and not hoped for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2
GAIN = 2.0
"""A layer of spectral norm 1 passes typical features on much weakened; without a gain, scores would
hardly depend on the picture, and a critic takes very long to notice anything."""
FACTORS = (1, 2, 4, 6)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the picture's size, in units of the width."""


class _Layer(nn.Module):
    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = spectral_norm(conv)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(x) * GAIN, SLOPE)


class Critic(nn.Module):
    """A convolutional critic with spectral normalisation (Miyato et al., 2018).

    Args:
        size: Height and width of a picture, a multiple of 16.
        width: Channels at half resolution.
    """

    def __init__(self, size: int, width: int = 32) -> None:
        super().__init__()
        channels = [width * factor for factor in FACTORS]
        before = 12
        stages = []
        for index, after in enumerate(channels):
            stride = 1 if index == 0 else 2
            down = nn.Conv2d(before, after, 3 if stride == 1 else 4, stride, padding=1)
            same = [nn.Conv2d(after, after, 3, padding=1)] if index else []
            stages.append(nn.Sequential(*(_Layer(conv) for conv in (down, *same))))
            before = after
        self.stages = nn.ModuleList(stages)
        self.last = spectral_norm(nn.Linear(before * (size // 16) ** 2, 1))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores `(batch,)`, higher for photographs, and the features of each stage."""
        x = F.pixel_unshuffle((x - 0.5) * 4, 2).contiguous(memory_format=torch.channels_last)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.last(x.flatten(1)).squeeze(1) * GAIN, features
