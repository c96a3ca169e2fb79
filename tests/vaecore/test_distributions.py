"""The diagonal Gaussian against torch.distributions, Monte Carlo and known values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Independent, Normal
from torch.distributions import kl_divergence as torch_kl

from vaecore.distributions import DiagonalGaussian, kl_divergence, reparameterize


def gaussian(batch: int, latent_dim: int, seed: int) -> DiagonalGaussian:
    generator = torch.Generator().manual_seed(seed)
    mean = 2 * torch.randn(batch, latent_dim, generator=generator, dtype=torch.float64)
    stddev = torch.randn(batch, latent_dim, generator=generator, dtype=torch.float64).exp()
    return DiagonalGaussian(mean, stddev)


def in_torch(q: DiagonalGaussian) -> Independent:
    return Independent(Normal(q.mean, q.stddev), 1)


shapes = given(
    batch=st.integers(1, 4), latent_dim=st.integers(1, 40), seed=st.integers(0, 2**32 - 1)
)


@shapes
@settings(max_examples=40, deadline=None)
def test_agrees_with_torch_distributions(batch, latent_dim, seed):
    q, p = gaussian(batch, latent_dim, seed), gaussian(batch, latent_dim, seed + 1)
    z = p.sample(torch.Generator().manual_seed(seed), n=3)
    prior = DiagonalGaussian(torch.zeros_like(q.mean), torch.ones_like(q.mean))
    torch.testing.assert_close(q.log_prob(z), in_torch(q).log_prob(z))
    torch.testing.assert_close(q.log_prob(z[0]), in_torch(q).log_prob(z[0]))
    torch.testing.assert_close(q.entropy(), in_torch(q).entropy())
    torch.testing.assert_close(q.kl(p), torch_kl(in_torch(q), in_torch(p)))
    torch.testing.assert_close(q.kl(), torch_kl(in_torch(q), in_torch(prior)))
    torch.testing.assert_close(q.kl(prior), q.kl())
    torch.testing.assert_close(q.kl_per_dimension().sum(-1), q.kl())
    assert (q.kl_per_dimension() >= 0).all()


def test_kl_is_the_mean_log_ratio_of_samples():
    q, p = gaussian(3, 4, seed=0), gaussian(3, 4, seed=1)
    z = q.sample(torch.Generator().manual_seed(2), n=100_000)
    log_ratio = q.log_prob(z) - p.log_prob(z)
    standard_error = log_ratio.std(0) / 100_000**0.5
    assert ((log_ratio.mean(0) - q.kl(p)).abs() < 5 * standard_error).all()


def test_kl_of_known_values():
    mean, stddev = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 2.0]])
    # 1/2 for a shift by one; (4 - 1) / 2 - ln 2 for twice the deviation.
    assert kl_divergence(mean, stddev).item() == pytest.approx(0.5 + 1.5 - math.log(2))


def test_samples_have_the_moments_and_carry_gradients():
    mean = torch.tensor([[1.0, -2.0]], requires_grad=True)
    stddev = torch.tensor([[0.5, 3.0]], requires_grad=True)
    z = DiagonalGaussian(mean, stddev).sample(torch.Generator().manual_seed(0), n=200_000)
    torch.testing.assert_close(z.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(z.std(0), stddev, atol=0.03, rtol=0)
    z[0].sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones(1, 2))
    torch.testing.assert_close(stddev.grad, ((z[0] - mean) / stddev).detach())


def test_the_generator_alone_decides_the_noise():
    mean, stddev = torch.zeros(2, 3), torch.ones(2, 3)
    draw = [reparameterize(mean, stddev, torch.Generator().manual_seed(s)) for s in (5, 5, 6)]
    assert torch.equal(draw[0], draw[1])
    assert not torch.equal(draw[0], draw[2])


def test_batch_indexing():
    q = gaussian(5, 3, seed=0)
    assert len(q) == 5
    assert torch.equal(q[2].mean, q.mean[2:3])
    assert torch.equal(q[-1].stddev, q.stddev[-1:])
    assert torch.equal(q[1:4].mean, q.mean[1:4])
    assert torch.equal(q[torch.tensor([4, 0])].stddev, q.stddev[[4, 0]])
    assert [len(each) for each in q] == [1] * 5


def test_half_precision_is_widened():
    q = DiagonalGaussian(torch.zeros(1, 2, dtype=torch.bfloat16), torch.ones(1, 2))
    assert q.mean.dtype == q.stddev.dtype == torch.float32
    assert q.to(torch.float64).mean.dtype == torch.float64


@pytest.mark.parametrize(
    ("mean", "stddev", "message"),
    [
        (torch.zeros(2, 3), torch.ones(2, 4), "batch, latent_dim"),
        (torch.zeros(3), torch.ones(3), "batch, latent_dim"),
        (torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), "stddev"),
        (torch.zeros(1, 2), torch.tensor([[1.0, -1.0]]), "stddev"),
        (torch.zeros(1, 2), torch.tensor([[1.0, math.inf]]), "stddev"),
        (torch.zeros(1, 2), torch.tensor([[1.0, math.nan]]), "stddev"),
        (torch.tensor([[0.0, math.nan]]), torch.ones(1, 2), "mean"),
    ],
)
def test_refuses_what_is_no_distribution(mean, stddev, message):
    with pytest.raises(ValueError, match=message):
        DiagonalGaussian(mean, stddev)
