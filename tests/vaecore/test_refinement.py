"""Codes refined by the decoder, where the best code is known.

The points' decoder has p(x|z) = N(2 z, 1), so the best code of x is 2 x / (4 + beta); their encoder
says x / 2.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from vaecore.config import ModelConfig
from vaecore.distributions import DiagonalGaussian
from vaecore.domain import Domain
from vaecore.model import VAE
from vaecore.objective import Objective
from vaecore.refinement import refined
from vaecore.space import LatentSpace

X = torch.tensor([[2.0, -4.0], [10.0, 0.5], [0.0, 0.0]])


@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0])
def test_many_steps_lead_to_the_best_code(space: LatentSpace, beta: float) -> None:
    model = VAE(space.model.encoder, space.model.decoder, 2, Objective(beta=beta))
    posterior = refined(model, X, model.encode(X), 100)
    torch.testing.assert_close(posterior.mean, 2 * X / (4 + beta), atol=1e-4, rtol=1e-4)
    assert torch.equal(posterior.stddev, model.encode(X).stddev)
    assert not posterior.mean.requires_grad


def test_no_code_gets_worse(space: LatentSpace) -> None:
    model = space.model

    def value(z: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model.log_likelihood(X, z) - z.square().sum(1) / 2

    values = [value(refined(model, X, model.encode(X), steps).mean) for steps in range(6)]
    for before, after in pairwise(values):
        assert (after >= before).all()
    assert (values[-1] > values[0] + 0.1)[:2].all()
    mean = model.encode(X).mean
    wild = DiagonalGaussian(mean, torch.full_like(mean, 1e3))  # every step leads far too far
    assert torch.equal(refined(model, X, wild, 5).mean, mean)


def test_each_code_is_refined_by_itself(space: LatentSpace) -> None:
    model = space.model
    whole = refined(model, X, model.encode(X), 3).mean
    for row in range(len(X)):
        part = X[row : row + 1]
        assert torch.equal(refined(model, part, model.encode(part), 3).mean, whole[row : row + 1])


def test_a_model_folder_says_how_far_codes_are_refined(
    points: Domain, space: LatentSpace, tmp_path: Path
) -> None:
    assert space.config is not None
    points.save(tmp_path, space.model, replace(space.config, refinement=4))
    loaded = points.load(tmp_path)
    with torch.no_grad():
        expected = refined(loaded.model, X, loaded.model.encode(X), 4).mean
        assert torch.equal(loaded.model.infer(X).mean, expected)
    assert torch.equal(loaded.posterior_of(X).mean, expected)
    assert torch.equal(loaded.encode(list(X)), expected)
    plain = space.posterior_of(X).mean
    assert torch.equal(loaded.posterior_of(X, refine=False).mean, plain)
    assert (expected - plain).abs().max() > 0.1


@pytest.mark.parametrize("wrong", [-1, 101])
def test_codes_are_not_refined_by_so_many_steps(point_config: ModelConfig, wrong: int) -> None:
    with pytest.raises(ValueError, match="refinement must be 0 to 100 steps, got"):
        replace(point_config, refinement=wrong)
