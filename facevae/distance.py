"""A perceptual distance of pictures: in the features of a classifier of face attributes.

A classifier that is not trained any more gives the features (Johnson et al., Perceptual losses for
real-time style transfer and super-resolution, 2016).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from facevae.classifier import FaceClassifier
from facevae.networks.trunk import Trunk, feature_distance


class PerceptualDistance(nn.Module):
    """The distance of pictures in the features of a classifier that is not trained.

    Args:
        classifier: Gives its layers.
    """

    def __init__(self, classifier: FaceClassifier) -> None:
        super().__init__()
        trunk = classifier.trunk.to(memory_format=torch.channels_last)
        self.trunk: Trunk = trunk.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> PerceptualDistance:
        """Stay in evaluation mode, whatever is asked for."""
        return super().train(False)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the features of each stage; see `Trunk.stages`."""
        return self.trunk.stages(x)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """Return the distance of each picture to its target, `(batch,)`.

        Only x gets a gradient; see `feature_distance`.

        Args:
            x: Pictures `(batch, 3, size, size)` in [0, 1].
            target: The pictures to compare with, of the same shape.
        """
        with torch.no_grad():
            targets = self.features(target)
        return feature_distance(self.features(x), targets)
