"""Musical attribute vectors, of a model that plays its code without error."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqvae.music.properties import measure
from seqvae.music.representations import make_codec
from seqvae.music.representations.drums.properties import PROPERTIES
from seqvae.sequences.attributes import LENGTHS, describe, effects, fit_attributes
from seqvae.sequences.property import Property
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
            (z.view(-1, STEPS, DRUMS) > 0.5) * (1 << torch.arange(DRUMS))
        ).sum(-1)


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


@pytest.fixture
def linear() -> LatentSpace:
    """A space whose code is a linear map of the window, and three linear properties of windows."""
    mix = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, -0.3], [0.2, 0.0, 1.0]])

    class Linear(VAE):
        def __init__(self) -> None:
            super().__init__(nn.Identity(), nn.Linear(1, 1), latent_dim=3)
            self.encoder.forward = lambda x: (x / 1000 @ mix, torch.ones(x.shape))
            self.decoder.generate = lambda z, *_: (1000 * z @ mix.inverse()).round().long()

    toys = {
        "first": Property("", "", lambda x: x[:, 0] / 10),
        "second": Property("", "", lambda x: x[:, 1] * 7.0),
        "both": Property("", "", lambda x: x[:, 0] / 10 + x[:, 1] * 7.0, total=True),
    }
    return LatentSpace(
        Linear(), SimpleNamespace(properties=lambda: toys, checked=np.asarray, decode=None)
    )


def test_vectors_move_their_own_property_by_one_deviation_and_no_other(linear) -> None:
    generator = torch.Generator().manual_seed(1)
    base = torch.randn(3000, 3, generator=generator)
    base[:, 1] += 2 * base[:, 0]  # the properties are strongly correlated
    windows = (1000 * base).round().long()
    vectors = fit(linear, windows)
    assert list(vectors) == ["first", "second", "both"]
    matrix = effects(linear, vectors, windows)
    np.testing.assert_allclose(matrix.diagonal(), 1, atol=0.03)
    assert abs(matrix[0, 1]) < 0.05
    assert abs(matrix[1, 0]) < 0.05
    np.testing.assert_allclose(
        effects(linear, vectors, windows, strength=-2), -2 * matrix, atol=0.02
    )
    twice = effects(linear, vectors, windows, scale=np.full(3, 2.0))
    scale = np.array([values.std() for values in measure(linear.codec, windows).values()])
    np.testing.assert_allclose(twice * 2, matrix * scale, rtol=1e-6)


def test_lengths_are_set_by_trial(linear) -> None:
    """A decoder that follows by half gets twice the vector; one that hardly does, the longest."""
    windows = (1000 * torch.randn(3000, 3, generator=torch.Generator().manual_seed(1))).long()
    codes = linear.posterior_of(windows).mean
    lengths = {}
    decode = linear.model.decoder.generate
    for follows in (1.0, 0.5, 0.01):
        linear.model.decoder.generate = lambda z, *_, share=follows: decode(share * z)
        lengths[follows] = fit_attributes(linear, windows, codes)["first"].norm().item()
    assert lengths[0.5] == pytest.approx(2 * lengths[1.0], rel=0.02)
    assert lengths[0.01] == pytest.approx(LENGTHS[-1] * lengths[1.0], rel=0.02)


def test_effects_are_the_changes_of_the_decoded_music(space: LatentSpace, windows: Tensor) -> None:
    """Adding 1 to a unit makes a hit where there was none; -1 takes every hit away."""
    vector = torch.zeros(STEPS, DRUMS)
    vector[:, 0] = 1
    vectors = {"all kicks": vector.flatten()}
    kicks = bits(windows)[..., 0].double().mean(1).numpy()
    column = list(PROPERTIES).index("kick_density")
    for strength, after in ((1.0, 1.0), (-1.0, 0.0)):
        row = effects(space, vectors, windows, strength, scale=np.ones(len(PROPERTIES)))[0]
        assert row[column] == pytest.approx((after - kicks).mean())
        assert row[column + 1] == 0  # snares stay
    unscaled = effects(space, vectors, windows, scale=np.ones(len(PROPERTIES)))
    scaled = effects(space, vectors, windows)
    deviation = np.nanstd(np.stack(list(measure(space.codec, windows).values()), 1), axis=0)
    np.testing.assert_allclose(
        scaled[:, column], unscaled[:, column] / deviation[column], rtol=1e-6
    )


def test_no_vector_changes_nothing(space: LatentSpace, windows: Tensor) -> None:
    assert (effects(space, {"none": torch.zeros(STEPS * DRUMS)}, windows) == 0).all()


def test_properties_that_the_data_does_not_vary_have_no_vector(
    space: LatentSpace, windows: Tensor
) -> None:
    """Many collections have no toms; that is no reason to lose a training at its end."""
    windows = windows & ~(0b111 << 4)
    vectors = fit(space, windows)
    assert set(vectors) == set(PROPERTIES) - {"tom_density"}
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
    assert list(vectors) == list(PROPERTIES)
    assert (matrix == 0).all()


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_few_windows_are_no_error(space: LatentSpace, windows: Tensor, n: int) -> None:
    vectors = fit(space, windows[:n])
    assert all(torch.isfinite(v).all() for v in vectors.values())


def test_equal_windows_have_no_vectors(space: LatentSpace, windows: Tensor) -> None:
    assert fit(space, windows[:1].expand(20, -1)) == {}
    assert fit(space, torch.zeros(20, STEPS, dtype=torch.int64)) == {}


def test_properties_that_hardly_differ_from_constant_have_no_vector(
    space: LatentSpace, windows: Tensor
) -> None:
    """Shares of a third are not exact: a backbeat of 1/3 throughout deviates by 1e-17."""
    windows = windows[:1400] & ~2
    windows[:, [0, 4, 8]] |= 2
    assert "backbeat" not in fit(space, windows)
    assert "snare_density" not in fit(space, windows)


def test_codes_that_say_nothing_have_no_vectors(space: LatentSpace, windows: Tensor) -> None:
    assert fit_attributes(space, windows, torch.zeros(len(windows), STEPS * DRUMS)) == {}


def test_silent_windows_do_not_spoil_the_fit(space: LatentSpace, windows: Tensor) -> None:
    silent = torch.cat([windows, torch.zeros(50, STEPS, dtype=torch.int64)])
    vectors, expected = fit(space, silent), fit(space, windows)
    for name, vector in vectors.items():
        cosine = torch.cosine_similarity(vector, expected[name], dim=0)
        assert cosine > 0.97, name


def test_attributes_are_described() -> None:
    for representation in ("drums", "melody"):
        codec = make_codec({"name": representation})
        described = describe(codec)
        assert list(described) == list(codec.properties())
        assert all(entry["description"] and entry["unit"] for entry in described.values())
