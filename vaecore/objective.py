"""What training minimises: the negative evidence lower bound and its relatives, in nats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vaecore.config import build
from vaecore.distributions import DiagonalGaussian, Noise
from vaecore.schedules import Constant, Schedule, make_schedule

MODES = ("vae", "autoencoder", "kl_only")


def free_bits(kl: Tensor, bits: float) -> Tensor:
    """Return the part of the KL that exceeds an allowance: max(kl - bits * ln 2, 0).

    The allowance is per example, on the total KL over all latent dimensions, as in MusicVAE
    (Roberts et al., 2018, equation 4); it is not per dimension, as in Kingma et al. (2016).

    Args:
        kl: `(batch,)`, total KL of each example in nats.
        bits: The allowance in bits, at least 0 (1 bit is ln 2 nats; 48 bits are 33.27 nats).

    Returns:
        `(batch,)` in nats, at least 0.
    """
    return (kl - bits * math.log(2)).clamp(min=0)


def iwae_bound(log_likelihood: Tensor, log_prior: Tensor, log_posterior: Tensor) -> Tensor:
    """Return the importance-weighted lower bound on log p(x): log of the mean weight.

    Burda et al., Importance Weighted Autoencoders (2016), equation 8. One sample gives the
    usual evidence lower bound; more samples make it tighter, up to log p(x) itself.

    Args:
        log_likelihood: log p(x|z), `(samples, batch)` in nats, z drawn from the posterior.
        log_prior: log p(z), `(samples, batch)`.
        log_posterior: log q(z|x), `(samples, batch)`.

    Returns:
        `(batch,)` in nats.
    """
    log_weight = log_likelihood + log_prior - log_posterior
    return torch.logsumexp(log_weight, dim=0) - math.log(len(log_weight))


class LossTerms(NamedTuple):
    """The loss and its terms, as means over the batch.

    Only `loss` carries gradients.
    """

    loss: Tensor
    """The scalar to minimise."""
    reconstruction: Tensor
    """Negative log likelihood in nats, before the reconstruction factor."""
    kl: Tensor
    """KL in nats, before free bits and beta."""
    excess_kl: Tensor
    """KL beyond the free bits in nats, before beta; MusicVAE logs it as `losses/kl_loss`."""
    beta: float
    """The weight of the KL at this step."""


@dataclass(frozen=True, init=False)
class Objective:
    """The training loss: factor * -log p(x|z) + beta * max(KL - free bits, 0), mean over the batch.

    Both terms are sums, over event and over latent dimensions, so that factor 1 and beta 1
    are the evidence lower bound.

    Args:
        mode: "vae"; "autoencoder", which decodes the posterior mean and has no KL term; or
            "kl_only", which has no reconstruction term.
        reconstruction_factor: Multiplies the summed reconstruction term, at least 0.
        beta: Weight of the KL: a schedule, its configuration, or a number.
        free_bits: KL per example that costs nothing, in bits, at least 0.

    Raises:
        ValueError: The mode is unknown, or a number is out of range.
    """

    mode: str = "vae"
    reconstruction_factor: float = 1.0
    beta: Schedule = field(default_factory=Constant)
    free_bits: float = 0.0

    def __init__(
        self,
        mode: str = "vae",
        reconstruction_factor: float = 1.0,
        beta: Schedule | Mapping[str, Any] | float = 1.0,
        free_bits: float = 0.0,
    ) -> None:
        values = (mode, reconstruction_factor, make_schedule(beta), free_bits)
        for each, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, each.name, value)
        if self.mode not in MODES:
            raise ValueError(f"unknown mode {self.mode!r}; known are {', '.join(MODES)}")
        for name in ("reconstruction_factor", "free_bits"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and at least 0, got {value!r}")

    @property
    def config(self) -> dict[str, Any]:
        """The objective as a JSON-able dictionary, for `from_config`."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "beta": self.beta.config}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Objective:
        """Return the objective that a configuration describes; absent keys take the defaults.

        Raises:
            ValueError: A key is unknown, or a value is out of range.
        """
        return build(cls, config, "objective")

    def latent(
        self, posterior: DiagonalGaussian, generator: torch.Generator | Noise | None = None
    ) -> Tensor:
        """Return the z to decode in training, `(batch, latent_dim)`.

        A reparameterised sample, or the posterior mean in mode "autoencoder".
        """
        return posterior.mean if self.mode == "autoencoder" else posterior.sample(generator)

    def __call__(self, log_likelihood: Tensor, kl: Tensor, step: int | None = None) -> LossTerms:
        """Return the loss of a batch.

        Args:
            log_likelihood: log p(x|z) summed over event dimensions, `(batch,)` in nats.
            kl: KL of the posterior to the prior, `(batch,)` in nats.
            step: Training step, from 0; None uses the final beta, as for validation.
        """
        beta = self.beta.final if step is None else self.beta(step)
        reconstruction, excess = -log_likelihood.mean(), free_bits(kl, self.free_bits).mean()
        weighted = self.reconstruction_factor * reconstruction
        loss = {
            "vae": weighted + beta * excess,
            "autoencoder": weighted,
            "kl_only": beta * excess,
        }[self.mode]
        return LossTerms(loss, reconstruction.detach(), kl.mean().detach(), excess.detach(), beta)


class ImpliedNoise(NamedTuple):
    """The Gaussian observation model that a reconstruction factor implies."""

    sigma: float
    """Standard deviation of the observation noise, in the units of the data."""
    beta: float
    """The beta with the same optimum, for noise of standard deviation 1."""


def implied_noise(factor: float, dimensions: int) -> ImpliedNoise:
    """Return the noise and the beta that `factor * mean squared error + KL` implies.

    A Gaussian log likelihood has the sum of squares over 2 sigma^2, and the mean is the sum
    over D dimensions, so factor / D = 1 / (2 sigma^2): sigma = sqrt(D / (2 factor)). Dividing
    the loss by 2 factor / D leaves half the sum of squares, noise of standard deviation 1,
    and weight D / (2 factor) = sigma^2 on the KL.

    Args:
        factor: The reconstruction factor, above 0 (10,000 in much face-VAE code).
        dimensions: Event dimensions that the mean runs over (height * width * channels).

    Raises:
        ValueError: A number is out of range.
    """
    if factor <= 0 or dimensions < 1:
        raise ValueError(f"need factor > 0 and dimensions >= 1, got {factor} and {dimensions}")
    beta = dimensions / (2 * factor)
    return ImpliedNoise(math.sqrt(beta), beta)
