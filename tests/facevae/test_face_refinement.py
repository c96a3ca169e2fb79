"""Codes of pictures refined by their likelihood and by the features of a classifier."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facevae.distance import PerceptualDistance
from facevae.networks.architecture import FaceArchitecture
from facevae.networks.enlarging import halved
from facevae.networks.model import PERCEPTUAL, RATE, FaceVAE
from facevae.networks.trunk import Trunk, feature_distance
from vaecore.refinement import refined

SMALL = {
    "kind": "spatial", "size": 16, "latent_dim": 8, "width": 8, "sigma": 0.2, "perceptual": 4,
}  # fmt: skip


def small(**changed: object) -> FaceVAE:
    torch.manual_seed(3)
    return FaceVAE(FaceArchitecture(**{**SMALL, **changed})).eval()


def pictures(size: int) -> Tensor:
    torch.manual_seed(4)
    return torch.rand(2, 3, size, size)


def test_features_are_compared_by_their_direction() -> None:
    trunk, x = Trunk(4, 1).eval(), pictures(16)
    with torch.no_grad():
        stages = trunk.stages(x)
        assert [tuple(each.shape[1:]) for each in stages] == [
            (4, 8, 8), (8, 4, 4), (16, 2, 2), (16, 1, 1),
        ]  # fmt: skip
        assert all((each.norm(dim=1) < 1.0001).all() for each in stages)
        last = torch.nn.functional.normalize(trunk(x), dim=1, eps=1e-3)
    torch.testing.assert_close(stages[-1], last)
    opposite = feature_distance([last] * 2, [-last] * 2)
    torch.testing.assert_close(opposite, 8 * last.square().sum(1).mean((1, 2)))


def test_closeness_is_the_likelihood_less_the_perceptual_distance() -> None:
    model, x, z = small(), pictures(16), torch.randn(2, 8)
    assert model.perceptual is not None
    with torch.no_grad():
        decoded = model.decoder(z)
        distance = feature_distance(model.perceptual.stages(decoded), model.perceptual.stages(x))
        found = model.closeness(x)(z)
        torch.testing.assert_close(found, model.log_likelihood(x, z) - PERCEPTUAL * distance)
        assert (found < model.log_likelihood(x, z) - 1).all()
        same = model.closeness(decoded)(z)
        torch.testing.assert_close(same, model.log_likelihood(decoded, z))


@pytest.mark.parametrize("changed", [{"perceptual": 0}, {"kind": "residual", "perceptual": 0}])
def test_closeness_of_other_models_is_the_likelihood(changed: dict[str, object]) -> None:
    model, x, z = small(**changed), pictures(16), torch.randn(2, 8)
    assert model.refinement_rate > RATE
    with torch.no_grad():
        assert torch.equal(model.closeness(x)(z), model.log_likelihood(x, z))


def test_an_enlarged_model_has_the_codes_of_the_smaller_one() -> None:
    model, larger, x = small(), small(size=32, enlarged=2), pictures(32)
    larger.load_state_dict(model.state_dict(), strict=False)
    codes = refined(model, halved(x), model.encode(halved(x)), 3).mean
    assert not torch.allclose(codes, model.encode(halved(x)).mean, atol=1e-3)
    found = refined(larger, x, larger.encode(x), 3).mean
    torch.testing.assert_close(found, codes, rtol=1e-3, atol=1e-4)


def test_training_leaves_the_features_as_they_are() -> None:
    model = small().train()
    assert model.perceptual is not None
    before = {name: value.clone() for name, value in model.perceptual.state_dict().items()}
    model.perceptual.stages(pictures(16))
    model.loss(pictures(16)).loss.backward()
    assert not any(p.requires_grad or p.grad is not None for p in model.perceptual.parameters())
    for name, value in model.perceptual.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    "changed", [{"perceptual": -1}, {"perceptual": 1000}, {"kind": "residual"}]
)
def test_such_features_are_not_compared(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="perceptual must be a number in 0"):
        FaceArchitecture(**{**SMALL, **changed})


def test_the_distance_of_a_training_is_that_of_the_model() -> None:
    from facevae.classifier import FaceClassifier

    model, classifier = small(), FaceClassifier(["smile"], 4, 1)
    assert model.perceptual is not None
    model.perceptual.load_state_dict(classifier.trunk.state_dict())
    x, y = pictures(16), pictures(16).flip(3)
    with torch.no_grad():
        ours = feature_distance(model.perceptual.stages(x), model.perceptual.stages(y))
        torch.testing.assert_close(ours, PerceptualDistance(classifier)(x, y))
