"""The residual trunk of a classifier, whose features are also those of a perceptual distance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Trunk(nn.Sequential):
    """Pictures to features at 1/2, 1/4, 1/8 and 1/16 of their size.

    Pixels are first folded into channels (2 x 2 pixels are 12 channels): convolutions over three
    channels of 64 x 64 would take as long as all that follows.

    Args:
        width: Channels of the first stage; each of the three stages that follow has half the
            height and width, and twice the channels (the last as many as the third).
        blocks: Residual blocks in each of those three stages.
    """

    def __init__(self, width: int, blocks: int) -> None:
        layers: list[nn.Module] = [_unit(12, width)]
        before = width
        for channels in (2 * width, 4 * width, 4 * width):
            layers.append(_unit(before, channels, stride=2))
            layers += [_Residual(channels) for _ in range(blocks)]
            before = channels
        super().__init__(*layers)
        self.blocks, self.channels = blocks, before

    def forward(self, x: Tensor) -> Tensor:
        """Return the last features of pictures `(batch, 3, size, size)` in [0, 1]."""
        x = _folded(x)
        for layer in self:
            x = layer(x)
        return x

    def stages(self, x: Tensor) -> list[Tensor]:
        """Return the features of each stage, `(batch, channels, height, width)`.

        Args:
            x: Pictures `(batch, 3, size, size)` in [0, 1].

        Returns:
            They have length 1 at every pixel.
        """
        x = _folded(x)
        found = []
        for number, layer in enumerate(self):
            x = layer(x)
            # The first layer, and each by so many further on, is the last of its stage.
            if number % (self.blocks + 1) == 0:
                found.append(F.normalize(x, dim=1, eps=1e-3))
        return found


def feature_distance(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Return the distance of pictures in the features of all stages, `(batch,)`.

    The squared difference of features, averaged over pixels and summed over stages. They are
    compared by their direction at each pixel, as in LPIPS (Zhang et al., The unreasonable
    effectiveness of deep features as a perceptual metric, 2018).

    Args:
        ours: What `Trunk.stages` returns for pictures.
        theirs: For the others.
    """
    parts = [
        (a.float() - b.float()).square().sum(1).mean((1, 2))
        for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack(parts).sum(0)


def _folded(x: Tensor) -> Tensor:
    return F.pixel_unshuffle(2 * x - 1, 2).contiguous(memory_format=torch.channels_last)


def _unit(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _unit(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)  # zero-initialised: a block begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape `(batch, channels, height, width)`."""
        return F.relu(x + self.norm(self.second(self.first(x))))
