"""Domains: finding, saving and loading models, and refusing folders that were tampered with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vaecore.config import CONFIG, ModelConfig
from vaecore.domain import Domain
from vaecore.errors import DataError, UsageError
from vaecore.folder import ATTRIBUTES, CARD, PRIOR, WEIGHTS, write_tensors
from vaecore.model import VAE
from vaecore.objective import Objective
from vaecore.priors import GaussianMixture

X = torch.tensor([[2.0, -4.0], [0.0, 6.0]])


@pytest.fixture
def mixture() -> GaussianMixture:
    return GaussianMixture(torch.tensor([0.25, 0.75]), torch.ones(2, 2), torch.full((2, 2), 0.5))


@pytest.fixture
def folder(points: Domain, point_model: VAE, point_config: ModelConfig, mixture) -> Path:
    """A complete model folder, in the box under the name plane."""
    place = points.box / "plane"
    vectors = {"right": torch.tensor([1.0, 0.0])}
    point_model.objective = Objective(beta=0.5)
    with torch.no_grad():
        point_model.encoder.scale[1] = 4.0
    points.save(place, point_model, point_config, vectors, mixture, card="# The plane\n")
    return place


def test_a_model_comes_back_as_it_was_saved(
    points: Domain, folder: Path, point_model: VAE, point_config: ModelConfig
) -> None:
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [ATTRIBUTES, CARD, CONFIG, PRIOR, WEIGHTS]
    )
    space = points.load("plane")
    assert torch.equal(space.posterior_of(X).mean, point_model.encode(X).mean)
    assert not space.model.training
    assert space.model.objective == point_model.objective == Objective(beta=0.5)
    expected = replace(point_config, objective=point_model.objective.config, prior="mixture")
    assert space.config == expected
    assert (space.name, space.latent_dim, space.codec.length) == ("plane", 2, 2)
    assert {name: v.tolist() for name, v in space.attributes.items()} == {"right": [1, 0]}
    assert space.prior.weights.tolist() == [0.25, 0.75]
    assert points.load(folder).config == space.config


def test_attributes_and_prior_are_optional(
    points: Domain, point_model: VAE, point_config: ModelConfig, tmp_path: Path
) -> None:
    points.save(tmp_path / "bare", point_model, point_config)
    space = points.load(tmp_path / "bare")
    assert space.attributes == {}
    assert space.prior is None


def test_saving_again_keeps_what_is_not_given(
    points: Domain, folder: Path, point_model: VAE, point_config: ModelConfig
) -> None:
    with torch.no_grad():
        point_model.encoder.scale.fill_(8.0)
    points.save(folder, point_model, replace(point_config, description="new"))
    space = points.load(folder)
    assert space.config.description == "new"
    assert space.encode(torch.tensor([8.0, 8.0])).tolist() == [[1, 1]]
    assert set(space.attributes) == {"right"}
    assert space.prior is not None
    assert (folder / CARD).read_text() == "# The plane\n"


def test_the_domain_signs_what_it_saves(
    points: Domain, point_model: VAE, point_config: ModelConfig, tmp_path: Path
) -> None:
    points.save(tmp_path / "m", point_model, replace(point_config, domain="wrong"))
    assert points.load(tmp_path / "m").config.domain == "points"


def test_models_are_found_by_name_or_by_folder(
    points: Domain, folder: Path, tmp_path: Path
) -> None:
    (points.box / "unfinished").mkdir()
    assert points.shipped() == ["plane"]
    assert points.folder("plane") == points.folder(folder) == folder
    assert points.folder(str(tmp_path)) == tmp_path
    with pytest.raises(UsageError, match=r"no model 'sphere': .* one of plane"):
        points.folder("sphere")
    with pytest.raises(UsageError, match="no model"):
        points.load("sphere")


def test_an_empty_box_has_no_models(points: Domain) -> None:
    assert points.shipped() == []


def edit(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        values = json.loads((folder / CONFIG).read_text())
        change(values)
        (folder / CONFIG).write_text(json.dumps(values))

    return tamper


def tensors(name: str, **values: torch.Tensor) -> Callable[[Path], None]:
    return lambda folder: write_tensors(folder / name, values)


SCALES = {"encoder.scale": torch.ones(2), "decoder.scale": torch.ones(2)}
MIXTURE = {"weights": torch.ones(1), "means": torch.ones(1, 2), "cholesky": torch.ones(1, 2)}


@pytest.mark.parametrize(
    ("tamper", "file", "message"),
    [
        (edit(lambda c: c.update(domain="faces")), "", "model of 'faces', not of 'points'"),
        (edit(lambda c: c["architecture"].update(spin=1)), CONFIG, "unknown keys .*spin"),
        (edit(lambda c: c["architecture"].update(length="2")), CONFIG, "cannot be used"),
        (edit(lambda c: c["architecture"].update(length=3)), WEIGHTS, r"needs \(3,\)"),
        (edit(lambda c: c["architecture"].update(length=-1)), CONFIG, "sizes are negative"),
        (edit(lambda c: c["architecture"].update(length=10**17)), CONFIG, "larger than"),
        (edit(lambda c: c["architecture"].update(length=10**30)), CONFIG, "cannot be used"),
        (edit(lambda c: c["objective"].update(gamma=1)), CONFIG, "unknown key 'gamma'"),
        (edit(lambda c: c["objective"].update(free_bits=-1)), CONFIG, "free_bits"),
        (edit(lambda c: c["representation"].clear()), CONFIG, "length"),
        (edit(lambda c: c["representation"].update(kind="x")), CONFIG, "unknown repr.*; choose"),
        (edit(lambda c: c.pop("objective")), CONFIG, "missing 'objective'"),
        (tensors(WEIGHTS, **{"encoder.scale": torch.ones(2)}), WEIGHTS, "lacks .*decoder.scale"),
        (tensors(WEIGHTS, **SCALES, more=torch.ones(1)), WEIGHTS, "unknown tensor 'more'"),
        (tensors(ATTRIBUTES, right=torch.ones(3)), ATTRIBUTES, r"'right' has shape \(3,\)"),
        (tensors(ATTRIBUTES, right=torch.ones(1, 2)), ATTRIBUTES, "'right' has shape"),
        (tensors(ATTRIBUTES, right=torch.full((2,), torch.nan)), ATTRIBUTES, "not finite"),
        (
            tensors(PRIOR, **{**MIXTURE, "more": torch.ones(1)}),
            PRIOR,
            "neither mixture nor flow",
        ),
        (
            tensors(PRIOR, **{**MIXTURE, "weights": torch.ones(2)}),
            PRIOR,
            "neither mixture nor flow",
        ),
        (
            tensors(PRIOR, **{**MIXTURE, "cholesky": -torch.ones(1, 2)}),
            PRIOR,
            "neither mixture nor flow",
        ),
        (
            tensors(
                PRIOR, weights=torch.ones(1), means=torch.ones(1, 3), cholesky=torch.ones(1, 3)
            ),
            PRIOR,
            "3 dimensions, the model has 2",
        ),
        (lambda folder: (folder / WEIGHTS).unlink(), WEIGHTS, "is missing"),
        (lambda folder: (folder / CONFIG).unlink(), "", f"has no {CONFIG}"),
        (lambda folder: (folder / PRIOR).write_bytes(b"no"), PRIOR, "no readable safetensors"),
    ],
)
def test_a_folder_that_was_tampered_with_is_refused(
    points: Domain, folder: Path, tamper: Callable[[Path], None], file: str, message: str
) -> None:
    tamper(folder)
    with pytest.raises(DataError, match=message) as caught:
        points.load(folder)
    assert caught.value.path == folder / file
    assert "\n" not in str(caught.value)


@pytest.fixture
def sharing(folder: Path) -> Path:
    """A model that has only one of its weights itself, beside the model that has the others."""
    place = folder.parent / "sharing"
    shutil.copytree(folder, place)
    for name in (ATTRIBUTES, PRIOR):
        (place / name).unlink()
    write_tensors(place / WEIGHTS, {"decoder.scale": torch.full((2,), 3.0)})
    edit(lambda config: config.update(shares_with="plane"))(place)
    return place


def test_a_model_may_share_what_another_has(points: Domain, folder: Path, sharing: Path) -> None:
    ours, theirs = points.load(sharing), points.load(folder)
    assert ours.model.decoder.scale.tolist() == [3.0, 3.0]
    assert torch.equal(ours.model.encoder.scale, theirs.model.encoder.scale)
    assert torch.equal(ours.attributes["right"], theirs.attributes["right"])
    assert torch.equal(ours.sample_codes(3, seed=1), theirs.sample_codes(3, seed=1))


@pytest.mark.parametrize("name", [".", "../sharing", "down/..", "link"])
def test_it_is_found_by_any_name_of_its_folder(
    points: Domain, sharing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (sharing / "down").mkdir()
    monkeypatch.chdir(sharing if name != "link" else tmp_path)
    if name == "link":
        Path("link").symlink_to(sharing)
    assert points.load(name).model.decoder.scale.tolist() == [3.0, 3.0]


def test_what_is_saved_of_it_is_complete(points: Domain, sharing: Path, tmp_path: Path) -> None:
    points.complete(sharing, tmp_path / "alone")
    ours, theirs = points.load(tmp_path / "alone"), points.load(sharing)
    for name, value in theirs.model.state_dict().items():
        assert torch.equal(ours.model.state_dict()[name], value)
    assert ours.config == replace(theirs.config, shares_with="")
    assert sorted(path.name for path in (tmp_path / "alone").iterdir()) == sorted(
        [ATTRIBUTES, CARD, CONFIG, PRIOR, WEIGHTS]
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"shares_with": "../plane"}, "shares_with must be a model's name, got '../plane'"),
        ({"shares_with": "nothing"}, "shares weights with nothing, which is not beside it"),
        ({"shares_with": "sharing"}, "which is not complete itself; get both"),
        ({"shares_with": ""}, r"lacks tensor 'encoder\.scale'"),
    ],
)
def test_sharing_with_what_does_not_fit_is_refused(
    points: Domain, sharing: Path, change: dict, problem: str
) -> None:
    edit(lambda config: config.update(change))(sharing)
    with pytest.raises(DataError, match=problem):
        points.load(sharing)


def test_the_weights_of_such_a_model_are_in_two_files(points: Domain, sharing: Path) -> None:
    assert points.weights(sharing) == [sharing / WEIGHTS, sharing.parent / "plane" / WEIGHTS]
