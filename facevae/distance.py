"""A perceptual distance of pictures: in the features of a classifier of face attributes.

A classifier that is not trained any more gives the features (Johnson et al., Perceptual losses for
real-time style transfer and super-resolution, 2016). They are compared by their direction at each
pixel, as in LPIPS (Zhang et al., The unreasonable effectiveness of deep features as a perceptual
metric, 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facevae.classifier import FaceClassifier


class PerceptualDistance(nn.Module):
    """The distance of pictures in the features of a classifier that is not trained.

    Args:
        classifier: Gives its layers.
    """

    def __init__(self, classifier: FaceClassifier) -> None:
        super().__init__()
        trunk = classifier.trunk.to(memory_format=torch.channels_last)
        self.trunk = trunk.requires_grad_(False)
        self.every = classifier.blocks + 1
        """The first layer, and each layer by this many further on, is the last of its stage."""
        self.eval()

    def train(self, mode: bool = True) -> PerceptualDistance:
        """Stay in evaluation mode, whatever is asked for."""
        return super().train(False)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the features of each stage, at 1/2, 1/4, 1/8 and 1/16 of the picture's size.

        Args:
            x: Pictures `(batch, 3, size, size)` in [0, 1].

        Returns:
            `(batch, channels, height, width)` for each stage, of length 1 at every pixel.
        """
        x = F.pixel_unshuffle(2 * x - 1, 2).contiguous(memory_format=torch.channels_last)
        found = []
        for number, layer in enumerate(self.trunk):
            x = layer(x)
            if number % self.every == 0:
                found.append(F.normalize(x, dim=1, eps=1e-3))
        return found

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """Return the distance of each picture to its target, `(batch,)`.

        The squared difference of features, averaged over pixels and summed over stages. Only x gets
        a gradient.

        Args:
            x: Pictures `(batch, 3, size, size)` in [0, 1].
            target: The pictures to compare with, of the same shape.
        """
        with torch.no_grad():
            targets = self.features(target)
        return self.between(self.features(x), targets)

    @staticmethod
    def between(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
        """Return the distance of each picture's features to another's, `(batch,)`."""
        parts = [
            (a.float() - b.float()).square().sum(1).mean((1, 2))
            for a, b in zip(ours, theirs, strict=True)
        ]
        return torch.stack(parts).sum(0)
