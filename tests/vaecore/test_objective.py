"""The loss, free bits and the importance-weighted bound, with their known values."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal

from vaecore.distributions import DiagonalGaussian
from vaecore.objective import Objective, free_bits, implied_noise, iwae_bound
from vaecore.schedules import Exponential, Linear

LOG_LIKELIHOOD = torch.tensor([-10.0, -30.0])
KL = torch.tensor([40.0, 20.0])


@pytest.mark.parametrize(("bits", "nats"), [(48, 33.271), (256, 177.446), (0, 0.0)])
def test_free_bits_are_bits(bits, nats):
    assert 200 - free_bits(torch.tensor([200.0]), bits).item() == pytest.approx(nats, abs=1e-3)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=8), st.floats(0, 500))
@settings(max_examples=50, deadline=None)
def test_free_bits_are_per_example(kl, bits):
    allowance = bits * math.log(2)
    expected = [max(each - allowance, 0) for each in kl]
    assert free_bits(torch.tensor(kl).double(), bits).tolist() == pytest.approx(expected, abs=1e-3)


def test_loss_is_the_negative_evidence_lower_bound_by_default():
    terms = Objective()(LOG_LIKELIHOOD, KL, step=0)
    assert terms.loss.item() == pytest.approx(20 + 30)
    assert (terms.reconstruction.item(), terms.kl.item(), terms.beta) == (20, 30, 1)


def test_loss_with_everything():
    objective = Objective(reconstruction_factor=2.0, beta=Linear(10, 0.5), free_bits=48)
    terms = objective(LOG_LIKELIHOOD, KL, step=5)
    # Only the first example exceeds the 33.271 free nats.
    assert terms.excess_kl.item() == pytest.approx((40 - 33.271) / 2, abs=1e-3)
    assert terms.loss.item() == pytest.approx(2 * 20 + 0.25 * (40 - 33.271) / 2, abs=1e-3)
    assert terms.kl.item() == 30
    assert objective(LOG_LIKELIHOOD, KL).beta == 0.5


def test_modes():
    posterior = DiagonalGaussian(torch.zeros(2, 3), torch.ones(2, 3))
    generator = torch.Generator().manual_seed(0)
    autoencoder, kl_only = Objective(mode="autoencoder"), Objective(mode="kl_only", beta=0.5)
    assert torch.equal(autoencoder.latent(posterior, generator), posterior.mean)
    assert not torch.equal(kl_only.latent(posterior, generator), posterior.mean)
    assert autoencoder(LOG_LIKELIHOOD, KL, 0).loss.item() == 20
    assert kl_only(LOG_LIKELIHOOD, KL, 0).loss.item() == 15


def test_only_the_loss_carries_gradients():
    log_likelihood = LOG_LIKELIHOOD.clone().requires_grad_()
    kl = KL.clone().requires_grad_()
    terms = Objective(beta=0.5, free_bits=48)(log_likelihood, kl, 0)
    terms.loss.backward()
    assert log_likelihood.grad.tolist() == [-0.5, -0.5]
    assert kl.grad.tolist() == [0.25, 0.0]
    assert not any(t.requires_grad for t in (terms.reconstruction, terms.kl, terms.excess_kl))


def test_config_round_trip():
    objective = Objective("kl_only", 3.0, Exponential(0.99, 0.2), 48.0)
    assert Objective.from_config(json.loads(json.dumps(objective.config))) == objective
    assert Objective.from_config({}) == Objective()
    assert Objective.from_config({"beta": 0.2}) == Objective(beta=0.2)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"gamma": 1.0}, "'gamma'"),
        ({"mode": "gan"}, "'gan'.*vae, autoencoder, kl_only"),
        ({"free_bits": -1.0}, "free_bits"),
        ({"reconstruction_factor": math.inf}, "reconstruction_factor"),
        ({"reconstruction_factor": "10,000"}, "reconstruction_factor"),
        ({"beta": {"kind": "linear", "step": 3}}, "'step'"),
    ],
)
def test_config_is_checked(config, message):
    with pytest.raises(ValueError, match=message):
        Objective.from_config(config)


@pytest.mark.parametrize(("side", "beta"), [(128, 2.4576), (64, 0.6144)])
def test_reconstruction_factor_10_000(side, beta):
    noise = implied_noise(10_000, side * side * 3)
    assert noise.beta == pytest.approx(beta)
    assert noise.sigma == pytest.approx(beta**0.5)


@given(factor=st.floats(0.1, 1e5), dimensions=st.integers(1, 500), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_implied_noise_gives_the_same_loss(factor, dimensions, seed):
    error = torch.randn(dimensions, generator=torch.Generator().manual_seed(seed)).double()
    noise, kl = implied_noise(factor, dimensions), 7.0
    theirs = (factor * error.square().mean() + kl).item()
    gaussian = (error.square().sum() / (2 * noise.sigma**2) + kl).item()
    unit = (error.square().sum() / 2 + noise.beta * kl).item()
    assert gaussian == pytest.approx(theirs)
    assert unit * 2 * factor / dimensions == pytest.approx(theirs)


class LinearGaussian:
    """x = A z + noise: log p(x) is known, and a posterior that is only roughly right."""

    def __init__(self, latent_dim: int = 2, size: int = 3, noise: float = 0.7) -> None:
        generator = torch.Generator().manual_seed(0)
        self.a = torch.randn(size, latent_dim, generator=generator)
        self.noise = noise
        covariance = self.a @ self.a.T + noise**2 * torch.eye(size)
        self.evidence = MultivariateNormal(torch.zeros(size), covariance)
        self.x = torch.randn(20, size, generator=generator)
        precision = torch.eye(latent_dim) + self.a.T @ self.a / noise**2
        mean = torch.linalg.solve(precision, self.a.T @ self.x.T / noise**2).T
        stddev = 1.3 * precision.inverse().diagonal().sqrt().expand_as(mean)
        self.posterior = DiagonalGaussian(mean, stddev)

    def bound(self, samples: int, seed: int = 0) -> torch.Tensor:
        z = self.posterior.sample(torch.Generator().manual_seed(seed), n=samples)
        x = DiagonalGaussian(self.x, torch.full_like(self.x, self.noise))
        log_likelihood = torch.stack([x.log_prob(each @ self.a.T) for each in z])
        prior = DiagonalGaussian(torch.zeros(1, z.shape[-1]), torch.ones(1, z.shape[-1]))
        return iwae_bound(log_likelihood, prior.log_prob(z), self.posterior.log_prob(z))


def test_iwae_bound_reaches_the_evidence_and_only_rises_on_the_way():
    model = LinearGaussian()
    evidence = model.evidence.log_prob(model.x)
    torch.testing.assert_close(model.bound(50_000), evidence, atol=0.05, rtol=0)
    means = [
        torch.stack([model.bound(k, seed) for seed in range(200)]).mean().item() for k in (1, 4, 16)
    ]
    assert means[0] + 0.02 < means[1] < means[2] - 0.005
    assert means[2] < evidence.mean().item()


def test_iwae_bound_with_one_sample_is_the_log_weight():
    terms = [torch.tensor([[value, 2 * value]]) for value in (-5.0, -2.0, -1.0)]
    assert iwae_bound(*terms).tolist() == [-6.0, -12.0]


def test_iwae_bound_is_stable_and_its_gradients_are_the_normalised_weights():
    log_likelihood = torch.tensor([[-5000.0], [-5000.0 + math.log(3)]], requires_grad=True)
    bound = iwae_bound(log_likelihood, torch.zeros(2, 1), torch.zeros(2, 1))
    bound.sum().backward()
    assert bound.item() == pytest.approx(-5000 + math.log(2), abs=1e-2)
    torch.testing.assert_close(
        log_likelihood.grad, torch.tensor([[0.25], [0.75]]), atol=1e-3, rtol=0
    )
