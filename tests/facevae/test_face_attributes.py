"""Attribute vectors, of a model whose latent dimensions are the attributes themselves."""

from __future__ import annotations

import pytest
import torch
from drawn import NAMES, draw
from torch import Tensor, nn

from facevae import attributes
from facevae.attributes import (
    FIRST_LENGTH,
    LENGTHS,
    classified_step,
    describe,
    fit_attributes,
    positions_of,
    steps_back,
)
from facevae.codec import FaceCodec
from facevae.effects import Effects, attribute_probabilities, effects, eligible
from facevae.networks.architecture import FaceArchitecture
from facevae.networks.model import FaceVAE
from vaecore.attributes import local, step_length
from vaecore.calibration import ENOUGH
from vaecore.model import VAE
from vaecore.space import LatentSpace

MIX = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, -0.3], [0.2, 0.0, 1.0]])


class Draws(VAE):
    """A model whose code, mixed, says how much of each attribute is drawn."""

    def __init__(self) -> None:
        super().__init__(nn.Identity(), nn.Linear(1, 1), latent_dim=3)
        self.decoder.generate = lambda z, *_: draw((z @ MIX.inverse()).clamp(0, 1.5), None, size=32)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer faces do for three attributes."""
    monkeypatch.setattr(attributes, "CALIBRATED_ON", 48)


@pytest.fixture(scope="module")
def space() -> LatentSpace:
    return LatentSpace(Draws(), FaceCodec(32))


@pytest.fixture(scope="module")
def codes(having: Tensor) -> Tensor:
    noise = 0.1 * torch.randn(having.shape, generator=torch.Generator().manual_seed(1))
    return (having.float() * 0.9 + 0.05 + noise) @ MIX


def test_regression_leaves_companions_alone_and_means_do_not(space, codes, having) -> None:
    drawn = {
        method: fit_attributes(space, codes, having, NAMES, method=method)["Eyeglasses"]
        @ MIX.inverse()
        for method in ("regression", "eased", "means")
    }
    assert drawn["regression"][1].abs() < 0.1 * drawn["regression"][0]
    assert drawn["means"][1] > 0.4 * drawn["means"][0]
    torch.testing.assert_close(drawn["eased"], 0.6 * drawn["means"] + 0.4 * drawn["regression"])
    with pytest.raises(ValueError, match="known are eased, regression, means"):
        fit_attributes(space, codes, having, NAMES, method="magic")


def test_a_vector_of_a_spatial_code_is_0_where_it_does_little() -> None:
    vector = torch.tensor([1.0, 1.0, 0.1, -0.1, 0.0, 0.0, 0.5, -1.0])
    assert local(vector, 4).tolist() == [1, 1, 0, 0, 0, 0, 0.5, -1]
    assert torch.equal(local(vector, 1), vector)


def test_the_positions_of_a_code_are_those_of_the_architecture(space) -> None:
    assert positions_of(space) == 1
    for kind, positions in [("spatial", 4), ("residual", 1)]:
        architecture = FaceArchitecture(kind, 32, latent_dim=8, width=4, sigma=0.2)
        assert positions_of(LatentSpace(FaceVAE(architecture), FaceCodec(32))) == positions


def test_without_a_classifier_the_codes_say_how_long_a_step_is(space, codes, having) -> None:
    vectors = fit_attributes(space, codes, having, NAMES)
    assert list(vectors) == list(NAMES)
    for column, vector in enumerate(vectors.values()):
        drawn = (codes + vector)[~having[:, column]] @ MIX.inverse()
        assert (drawn[:, column] > 0.5).double().mean() == pytest.approx(ENOUGH, abs=0.1)


def test_with_a_classifier_a_step_shows_the_attribute_in_most_faces(
    space, codes, having, fitter
) -> None:
    vectors = fit_attributes(space, codes, having, NAMES, fitter)
    found = effects(space, vectors, codes, fitter, labels=having)
    assert (found.flips >= ENOUGH - 0.05).all()
    assert (found.others([0, 1, 2]) < 1 / 3).all()
    less = effects(space, vectors, codes, fitter, labels=having, strength=0.4)
    assert (less.flips < ENOUGH).all()


def test_length_is_the_shortest_that_does(space, codes, having, fitter) -> None:
    vector, lacking = MIX[0], codes[~having[:, 0]]  # one more of the attribute
    step = classified_step(space, lacking, vector, fitter, "Eyeglasses")
    half = classified_step(space, lacking, vector / 2, fitter, "Eyeglasses")
    assert step in LENGTHS
    assert half == pytest.approx(2 * step, rel=0.16)
    nothing = classified_step(space, lacking, 0 * vector, fitter, "Eyeglasses")
    assert nothing == LENGTHS[FIRST_LENGTH]
    assert classified_step(space, codes[:0], vector, fitter, "Eyeglasses") == 1


def test_the_step_back_is_the_shortest_that_takes_it_away(space, codes, having, fitter) -> None:
    vectors = {"Eyeglasses": MIX[0], "Hat": MIX[2]}
    known = steps_back(space, codes, having, NAMES, vectors, fitter)
    back = {name: known[name]["less"] * vector for name, vector in vectors.items()}
    found = effects(space, back, codes, fitter, labels=having, strength=-1)
    # The small classifier is trained here, and rounds as the processor does.
    assert (found.flips >= ENOUGH - 0.05).all()
    shorter = {name: vector / 1.15**2 for name, vector in back.items()}
    found = effects(space, shorter, codes, fitter, labels=having, strength=-1)
    assert (found.flips < ENOUGH).all()
    described = describe(vectors, known)
    assert described["Hat"]["less"] == pytest.approx(known["Hat"]["less"], abs=1e-3)
    assert "less" not in describe(vectors)["Hat"]


def test_a_face_that_lacks_it_has_little_to_lose(space, codes, having, fitter) -> None:
    vectors = {"Hat": MIX[2]}
    known = steps_back(space, codes, having, NAMES, vectors, fitter)["Hat"] | {"less": 1.0}
    steps = torch.tensor([step_length(z, MIX[2], -1.0, known) for z in codes])
    there = having[:, 2]
    assert (steps[there] == -1).double().mean() > 0.9
    assert steps[~there].abs().mean() < 0.5
    assert step_length(codes[0], MIX[2], 2.0, known) == 2
    assert step_length(codes[0], MIX[2], -2.0, None) == -2


def test_effects_are_changes_of_the_classifiers_opinion(space, codes, having, fitter) -> None:
    vectors = {"Hat": MIX[2], "Warm": 0 * MIX[1]}
    found = effects(space, vectors, codes, fitter, labels=having, limit=10)
    assert found.change.shape == (2, 3)
    assert found.faces.tolist() == [10, 10]
    assert found.flips[0] > 0.9
    assert found.shift[0, 2] > 0.7
    assert (found.change >= abs(found.shift) - 1e-12).all()
    assert (found.change[1] < 1e-6).all()
    assert found.flips[1] == 0
    taken = effects(space, vectors, codes, fitter, labels=having, strength=-1)
    assert taken.flips[0] > 0.9
    assert taken.shift[0, 2] < -0.7
    assert taken.faces[0] <= having[:, 2].sum()


def test_the_share_of_others_is_relative_to_the_own_change() -> None:
    found = Effects(
        change=torch.tensor([[0.8, 0.9, 0.1], [0.2, 0.5, 0.4]]).numpy(),
        shift=None,
        flips=None,
        faces=None,
    )
    assert found.others([0, 2]).tolist() == pytest.approx([0.1 / 0.8, 0.2 / 0.4])


def test_only_faces_that_can_show_it_count() -> None:
    before, true = torch.tensor([0.1, 0.1, 0.9, 0.9]), torch.tensor([False, True, False, True])
    assert eligible(before, true, 1).tolist() == [True, False, False, False]
    assert eligible(before, true, -1).tolist() == [False, False, False, True]
    assert eligible(before, None, 1).tolist() == [True, True, False, False]


def test_no_face_that_can_show_it_is_no_error(space, codes, fitter) -> None:
    none = torch.ones(len(codes), 3, dtype=torch.bool)
    found = effects(space, {"Hat": MIX[2]}, codes, fitter, labels=none)
    assert (found.faces[0], found.flips[0]) == (0, 0)
    assert attribute_probabilities(space, codes[:0], fitter).shape == (0, 3)


def test_attributes_that_never_vary_have_no_vector(space, codes, having, fitter) -> None:
    having = having.clone()
    having[:, 1] = True
    assert list(fit_attributes(space, codes, having, NAMES)) == ["Eyeglasses", "Hat"]
    assert fit_attributes(space, codes, torch.zeros_like(having), NAMES, fitter) == {}


@pytest.mark.parametrize("n", [3, 5, 8])
def test_few_faces_are_no_error(space, codes, having, n: int) -> None:
    vectors = fit_attributes(space, codes[:n], having[:n], NAMES)
    assert all(torch.isfinite(v).all() for v in vectors.values())


def test_attributes_are_described() -> None:
    described = describe(["Wearing_Hat"])
    assert described["Wearing_Hat"]["description"].startswith("wearing hat")
    assert "95%" in described["Wearing_Hat"]["unit"]
