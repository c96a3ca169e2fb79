"""The prior of the evidence lower bound: N(0, I)."""

from __future__ import annotations

import torch
from torch import Tensor

from vaecore.distributions import DiagonalGaussian
from vaecore.priors.base import Prior, Source, drawn


class StandardNormal(Prior):
    """The N(0, I) prior.

    Args:
        latent_dim: Number of latent dimensions.
    """

    kind = "normal"

    def __init__(self, latent_dim: int) -> None:
        self.latent_dim = latent_dim

    def sample(
        self,
        n: int,
        generator: Source = None,
        temperature: float = 1.0,
        condition: Tensor | None = None,
    ) -> Tensor:

        def noise(rows: int, generator: torch.Generator | None) -> Tensor:
            device = generator.device if generator else None
            return torch.randn(rows, self.latent_dim, generator=generator, device=device)

        return temperature * drawn(n, generator, noise)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return the log density in nats of codes `(..., latent_dim)`, `(...)`."""
        zero = z.new_zeros(1, self.latent_dim)
        return DiagonalGaussian(zero, zero + 1).log_prob(z)
