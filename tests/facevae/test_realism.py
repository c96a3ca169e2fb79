"""What chooses among draws of a prior: how it is trained, and what it changes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from facevae import realism
from facevae.codec import FaceCodec
from facevae.networks.architecture import FaceArchitecture
from facevae.networks.model import CANDIDATES, FaceVAE
from facevae.networks.realism import NETWORK
from facevae.realism import fit_realism
from vaecore.priors import Flow
from vaecore.priors.base import streams
from vaecore.space import LatentSpace

SMALL = {
    "kind": "spatial", "size": 16, "latent_dim": 8, "width": 8, "sigma": 0.2, "perceptual": 4,
    "realism": 4,
}  # fmt: skip


def small(**changed: object) -> FaceVAE:
    torch.manual_seed(3)
    return FaceVAE(FaceArchitecture(**{**SMALL, **changed})).eval()


def space_of(model: FaceVAE) -> LatentSpace[Any]:
    torch.manual_seed(5)
    prior = Flow(8, width=8, blocks=1).eval()
    return LatentSpace(model, FaceCodec(model.architecture.size), prior=prior)


def preferring_the_first(model: FaceVAE, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model prefer codes by their first dimension."""
    monkeypatch.setattr(model, "preference", lambda z: z[:, 0])


def test_a_sample_is_the_best_of_its_draws(monkeypatch) -> None:
    model = small()
    preferring_the_first(model, monkeypatch)
    space = space_of(model)
    assert model.candidates == CANDIDATES > 1
    best = space.sample_codes(3, seed=4)
    for k, source in enumerate(streams(4, 3)):
        draws = space.prior.sample(CANDIDATES, [source] * CANDIDATES)
        torch.testing.assert_close(best[k], draws[draws[:, 0].argmax()])
    torch.testing.assert_close(space.sample_codes(2, seed=4), best[:2])
    torch.testing.assert_close(space.draw(3, seed=4).x, space.decode_to_examples(best))


def test_only_draws_of_the_fitted_prior_are_chosen(monkeypatch) -> None:
    model = small()
    preferring_the_first(model, monkeypatch)
    space = space_of(model)
    first = space.prior.sample(2, streams(4, 2))
    kept = space.draw(2, seed=4, keep_all=True).x
    torch.testing.assert_close(kept, space.decode_to_examples(first))
    normal = torch.cat([torch.randn(1, 8, generator=each) for each in streams(4, 2)])
    torch.testing.assert_close(space.sample_codes(2, seed=4, prior="normal"), normal)


def test_other_models_have_no_preference() -> None:
    model = small(realism=0)
    assert model.realism is None
    assert model.candidates == 1
    assert not model.preference(torch.randn(2, 8)).any()


def test_an_enlarged_model_has_the_preference_of_the_smaller_one() -> None:
    model, larger = small(), small(size=32, enlarged=2)
    larger.load_state_dict(model.state_dict(), strict=False)
    z = torch.randn(3, 8)
    assert model.realism is not None
    with torch.no_grad():
        for part in model.realism.parameters():
            part.add_(0.1 * torch.randn_like(part))
        larger.load_state_dict(model.state_dict(), strict=False)
    found = model.preference(z)
    assert found.std() > 0
    torch.testing.assert_close(larger.preference(z), found)


def test_training_tells_photographs_and_faces_from_draws(monkeypatch) -> None:
    """Photographs are striped, decoded faces have a bright half, and draws have neither."""
    model = small()
    assert model.realism is not None
    assert model.perceptual is not None
    generator = torch.Generator().manual_seed(1)
    stripes = torch.arange(16) % 4 < 2

    def noisy(pictures: Tensor) -> Tensor:
        return pictures + 0.1 * torch.rand(pictures.shape, generator=generator)

    photographs = (255 * noisy(0.6 * stripes.expand(60, 3, 16, 16).float())).byte()

    def decoded(z: Tensor) -> Tensor:
        plain = torch.full((len(z), 3, 16, 16), 0.3)
        half = torch.arange(16) < 8
        return noisy(torch.where((z[:, 0] > 5)[:, None, None, None] & half, 0.8, plain))

    drawn = SimpleNamespace(sample=lambda n, generator: torch.zeros(n, 8))
    space = SimpleNamespace(model=model, decode_to_examples=decoded)
    monkeypatch.setattr(realism, "BATCH", 8)
    fit_realism(space, drawn, torch.full((40, 8), 9.0), photographs, steps=60)
    assert not any(part.requires_grad for part in model.realism.parameters())
    with torch.no_grad():
        draws, faces = decoded(torch.zeros(30, 8)), decoded(torch.full((30, 8), 9.0))
        own = [model.realism.coherence(x) for x in (draws, faces)]
        linear = [
            model.realism(x, model.perceptual) - NETWORK * model.realism.coherence(x)
            for x in (draws, photographs.float() / 255)
        ]
    for worse, better in (own, linear):
        assert worse.max() < better.min()


@pytest.mark.parametrize("changed", [{"realism": -1}, {"realism": 8, "perceptual": 0}])
def test_realism_needs_a_trunk(changed) -> None:
    with pytest.raises(ValueError, match="realism must be a number"):
        small(**changed)
