"""Directions of faces, of a model whose latent dimensions are the attributes themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from drawn import NAMES, draw
from torch import Tensor, nn

from facevae import directions as directions_module
from facevae.codec import FaceCodec
from facevae.directions import DirectionSettings, fit_directions
from facevae.effects import attribute_probabilities
from facevae.presets import Preset, load_preset
from vaecore.model import VAE
from vaecore.space import LatentSpace

SETTINGS = DirectionSettings(
    steps=80, width=16, blocks=1, learning_rate=2e-2, features=0.2, pixels=0.2, critic=0.1
)
SHORT = 0.3
"""Share of the step that shows an attribute with which the training begins."""


class Drawing(nn.Module):
    """Draws faces with so much of each attribute as the code says."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))  # a model's device is that of its weights

    def forward(self, z: Tensor) -> Tensor:
        return draw(z.clamp(0, 1.5), None, size=32)

    def generate(self, z: Tensor, *_: object) -> Tensor:
        return self(z)


@pytest.fixture(scope="module")
def space() -> LatentSpace:
    return LatentSpace(VAE(nn.Linear(1, 1), Drawing(), latent_dim=3), FaceCodec(32))


def test_training_finds_steps_that_show_and_hide(space, having, fitter, monkeypatch) -> None:
    monkeypatch.setattr(directions_module, "FACES", 6)
    codes = having.float() + 0.05 * torch.randn(having.shape)
    vectors = {name: SHORT * torch.eye(3)[k] for k, name in enumerate(NAMES)}
    reports: list[int] = []

    def fitted(settings: DirectionSettings) -> Tensor:
        """Return, for each attribute, how far it came when added and when taken away."""
        directions = fit_directions(
            space, codes, having, NAMES, vectors, {}, [fitter], settings,
            lambda step, _: reports.append(step),
        )  # fmt: skip
        found = []
        for k, name in enumerate(NAMES):
            for amount, of in ((1.0, ~having[:, k]), (-1.0, having[:, k])):
                edited = codes[of] + directions.change(codes[of], {name: amount})
                shown = attribute_probabilities(space, edited, fitter)[:, k]
                found.append((shown if amount > 0 else 1 - shown).mean())
        return torch.stack(found)

    before, after = fitted(replace(SETTINGS, steps=1)), fitted(SETTINGS)
    assert before.mean() < 0.6
    assert bool((after > 0.8).all()), after
    assert reports == [50]


def test_training_goes_on_from_stored_directions(space, having, fitter, tmp_path) -> None:
    from vaecore.errors import DataError
    from vaecore.folder import write_tensors

    codes, vectors = having.float(), {name: SHORT * torch.eye(3)[k] for k, name in enumerate(NAMES)}
    given = (space, codes, having, NAMES, vectors, {}, [fitter])
    first = fit_directions(*given, replace(SETTINGS, steps=20))
    place = tmp_path / "directions.safetensors"
    write_tensors(place, first.state(), 32)
    still = replace(SETTINGS, steps=1, learning_rate=0.0)
    again = fit_directions(*given, replace(still, start=str(place)))
    torch.testing.assert_close(again(codes), first(codes), rtol=1e-4, atol=1e-5)
    anew = fit_directions(*given, still)
    assert float((anew(codes) - first(codes)).abs().max()) > 1e-2
    wider = replace(still, start=str(place), width=2 * still.width)
    with pytest.raises(DataError, match="where the recipe has Sizes"):
        fit_directions(*given, wider)


def test_a_recipe_names_its_directions() -> None:
    plain, spatial = load_preset("faces_64_residual"), load_preset("faces_64")
    assert plain.make_directions() is None
    assert spatial.make_directions() == DirectionSettings(**spatial.directions)
    with pytest.raises(ValueError, match="directions: unknown key 'step'"):
        replace(plain, directions={"step": 5}).make_all()
    assert isinstance(plain, Preset)
