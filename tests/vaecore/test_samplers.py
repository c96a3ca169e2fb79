"""Priors to sample from: the standard normal and the mixture on the aggregate posterior."""

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from vaecore.priors import GaussianMixture, StandardNormal


@pytest.fixture(scope="module")
def codes():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(3000, 3, generator=generator)
    left, right = z[:1000], z[1000:]
    return torch.cat(
        [left * 0.3 - 3, right @ torch.tensor([[1.0, 0.8, 0], [0, 0.6, 0], [0, 0, 1]])]
    )


@pytest.fixture(scope="module", params=["full", "diag"])
def mixture(request, codes):
    return GaussianMixture.fit(codes, components=2, covariance=request.param, seed=0)


def test_standard_normal():
    prior = StandardNormal(4)
    z = prior.sample(20_000, torch.Generator().manual_seed(0))
    assert z.shape == (20_000, 4)
    torch.testing.assert_close(torch.cov(z.T), torch.eye(4), atol=0.05, rtol=0)
    expected = torch.distributions.Normal(0, 1).log_prob(z).sum(-1)
    torch.testing.assert_close(prior.log_prob(z), expected)


def test_fit_finds_the_components(mixture):
    weights, order = mixture.weights.sort()
    torch.testing.assert_close(weights, torch.tensor([1 / 3, 2 / 3]), atol=0.01, rtol=0)
    expected = torch.tensor([[-3.0] * 3, [0.0] * 3])
    torch.testing.assert_close(mixture.means[order], expected, atol=0.1, rtol=0)


def test_samples_are_distributed_as_the_codes(mixture, codes):
    z = mixture.sample(30_000, torch.Generator().manual_seed(1))
    torch.testing.assert_close(z.mean(0), codes.mean(0), atol=0.05, rtol=0)
    wanted, found = torch.cov(codes.T), torch.cov(z.T)
    if mixture.cholesky.ndim == 2:  # within a component, dimensions are independent
        wanted, found = wanted.diagonal(), found.diagonal()
    torch.testing.assert_close(found, wanted, atol=0.1, rtol=0)


def test_log_prob_agrees_with_torch(mixture, codes):
    full = mixture.cholesky if mixture.cholesky.ndim == 3 else torch.diag_embed(mixture.cholesky)
    expected = MixtureSameFamily(
        Categorical(mixture.weights), MultivariateNormal(mixture.means, scale_tril=full)
    )
    torch.testing.assert_close(mixture.log_prob(codes), expected.log_prob(codes))


def test_same_seed_same_codes(mixture):
    first, again, other = (
        mixture.sample(50, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_state_round_trip_through_safetensors_in_half_precision(mixture, tmp_path):
    from safetensors.torch import load_file, save_file

    save_file(
        {name: t.half() for name, t in mixture.state().items()}, tmp_path / "prior.safetensors"
    )
    state = {name: t.float() for name, t in load_file(tmp_path / "prior.safetensors").items()}
    again = GaussianMixture.from_state(state)
    assert again.weights.sum().item() == pytest.approx(1.0, abs=1e-6)
    z = [each.sample(10, torch.Generator().manual_seed(0)) for each in (mixture, again)]
    torch.testing.assert_close(*z, atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": torch.tensor([0.5, 0.3, 0.2])}, "shapes"),
        ({"cholesky": torch.ones(2, 4)}, "shapes"),
        ({"means": torch.zeros(3)}, "shapes"),
        ({"weights": torch.tensor([1.5, -0.5])}, "weights"),
        ({"cholesky": torch.zeros(2, 3, 3)}, "diagonal"),
        ({"extra": torch.zeros(1)}, "extra"),
    ],
)
def test_broken_state_is_refused(change, message):
    state = {
        "weights": torch.tensor([0.5, 0.5]),
        "means": torch.zeros(2, 3),
        "cholesky": torch.eye(3).repeat(2, 1, 1),
    }
    assert GaussianMixture.from_state(state).sample(4).shape == (4, 3)
    with pytest.raises(ValueError, match=message):
        GaussianMixture.from_state({**state, **change})


def test_unknown_covariance_is_refused(codes):
    with pytest.raises(ValueError, match="full, diag"):
        GaussianMixture.fit(codes, covariance="tied")
