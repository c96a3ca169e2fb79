"""The VAE: posterior, decoding and loss over networks whose results are known in advance."""

from __future__ import annotations

import math

import pytest
import torch

from vaecore.model import VAE
from vaecore.objective import Objective

X = torch.tensor([[2.0, -4.0], [0.0, 6.0], [1.0, 1.0]])


def test_encoding_gives_the_posterior(point_model: VAE) -> None:
    posterior = point_model.encode(X)
    assert torch.equal(posterior.mean, X / 2)
    assert torch.equal(posterior.stddev, torch.full_like(X, 0.5))
    assert point_model.device == torch.device("cpu")


def test_decoding_is_greedy_by_default_and_else_repeatable(point_model: VAE) -> None:
    z = X / 2
    assert torch.equal(point_model.decode(z), X)
    drawn = point_model.decode(z, temperature=1.0, seed=3)
    assert not torch.equal(drawn, X)
    assert torch.equal(drawn, point_model.decode(z, temperature=1.0, seed=3))
    assert not torch.equal(drawn, point_model.decode(z, temperature=1.0, seed=4))


@pytest.mark.parametrize("shape", [(2,), (1, 3), (1, 2, 1), (0, 1)])
def test_codes_of_another_shape_are_refused(point_model: VAE, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"z must be \(batch, 2\)"):
        point_model.decode(torch.zeros(shape))


def test_a_negative_temperature_is_refused(point_model: VAE) -> None:
    with pytest.raises(ValueError, match="temperature"):
        point_model.decode(X, temperature=-0.1)


def test_the_loss_is_the_negative_evidence_lower_bound(point_model: VAE) -> None:
    terms = point_model.loss(X, generator=torch.Generator().manual_seed(1))
    z = X / 2 + 0.5 * torch.randn(X.shape, generator=torch.Generator().manual_seed(1))
    squares = (X - 2 * z).square().sum(1)
    reconstruction = (0.5 * squares + math.log(2 * math.pi)).mean()
    kl = (0.5 * ((X / 2).square() + 0.25 - 1) - math.log(0.5)).sum(1).mean()
    torch.testing.assert_close(terms.reconstruction, reconstruction)
    torch.testing.assert_close(terms.kl, kl)
    torch.testing.assert_close(terms.loss, reconstruction + kl)


def test_beta_follows_the_step_and_ends_at_its_final_value(point_model: VAE) -> None:
    schedule = {"kind": "linear", "steps": 100, "max_beta": 0.5}
    point_model.objective = Objective(beta=schedule)
    betas = [point_model.loss(X, step).beta for step in (0, 50, None)]
    assert betas == [0.0, 0.25, 0.5]


def test_an_autoencoder_decodes_the_mean(point_model: VAE) -> None:
    point_model.objective = Objective(mode="autoencoder")
    terms = point_model.loss(X)
    assert terms.loss.item() == pytest.approx(math.log(2 * math.pi))  # no error is left


def test_the_loss_reaches_both_networks(point_model: VAE) -> None:
    point_model.loss(X).loss.backward()
    assert point_model.encoder.scale.grad.abs().min() > 0
    assert point_model.decoder.scale.grad.abs().min() > 0


@pytest.mark.parametrize(("frozen", "trained"), [("encoder", "decoder"), ("decoder", "encoder")])
def test_a_frozen_part_is_not_trained(point_model: VAE, frozen: str, trained: str) -> None:
    point_model.freeze(frozen)
    point_model.train()
    still, changing = point_model.get_submodule(frozen), point_model.get_submodule(trained)
    assert changing.training
    assert not still.training
    point_model.loss(torch.zeros(3, 2)).loss.backward()
    assert all(p.grad is None for p in still.parameters())
    assert any(p.grad is not None for p in changing.parameters())
    assert not point_model.eval().get_submodule(trained).training
