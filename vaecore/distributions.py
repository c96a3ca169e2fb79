"""The diagonal Gaussian: the posterior of every model here, and by default its prior."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Noise = Callable[[torch.Size], Tensor]
"""A function from a shape to standard normal noise, in place of a generator."""

_LOG_2_PI = math.log(2 * math.pi)


def reparameterize(
    mean: Tensor, stddev: Tensor, generator: torch.Generator | Noise | None = None
) -> Tensor:
    """Draw z = mean + stddev * noise, so that gradients reach mean and stddev.

    Kingma and Welling, Auto-Encoding Variational Bayes (2014), section 2.4.

    Args:
        mean: Any shape.
        stddev: Standard deviation (neither variance nor its logarithm), the shape of `mean`.
        generator: Source of the noise: a generator, or a function from a shape to noise. A
            generator on the CPU gives the same noise whatever the device of the tensors.

    Returns:
        One sample for each entry, the shape of `mean`.
    """
    if callable(generator):
        return mean + stddev * generator(mean.shape).to(mean)
    device = mean.device if generator is None else generator.device
    noise = torch.randn(mean.shape, generator=generator, device=device, dtype=mean.dtype)
    return mean + stddev * noise.to(mean.device)


def kl_divergence(mean: Tensor, stddev: Tensor) -> Tensor:
    """Return KL(N(mean, stddev^2) || N(0, I)) in nats, summed over latent dimensions.

    Args:
        mean: `(batch, latent_dim)`.
        stddev: `(batch, latent_dim)`, standard deviations above 0.

    Returns:
        `(batch,)`, at least 0. Kingma and Welling (2014), appendix B.
    """
    return _standard_kl(mean, stddev).sum(-1)


def _standard_kl(mean: Tensor, stddev: Tensor) -> Tensor:
    return 0.5 * (mean.square() + stddev.square() - 1) - stddev.log()


class DiagonalGaussian:
    """A batch of normal distributions with independent latent dimensions.

    Half precision becomes float32, since densities are sums over hundreds of dimensions.

    Args:
        mean: `(batch, latent_dim)`, finite.
        stddev: Standard deviations, the same shape, finite and above 0.

    Raises:
        ValueError: The shapes differ or are not two-dimensional, or a value is out of range.
    """

    def __init__(self, mean: Tensor, stddev: Tensor) -> None:
        if mean.ndim != 2 or mean.shape != stddev.shape:
            raise ValueError(
                "mean and stddev must both be (batch, latent_dim), "
                f"got {tuple(mean.shape)} and {tuple(stddev.shape)}"
            )
        if not mean.isfinite().all():
            raise ValueError("mean must be finite")
        if not ((stddev > 0) & stddev.isfinite()).all():
            raise ValueError("stddev must be finite and above 0")
        dtype = torch.promote_types(torch.promote_types(mean.dtype, stddev.dtype), torch.float32)
        self._mean, self._stddev = mean.to(dtype), stddev.to(dtype)

    @property
    def mean(self) -> Tensor:
        """Means, `(batch, latent_dim)`."""
        return self._mean

    @property
    def stddev(self) -> Tensor:
        """Standard deviations, `(batch, latent_dim)`."""
        return self._stddev

    def sample(
        self, generator: torch.Generator | Noise | None = None, n: int | None = None
    ) -> Tensor:
        """Draw reparameterised samples.

        Args:
            generator: Source of the noise.
            n: How many samples of each distribution; None draws one, without a leading axis.

        Returns:
            `(batch, latent_dim)`, or `(n, batch, latent_dim)` where `n` is given.
        """
        if n is None:
            return reparameterize(self.mean, self.stddev, generator)
        return reparameterize(self.mean.expand(n, *self.mean.shape), self.stddev, generator)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return the log density at z, in nats.

        Args:
            z: `(batch, latent_dim)`, or any leading axes before these two.

        Returns:
            `(batch,)`, or the leading axes of `z` and then the batch.
        """
        deviation = (z - self.mean) / self.stddev
        return (-0.5 * (deviation.square() + _LOG_2_PI) - self.stddev.log()).sum(-1)

    def kl(self, other: DiagonalGaussian | None = None) -> Tensor:
        """Return KL(self || other) in nats, in closed form.

        Args:
            other: The distribution to compare with; the standard normal prior if None.

        Returns:
            `(batch,)`, at least 0.
        """
        if other is None:
            return kl_divergence(self.mean, self.stddev)
        # KL is invariant under scaling: in units of the other's deviation, the other is N(0, I).
        shift, ratio = (self.mean - other.mean) / other.stddev, self.stddev / other.stddev
        return kl_divergence(shift, ratio)

    def kl_per_dimension(self) -> Tensor:
        """Return the KL to the standard normal prior of each dimension alone.

        Returns:
            `(batch, latent_dim)` in nats; its sum over dimensions is `kl()`.
        """
        return _standard_kl(self.mean, self.stddev)

    def entropy(self) -> Tensor:
        """Return the differential entropy in nats, `(batch,)`."""
        return (self.stddev.log() + 0.5 * (1 + _LOG_2_PI)).sum(-1)

    def to(self, *args: Any, **kwargs: Any) -> DiagonalGaussian:
        """Return the distributions on another device or in another type, as `Tensor.to`."""
        return DiagonalGaussian(self.mean.to(*args, **kwargs), self.stddev.to(*args, **kwargs))

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, index: int | slice | Tensor | list[int]) -> DiagonalGaussian:
        """Select from the batch; a single number gives a batch of one."""
        if isinstance(index, int):
            index = [index]
        return DiagonalGaussian(self.mean[index], self.stddev[index])

    def __repr__(self) -> str:
        batch, latent_dim = self.mean.shape
        return f"DiagonalGaussian(batch={batch}, latent_dim={latent_dim})"
