"""What the core's base classes do by themselves, and errors that travel between processes."""

from __future__ import annotations

import importlib
import pickle

import pytest
import torch
from lines import LENGTH, LineCodec, Sizes, lines, make_model

import vaecore
from vaecore import Example, Examples, GaussianMixture, LatentSpace, Objective, StandardNormal
from vaecore.config import build
from vaecore.errors import DataError, UsageError
from vaecore.paths import traverse
from vaecore.priors import prior_from_state


def test_errors_cross_processes_whole() -> None:
    error = DataError("is bad", path="x.mid", remedy="mend it")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is DataError
    assert str(again) == "x.mid: is bad; mend it"
    assert (again.problem, again.path, again.remedy) == ("is bad", "x.mid", "mend it")


@pytest.mark.parametrize("name", ["vaecore", "vaecore.training"])
def test_names_of_a_package_are_there_and_no_others(name: str) -> None:
    package = importlib.import_module(name)
    for each in package.__all__:
        assert getattr(package, each) is not None
    with pytest.raises(AttributeError, match=rf"{name}.*nonsense"):
        _ = package.nonsense
    assert set(vaecore.__all__) <= set(dir(vaecore))


def test_a_codec_without_more_has_no_measure_and_no_conditions() -> None:
    codec, x = LineCodec(), lines(3)
    with pytest.raises(UsageError, match="line has no measure of perceived change"):
        codec.change(x)
    assert codec.condition(x, 2) is None
    assert torch.equal(codec.conditioned(x, torch.ones(3, 2, 2)), x)
    assert codec.blend([None, None], [0.5, 0.5]) is None
    read = codec.read(codec.decode(x[0]))
    assert torch.equal(read.first.x, x[0])
    assert read.counted() is read
    assert [each.context for each in read] == [None]


def test_an_item_without_examples_says_why() -> None:
    problem = DataError("has no notes", path="a.mid")
    with pytest.raises(DataError, match=r"a\.mid: has no notes"):
        _ = Examples(torch.zeros(0, LENGTH), [], problem=problem).first


def test_all_that_stands_for_an_item_has_one_code() -> None:
    torch.manual_seed(0)
    codec = LineCodec()
    space = LatentSpace(make_model({"length": LENGTH}, Objective()), codec)
    x = lines(2)
    text = [codec.decode(row) for row in x]
    expected = space.encode(text)
    for items in (x, list(x), [Example(row, None) for row in x], Examples.of(x)):
        assert torch.equal(space.encode(items), expected)
        assert torch.equal(space.examples(items).x, x)


def test_a_prior_that_has_no_noise_of_its_own_refuses() -> None:
    mixture = GaussianMixture(torch.ones(1), torch.zeros(1, 2), torch.ones(1, 2))
    for way in (mixture.to_noise, mixture.from_noise):
        with pytest.raises(NotImplementedError, match="a mixture prior is not invertible"):
            way(torch.zeros(1, 2))
    assert mixture.draw_condition(3) is None
    with pytest.raises(NotImplementedError, match="a normal prior is not stored"):
        StandardNormal(2).state()
    with pytest.raises(NotImplementedError, match="a normal prior is not stored"):
        StandardNormal.from_state({})


def test_a_stored_prior_is_what_its_kind_says() -> None:
    state = GaussianMixture(torch.ones(1), torch.zeros(1, 2), torch.ones(1, 2)).state()
    assert prior_from_state("mixture", state).kind == "mixture"
    assert prior_from_state("", state).kind == "mixture"  # of an older folder
    with pytest.raises(ValueError, match="unknown kind of prior 'box'; known are mixture, flow"):
        prior_from_state("box", state)
    with pytest.raises(ValueError, match=r"no mixture: .*; no flow: "):
        prior_from_state("", {"x": torch.ones(1)})


def test_impossible_traversals() -> None:
    with pytest.raises(ValueError, match=r"dimension must be in 0\.\.2, got 3"):
        traverse(torch.zeros(3), 3, 5, 1.0)
    with pytest.raises(ValueError, match="need at least 2 steps, got 1"):
        traverse(torch.zeros(3), 0, 1, 1.0)


def test_a_configuration_is_strict_about_its_own_checks() -> None:
    with pytest.raises(ValueError, match="latent_dim must be at least 1, got 0"):
        build(Sizes, {"latent_dim": 0}, "architecture")
