"""Bounds on log p(x), of a linear Gaussian model whose log p(x) is known."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from vaecore.bounds import EvidenceBound, importance_bound, total
from vaecore.model import VAE
from vaecore.priors import StandardNormal

NOISE = 0.5


class Posterior(nn.Module):
    """The exact posterior of x = z + noise, but for a factor on its deviation."""

    def __init__(self, wide: float = 1.0) -> None:
        super().__init__()
        self.wide = wide

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        variance = NOISE**2 / (1 + NOISE**2)
        return x / (1 + NOISE**2), torch.full_like(x, self.wide * variance**0.5)


class Likelihood(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1))

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.distributions.Normal(z + self.shift, NOISE).log_prob(x).sum(-1)

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        return z


def exact(x: Tensor) -> Tensor:
    return torch.distributions.Normal(0, math.hypot(1, NOISE)).log_prob(x).sum(-1)


def model(wide: float = 1.0) -> VAE:
    return VAE(Posterior(wide), Likelihood(), 2).eval()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 8))
def test_with_the_true_posterior_every_draw_is_log_p_of_x(seed: int, samples: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, 2, generator=generator)
    found = importance_bound(model(), x, samples, generator)
    torch.testing.assert_close(found, exact(x), atol=1e-4, rtol=1e-4)


def test_more_samples_come_nearer_from_below() -> None:
    x = torch.randn(4000, 2, generator=torch.Generator().manual_seed(1))
    bounds = [
        importance_bound(model(1.8), x, samples, torch.Generator().manual_seed(2)).mean().item()
        for samples in (1, 4, 32)
    ]
    assert bounds == sorted(bounds)
    assert exact(x).mean().item() - 0.05 < bounds[-1] < exact(x).mean().item() + 0.05
    evidence = EvidenceBound(2)
    evidence.add(model(1.8), x)
    assert evidence.figures()["elbo"] == pytest.approx(bounds[0], abs=0.1)


def test_the_evidence_bound_is_a_mean_over_examples_however_they_come() -> None:
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(3))
    whole, parts = EvidenceBound(5), EvidenceBound(5)
    posterior = whole.add(model(), x)
    assert torch.equal(posterior.mean, model().encode(x).mean)
    for part in x.split(7):
        parts.add(model(), part)
    assert parts.examples == whole.examples == 30
    one, other = whole.figures(), parts.figures()
    assert one["kl_nats"] == pytest.approx(other["kl_nats"], rel=1e-6)
    assert one["elbo"] == pytest.approx(-(one["nll"] + one["kl_nats"]), rel=1e-12)


def test_sums_are_in_double_precision() -> None:
    values = torch.tensor([1e8, 1.0, -1e8])
    assert total(values) == 1.0


def test_the_standard_normal_takes_samples_of_a_batch() -> None:
    z = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(1))
    found = StandardNormal(2).log_prob(z)
    assert found.shape == (3, 4)
    torch.testing.assert_close(found, torch.distributions.Normal(0, 1).log_prob(z).sum(-1))
