"""A Gaussian mixture fitted to the aggregate posterior."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from vaecore.device import pad
from vaecore.priors.base import Prior, Source, drawn
from vaecore.seeds import check_seed


class GaussianMixture(Prior):
    """A mixture of normal distributions, fitted to the aggregate posterior.

    Regions of N(0, I) without posteriors of real items decode badly; codes drawn from a mixture
    stay where the decoder was trained (Ghosh et al., From Variational to Deterministic
    Autoencoders, 2020).

    Args:
        weights: `(components,)`, at least 0; scaled to sum to 1.
        means: `(components, latent_dim)`.
        cholesky: Lower Cholesky factors of the covariances, `(components, latent_dim,
            latent_dim)`; for diagonal covariances standard deviations `(components, latent_dim)`.

    Raises:
        ValueError: The shapes do not fit together, or a value is out of range.
    """

    kind = "mixture"

    def __init__(self, weights: Tensor, means: Tensor, cholesky: Tensor) -> None:
        k, latent_dim = means.shape if means.ndim == 2 else (0, 0)
        shapes = [(k, latent_dim), (k, latent_dim, latent_dim)]
        if k == 0 or weights.shape != (k,) or tuple(cholesky.shape) not in shapes:
            raise ValueError(
                f"shapes of weights {tuple(weights.shape)}, means {tuple(means.shape)} and "
                f"cholesky {tuple(cholesky.shape)} do not fit together"
            )
        if not (weights >= 0).all() or not weights.sum() > 0:
            raise ValueError("weights must be at least 0 and not all 0")
        spread = cholesky if cholesky.ndim == 2 else cholesky.diagonal(dim1=1, dim2=2)
        if not (spread > 0).all():
            raise ValueError("the diagonal of the Cholesky factors must be above 0")
        self.weights, self.means, self.cholesky = weights / weights.sum(), means, cholesky
        self.latent_dim = latent_dim

    @classmethod
    def fit(
        cls, z: Tensor, components: int = 10, covariance: str = "full", seed: int = 0
    ) -> GaussianMixture:
        """Fit a mixture by expectation maximisation (scikit-learn).

        Args:
            z: Posterior samples of real items, `(n, latent_dim)`. (Posterior means would give a
                distribution that is narrower than the aggregate posterior.)
            components: Number of normal distributions, at most n.
            covariance: "full", or "diag" for fewer parameters: a full one needs many more
                codes than latent dimensions.
            seed: Seed of the initialisation, from 0 to 2**63 - 1.

        Raises:
            ValueError: The covariance is unknown, or there are fewer codes than components.
        """
        if covariance not in ("full", "diag"):
            raise ValueError(f"unknown covariance {covariance!r}; known are full, diag")
        from sklearn import mixture
        from sklearn.exceptions import ConvergenceWarning

        estimator = mixture.GaussianMixture(
            components,
            covariance_type=covariance,
            reg_covar=1e-4,
            random_state=check_seed(seed) % 2**32,
        )
        with warnings.catch_warnings():
            # Not converged means that the likelihood still grows a little; the fit is usable.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = estimator.fit(z.detach().double().cpu().numpy())
        spread = torch.from_numpy(fitted.covariances_)
        cholesky = torch.linalg.cholesky(spread) if covariance == "full" else spread.sqrt()
        weights, means = torch.from_numpy(fitted.weights_), torch.from_numpy(fitted.means_)
        return cls(weights.float(), means.float(), cholesky.float())

    def sample(
        self,
        n: int,
        generator: Source = None,
        temperature: float = 1.0,
        condition: Tensor | None = None,
    ) -> Tensor:

        def components(rows: int, generator: torch.Generator | None) -> Tensor:
            return torch.multinomial(self.weights, rows, replacement=True, generator=generator)

        def noises(rows: int, generator: torch.Generator | None) -> Tensor:
            return torch.randn(rows, self.latent_dim, generator=generator)

        component, z = drawn(n, generator, components), drawn(n, generator, noises)
        z = temperature * z
        for index, (mean, factor) in enumerate(zip(self.means, self.cholesky, strict=True)):
            chosen = component == index
            noise = z[chosen]
            if factor.ndim == 1:
                noise = noise * factor
            elif len(noise):
                noise = (pad(noise) @ factor.T)[: len(noise)]
            z[chosen] = mean + noise
        return z

    def draw(self, noise: Tensor, choice: Tensor) -> tuple[Tensor, ...]:
        component = (self.weights.cumsum(0) <= choice[:, None]).sum(-1)
        component = component.clamp(max=len(self.weights) - 1)
        factor = self.cholesky[component]
        if factor.ndim == 2:
            return (self.means[component] + factor * noise,)
        return (self.means[component] + (factor @ noise[:, :, None]).squeeze(-1),)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return the log density in nats, `(batch,)`, of codes `(batch, latent_dim)`."""
        if self.cholesky.ndim == 2:
            parts: Any = Independent(Normal(self.means, self.cholesky), 1)
        else:
            parts = MultivariateNormal(self.means, scale_tril=self.cholesky)
        density: Tensor = MixtureSameFamily(Categorical(self.weights), parts).log_prob(z)
        return density

    def state(self) -> dict[str, Tensor]:
        state = {"weights": self.weights, "means": self.means, "cholesky": self.cholesky}
        return {name: tensor.contiguous() for name, tensor in state.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> GaussianMixture:
        if set(state) != {"weights", "means", "cholesky"}:
            raise ValueError(f"needs the tensors weights, means, cholesky, got {sorted(state)}")
        return cls(**state)
