"""The residual encoder and decoder of `faces_64_residual`.

Most work is done at 4 to 16 pixels a side, where a convolution is nearly all matrix
multiplication. The picture enters as 12 channels at half resolution (each 2 x 2 square of three
colours) and leaves the same way, because a convolution over three channels at full resolution
costs more in memory traffic than all others together.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facevae.networks.architecture import FaceArchitecture
from facevae.networks.principal import PrincipalDecoder, PrincipalEncoder, start

FACTORS = (1, 2, 4, 6)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the picture's size, in units of the width."""
SLOPE = 0.1


def _convolution(channels: int, to: int) -> nn.Conv2d:
    return nn.Conv2d(channels, to, 3, padding=1, bias=False)


class ResidualBlock(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), with the last convolution zero-initialised.

    He et al., Identity Mappings in Deep Residual Networks (2016). So each block is the identity at
    first.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv1, self.conv2 = _convolution(channels, channels), _convolution(channels, channels)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape `(batch, channels, height, width)`."""
        h = self.conv1(F.leaky_relu(self.norm1(x), SLOPE))
        y: Tensor = x + self.conv2(F.leaky_relu(self.norm2(h), SLOPE))
        return y


class ResidualEncoder(nn.Module):
    """Pictures `(batch, 3, size, size)` to the posterior's mean and log standard deviation."""

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        channels = [architecture.width * factor for factor in FACTORS]
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), _convolution(12, channels[0])]
        for before, after in pairwise(channels):
            layers += [
                nn.BatchNorm2d(before),
                nn.LeakyReLU(SLOPE),
                nn.Conv2d(before, after, 2, stride=2, bias=False),
                *(ResidualBlock(after) for _ in range(architecture.blocks)),
            ]
        features = channels[-1] * (architecture.size // 16) ** 2
        last = nn.Linear(features, 2 * architecture.latent_dim)
        nn.init.normal_(last.weight, std=0.1 / features**0.5)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            *layers, nn.BatchNorm2d(channels[-1]), nn.LeakyReLU(SLOPE), nn.Flatten(), last
        )
        self.principal = PrincipalEncoder(architecture.size, architecture.latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation of pictures with values around 0."""
        shift, log_stddev = self.layers(x).float().chunk(2, dim=1)
        return self.principal(x) + shift, log_stddev


class Modulation(nn.Module):
    """Normalises features, and scales and shifts each channel by functions of z.

    Otherwise z would enter at the coarsest resolution alone (de Vries et al., Modulating early
    visual processing by language, 2017).
    """

    def __init__(self, latent_dim: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.project = nn.Linear(latent_dim, 2 * channels)
        nn.init.normal_(self.project.weight, std=0.02)
        nn.init.zeros_(self.project.bias)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return features of the shape of x `(batch, channels, height, width)`."""
        scale, shift = self.project(z)[:, :, None, None].chunk(2, dim=1)
        y: Tensor = self.norm(x) * (1 + scale) + shift
        return y


class ResidualDecoder(nn.Module):
    """Codes `(batch, latent_dim)` to pictures `(batch, 3, size, size)`."""

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        channels = [architecture.width * factor for factor in reversed(FACTORS)]
        self.side = architecture.size // 16
        self.first = nn.Linear(architecture.latent_dim, channels[0] * self.side**2)
        self.stages = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(each) for _ in range(architecture.blocks)))
            for each in channels
        )
        self.modulations = nn.ModuleList(
            Modulation(architecture.latent_dim, each) for each in channels
        )
        # Kernel and stride are equal, so that no pixel is covered more often than its neighbour.
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 2, stride=2, bias=False)
            for before, after in pairwise(channels)
        )
        self.principal = PrincipalDecoder(architecture.size, architecture.latent_dim)
        self.see = _convolution(12, channels[-1])
        self.last = _convolution(channels[-1], 12)
        nn.init.zeros_(self.last.weight)

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures with values around 0."""
        linear = self.principal(z)
        hint = self.see(F.pixel_unshuffle(linear, 2).contiguous(memory_format=torch.channels_last))
        x = self.first(z).unflatten(1, (-1, self.side, self.side))
        x = x.contiguous(memory_format=torch.channels_last)
        for stage, modulation, up in zip(
            self.stages, self.modulations, [*self.ups, self.last], strict=True
        ):
            if up is self.last:
                x = x + hint
            x = up(F.leaky_relu(modulation(stage(x), z), SLOPE))
        picture: Tensor = linear + F.pixel_shuffle(x, 2)
        return picture


@torch.no_grad()
def start_from_principal_components(
    encoder: ResidualEncoder, decoder: ResidualDecoder, batches: Iterable[Tensor], noise: float
) -> None:
    """Initialise the networks to probabilistic PCA of pictures with values around 0."""
    stddev = start(encoder.principal, decoder.principal, batches, noise)
    encoder.layers[-1].get_parameter("bias")[len(stddev) :] = stddev.log()
