"""The linear part of the residual networks: principal components of the pictures.

A VAE whose decoder is linear is probabilistic PCA (Tipping & Bishop, 1999), and its solution is
known. Aligned faces are so nearly linear in a few hundred components that convolutions need an
hour to learn what an eigenvalue decomposition finds in seconds; so the networks start from that
solution, and the convolutions learn what is not linear.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POOL = 4
"""Colour has a quarter of the resolution: the eye is less sensitive to its details."""
TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""ITU-R BT.601, full range, without the offset of the colour differences."""
RATE = 0.03
"""The stored weights are divided by this, which makes an optimiser's steps so much smaller: they
are near their optimum from the start, and far smaller than those of a convolution."""


class Planes(nn.Module):
    """Pictures as vectors: brightness at full size, two colour differences at a quarter of it.

    Colour values are scaled so that equal squared distances weigh the same over all pixels.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.coarse = size, size // POOL
        matrix = torch.tensor(TO_YCBCR)
        self.register_buffer("matrix", matrix, persistent=False)
        self.register_buffer("inverse", torch.linalg.inv(matrix), persistent=False)

    @property
    def features(self) -> int:
        """Length of a picture's vector."""
        return self.size**2 + 2 * self.coarse**2

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors `(batch, features)` of pictures `(batch, 3, size, size)`."""
        y = torch.einsum("ck,nkhw->nchw", self.matrix, x)
        colour = F.avg_pool2d(y[:, 1:], POOL).flatten(1) * POOL
        return torch.cat([y[:, :1].flatten(1), colour], dim=1)

    def picture(self, vector: Tensor) -> Tensor:
        """Return pictures `(batch, 3, size, size)` of vectors `(batch, features)`."""
        luma, colour = vector.split([self.size**2, 2 * self.coarse**2], dim=1)
        luma = luma.unflatten(1, (1, self.size, self.size))
        colour = colour.unflatten(1, (2, self.coarse, self.coarse)) / POOL
        colour = F.interpolate(colour, scale_factor=POOL, mode="bilinear", align_corners=False)
        return torch.einsum("ck,nkhw->nchw", self.inverse, torch.cat([luma, colour], dim=1))


class PrincipalEncoder(nn.Module):
    """The linear part of the posterior mean, `(batch, latent_dim)`."""

    def __init__(self, size: int, latent_dim: int) -> None:
        super().__init__()
        self.planes = Planes(size)
        self.weight = nn.Parameter(torch.zeros(latent_dim, self.planes.features))
        self.bias = nn.Parameter(torch.zeros(latent_dim))

    def forward(self, x: Tensor) -> Tensor:
        """Return the linear part for pictures `(batch, 3, size, size)`."""
        return F.linear(self.planes(x), self.weight * RATE, self.bias)


class PrincipalDecoder(nn.Module):
    """The linear part of a decoded picture, `(batch, 3, size, size)`."""

    def __init__(self, size: int, latent_dim: int) -> None:
        super().__init__()
        self.planes = Planes(size)
        self.weight = nn.Parameter(torch.zeros(self.planes.features, latent_dim))
        self.bias = nn.Parameter(torch.zeros(self.planes.features))

    def forward(self, z: Tensor) -> Tensor:
        """Return the linear part for codes `(batch, latent_dim)`."""
        return self.planes.picture(F.linear(z, self.weight * RATE, self.bias * RATE))


def principal_components(
    batches: Iterable[Tensor], planes: Planes, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean, variances and directions of pictures, of which one batch is held at a time.

    Args:
        batches: Pictures `(batch, 3, size, size)`, on the scale the networks see.
        planes: Turns pictures into vectors.
        count: Number of components.

    Returns:
        Mean `(features,)`, variances `(count,)` from the largest down, and orthonormal
        directions `(features, count)`.
    """
    total, first = 0, torch.zeros(planes.features, dtype=torch.float64)
    second = torch.zeros(planes.features, planes.features)
    for x in batches:
        vector = planes(x)
        second += vector.T @ vector
        first += vector.sum(0)
        total += len(x)
    mean = (first / total).float()
    variances, directions = torch.linalg.eigh(second / total - mean[:, None] * mean)
    return mean, variances.flip(0)[:count].clamp(min=0), directions.flip(1)[:, :count]


@torch.no_grad()
def start(
    encoder: PrincipalEncoder, decoder: PrincipalDecoder, batches: Iterable[Tensor], noise: float
) -> Tensor:
    """Set both linear parts to probabilistic PCA, and return its posterior's deviations.

    With decoder z -> V sqrt(L) z + mean and noise of variance s^2, the posterior mean is
    sqrt(L) / (L + s^2) V^T (x - mean) and its variance s^2 / (L + s^2).

    Args:
        encoder: Changed in place.
        decoder: Changed in place.
        batches: Pictures on the scale the networks see.
        noise: Standard deviation s of p(x|z) on that scale.

    Returns:
        Standard deviations of the posterior, `(latent_dim,)`.
    """
    latent_dim = len(encoder.weight)
    mean, variances, directions = principal_components(batches, encoder.planes, latent_dim)
    scale = variances.sqrt()
    gain = (scale / (variances + noise**2))[:, None] * directions.T
    encoder.weight.copy_(gain / RATE)
    encoder.bias.copy_(-(gain @ mean))
    decoder.weight.copy_(directions * scale / RATE)
    decoder.bias.copy_(mean / RATE)
    return (noise**2 / (variances + noise**2)).sqrt()
