"""Bounds on log p(x) over a data set: the evidence lower bound, and tighter ones."""

from __future__ import annotations

import torch
from torch import Tensor

from vaecore.device import as_double
from vaecore.distributions import DiagonalGaussian
from vaecore.model import VAE
from vaecore.objective import iwae_bound
from vaecore.seeds import seeded


def total(values: Tensor) -> float:
    """Return the sum of a tensor in double precision."""
    return as_double(values.detach()).sum().item()


class EvidenceBound:
    """The evidence lower bound of a model, summed over batches.

    Args:
        seed: Seed of the posterior draws, one for each example.

    Attributes:
        examples: Number of examples so far.
    """

    def __init__(self, seed: int = 0) -> None:
        self.examples = 0
        self._generator = seeded(seed)
        self._nll = self._kl = 0.0

    def add(self, model: VAE, x: Tensor) -> DiagonalGaussian:
        """Add a batch, and return its posteriors.

        Args:
            model: In evaluation mode, on the device of `x`.
            x: Examples `(batch, ...)`.
        """
        posterior = model.infer(x)
        self._kl += total(posterior.kl())
        self._nll -= total(model.log_likelihood(x, posterior.sample(self._generator)))
        self.examples += len(x)
        return posterior

    def figures(self) -> dict[str, float]:
        """Return means over all examples, in nats; needs at least one example.

        Returns:
            `nll`: -log p(x|z), z one draw from the posterior.
            `kl_nats`: KL(q(z|x) || N(0, I)).
            `elbo`: -(nll + kl_nats).
        """
        n = self.examples
        return {
            "nll": self._nll / n,
            "kl_nats": self._kl / n,
            "elbo": -(self._nll + self._kl) / n,
        }


@torch.no_grad()
def importance_bound(
    model: VAE, x: Tensor, samples: int, generator: torch.Generator | None = None
) -> Tensor:
    """Return the importance-weighted bound on log p(x) of each example, `(batch,)` in nats.

    One sample gives a draw of the evidence lower bound; see `vaecore.iwae_bound`.

    Args:
        model: In evaluation mode, on the device of `x`; its prior is N(0, I).
        x: Examples `(batch, ...)`.
        samples: Draws from the posterior of each, at least 1.
        generator: Source of the draws.
    """
    posterior = model.encode(x)
    prior = DiagonalGaussian(torch.zeros_like(posterior.mean), torch.ones_like(posterior.mean))
    likelihoods, priors, posteriors = [], [], []
    for _ in range(samples):
        z = posterior.sample(generator)
        likelihoods.append(model.log_likelihood(x, z))
        priors.append(prior.log_prob(z))
        posteriors.append(posterior.log_prob(z))
    return iwae_bound(torch.stack(likelihoods), torch.stack(priors), torch.stack(posteriors))
