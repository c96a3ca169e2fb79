"""The spatial encoder and decoder: the code is a small feature map, such as 4 x 4 x 24.

There are no principal components. A decoder that is initialised to a linear one stays close to it,
and then the decoded middle of two codes is nearly the mean of the two pictures. Here each position
of the code describes its part of the picture, and convolutions decode it, as in the first stage of
latent diffusion (Rombach et al., High-resolution image synthesis with latent diffusion models,
2022). Outside of the networks a code is flat, position after position, so that a flow with as many
groups as positions attends from position to position (`vaecore.priors.Flow`).

The picture enters as 12 channels at half resolution and leaves the same way, as in `residual`.
Features are normalised over the channels of each pixel, not over the batch: the decoded picture
depends on its code alone in training too, where reconstructions and interpolations share a batch.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facevae.networks.architecture import FaceArchitecture
from facevae.networks.blocks import SLOPE, PixelNorm, SpatialBlock, convolution
from facevae.networks.enlarging import Enlarger, halved

ENCODER = (3, 6, 12, 16)
"""Channels of the encoder at 1/2, 1/4, 1/8 and 1/16 of the picture's size, in width / 4."""
DECODER = (4, 8, 16, 20)
"""Channels of the decoder at the same sizes."""
REFINED = 16
"""Channels of the decoder's last step, at full resolution."""
LARGEST_LOG = 5.0
"""A tanh bounds the logarithm of a posterior's standard deviation to this, either way."""


class SpatialEncoder(nn.Module):
    """Pictures `(batch, 3, size, size)` to the posterior's mean and log standard deviation."""

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        channels = [architecture.width * factor // 4 for factor in ENCODER]
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(2),
            convolution(12, channels[0]),
            SpatialBlock(channels[0]),
        ]
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 2, stride=2), SpatialBlock(after)]
        self.enlarged = architecture.enlarged > 1
        code = architecture.latent_dim // architecture.positions
        self.layers = nn.Sequential(*layers, PixelNorm(channels[-1]), nn.LeakyReLU(SLOPE))
        self.last = convolution(channels[-1], 2 * code)
        nn.init.normal_(self.last.weight, std=0.3 / (9 * channels[-1]) ** 0.5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation `(batch, latent_dim)` each, position by position.

        Args:
            x: Pictures `(batch, 3, size, size)` with values around 0.
        """
        if self.enlarged:
            x = halved(x)
        mean, log_stddev = self.last(self.layers(x)).float().permute(0, 2, 3, 1).chunk(2, dim=3)
        log_stddev = LARGEST_LOG * (log_stddev / LARGEST_LOG).tanh()
        return mean.flatten(1), log_stddev.flatten(1)


class SpatialDecoder(nn.Module):
    """Codes `(batch, latent_dim)` to pictures `(batch, 3, size, size)`."""

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        channels = [architecture.width * factor // 4 for factor in reversed(DECODER)]
        self.side = architecture.core_size // 16
        self.first = convolution(architecture.latent_dim // self.side**2, channels[0])
        # A learned embedding of positions, since faces are aligned.
        self.place = nn.Parameter(torch.randn(channels[0], self.side, self.side) * 0.1)
        # One block more at the lowest resolution, where it costs little and where a convolution
        # covers most of the picture.
        layers: list[nn.Module] = [
            SpatialBlock(channels[0]) for _ in range(architecture.blocks + 1)
        ]
        for before, after in pairwise(channels):
            layers.append(nn.ConvTranspose2d(before, after, 2, stride=2))
            layers += [SpatialBlock(after) for _ in range(architecture.blocks)]
        self.layers = nn.Sequential(*layers, PixelNorm(channels[-1]), nn.LeakyReLU(SLOPE))
        self.last = convolution(channels[-1], 12)
        nn.init.normal_(self.last.weight, std=0.1 / (9 * channels[-1]) ** 0.5)
        # Pixels that leave as channels of one position do not know their neighbours of the next
        # one, which shows as a grid of 2 x 2 pixels in flat areas: this is added to the picture.
        self.refined = nn.Sequential(
            convolution(3, REFINED), nn.LeakyReLU(SLOPE), convolution(REFINED, 3)
        )
        nn.init.zeros_(self.refined[2].get_parameter("weight"))
        self.enlarger = Enlarger(channels[-1]) if architecture.enlarged > 1 else None

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures `(batch, 3, size, size)` with values around 0."""
        picture, features = self.core(z)
        return picture if self.enlarger is None else self.enlarger(picture, features)

    def core(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return pictures before they are enlarged, and the features that they are made of."""
        code = z.unflatten(1, (self.side, self.side, -1)).permute(0, 3, 1, 2)
        x = self.first(code.contiguous(memory_format=torch.channels_last))
        x = x + self.place.to(x.dtype)
        features = self.layers(x)
        picture = F.pixel_shuffle(self.last(features), 2)
        return picture + self.refined(picture), features
