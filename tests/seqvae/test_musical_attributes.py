"""Musical attribute vectors, of a model that plays its code without error."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqvae.attributes import describe, effects, fit_attributes
from seqvae.codecs import make_codec
from seqvae.properties import PROPERTIES, measure
from vaecore.model import VAE
from vaecore.space import LatentSpace

STEPS, DRUMS = 32, 9


class OneUnitPerHit(VAE):
    """A drum model with one latent dimension per step and drum, 1 where it is hit and else 0."""

    def __init__(self) -> None:
        super().__init__(nn.Identity(), nn.Linear(1, 1), latent_dim=STEPS * DRUMS)
        self.encoder.forward = lambda x: (
            bits(x).float().flatten(1),
            torch.full((len(x), STEPS * DRUMS), 0.1),
        )
        self.decoder.generate = lambda z, *_: (
            ((z.view(-1, STEPS, DRUMS) > 0.5) * (1 << torch.arange(DRUMS))).sum(-1)
        )


def bits(x: Tensor) -> Tensor:
    return (x.unsqueeze(-1) >> torch.arange(DRUMS)) & 1


@pytest.fixture
def space() -> LatentSpace:
    return LatentSpace(OneUnitPerHit(), make_codec({"name": "drums", "bars": 2}))


@pytest.fixture
def windows() -> Tensor:
    """Windows in which every drum has a density of its own, by window."""
    generator = torch.Generator().manual_seed(1)
    density = 0.6 * torch.rand(1500, 1, DRUMS, generator=generator)
    hits = torch.rand(1500, STEPS, DRUMS, generator=generator) < density
    return (hits * (1 << torch.arange(DRUMS))).sum(-1)


def fit(space: LatentSpace, windows: Tensor) -> dict[str, Tensor]:
    return fit_attributes(space, windows, space.posterior_of(windows).mean)


def test_the_rigged_model_is_exact(space: LatentSpace, windows: Tensor) -> None:
    assert torch.equal(space.decode_to_examples(space.posterior_of(windows).mean), windows)


def test_every_vector_raises_its_own_property(space: LatentSpace, windows: Tensor) -> None:
    vectors = fit(space, windows)
    assert list(vectors) == list(PROPERTIES["drums"])
    matrix = effects(space, vectors, windows)
    assert matrix.shape == (9, 9)
    own = matrix.diagonal()
    assert (own > 0.4).all()
    for name in ("kick_density", "snare_density", "hat_density", "tom_density", "cymbal_density"):
        row = list(vectors).index(name)
        others = [k for k, other in enumerate(vectors) if other not in (name, "note_density")]
        assert matrix[row, row] > 2 * np.abs(matrix[row, others]).max()


def test_a_vector_at_strength_one_is_one_deviation(space: LatentSpace, windows: Tensor) -> None:
    vectors = fit(space, windows)
    own = effects(space, vectors, windows).diagonal()
    direct = ["kick_density", "tom_density", "hat_density"]
    index = [list(vectors).index(name) for name in direct]
    np.testing.assert_allclose(own[index], 1, atol=0.35)


def test_effects_are_the_changes_of_the_decoded_music(space: LatentSpace, windows: Tensor) -> None:
    """Adding 1 to a unit makes a hit where there was none; -1 takes every hit away."""
    vector = torch.zeros(STEPS, DRUMS)
    vector[:, 0] = 1
    vectors = {"all kicks": vector.flatten()}
    kicks = bits(windows)[..., 0].double().mean(1).numpy()
    column = list(PROPERTIES["drums"]).index("kick_density")
    for strength, after in ((1.0, 1.0), (-1.0, 0.0)):
        row = effects(space, vectors, windows, strength, scale=np.ones(9))[0]
        assert row[column] == pytest.approx((after - kicks).mean())
        assert row[column + 1] == 0  # snares stay
    unscaled = effects(space, vectors, windows, scale=np.ones(9))
    scaled = effects(space, vectors, windows)
    deviation = np.nanstd(np.stack(list(measure("drums", windows).values()), 1), axis=0)
    np.testing.assert_allclose(scaled[:, column], unscaled[:, column] / deviation[column], rtol=1e-6)


def test_no_vector_changes_nothing(space: LatentSpace, windows: Tensor) -> None:
    assert (effects(space, {"none": torch.zeros(STEPS * DRUMS)}, windows) == 0).all()


def test_properties_that_the_data_does_not_vary_have_no_vector(
    space: LatentSpace, windows: Tensor
) -> None:
    """Many collections have no toms; that is no reason to lose a training at its end."""
    windows = windows & ~(0b111 << 4)
    vectors = fit(space, windows)
    assert set(vectors) == set(PROPERTIES["drums"]) - {"tom_density"}
    assert all(torch.isfinite(v).all() for v in vectors.values())
    assert vectors["kick_density"].abs().max() > 0


def test_a_model_that_plays_nothing_gets_finite_vectors(
    space: LatentSpace, windows: Tensor
) -> None:
    """Early in training decoded windows are silent, and most properties of silence undefined."""
    codes = space.posterior_of(windows).mean
    space.model.decoder.generate = lambda z, *_: torch.zeros(len(z), STEPS, dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors = fit_attributes(space, windows, codes)
        matrix = effects(space, vectors, windows)
    assert all(torch.isfinite(v).all() for v in vectors.values())
    assert not np.nan_to_num(matrix).any()


def test_too_few_windows_give_no_vectors(space: LatentSpace, windows: Tensor) -> None:
    for n in (1, 3, 8):
        vectors = fit(space, windows[:n])
        assert all(torch.isfinite(v).all() for v in vectors.values())


def test_silent_windows_do_not_spoil_the_fit(space: LatentSpace, windows: Tensor) -> None:
    silent = torch.cat([windows, torch.zeros(50, STEPS, dtype=torch.int64)])
    vectors, expected = fit(space, silent), fit(space, windows)
    for name, vector in vectors.items():
        cosine = torch.cosine_similarity(vector, expected[name], dim=0)
        assert cosine > 0.97, name


def test_attributes_are_described() -> None:
    for representation in ("drums", "melody"):
        described = describe(representation)
        assert list(described) == list(PROPERTIES[representation])
        assert all(entry["description"] and entry["unit"] for entry in described.values())
