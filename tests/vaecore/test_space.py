"""The latent space over a model whose codes are half of the points and whose points twice z."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from vaecore.attributes import apply_attributes
from vaecore.config import ModelConfig
from vaecore.errors import DataError, UsageError
from vaecore.model import VAE
from vaecore.priors import GaussianMixture
from vaecore.space import LatentSpace


def xs(items) -> list[list[float]]:
    return [item.x for item in items]


def test_items_are_named_made_or_tensors(space: LatentSpace, point) -> None:
    z = space.encode(["2 4", point(6.0, 8.0), torch.tensor([10.0, 12.0])])
    assert z.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert space.encode("2 4").tolist() == [[1, 2]]
    assert space.encode(("2 4", "0 0")).shape == (2, 2)
    posterior = space.posterior(["2 4"])
    assert posterior.stddev.tolist() == [[0.5, 0.5]]
    assert space.latent_dim == 2
    assert space.name == "plane"


def test_a_space_without_a_folder_has_no_name(space: LatentSpace) -> None:
    assert LatentSpace(space.model, space.codec).name == ""


def test_a_space_never_trains(point_model: VAE, space: LatentSpace) -> None:
    assert not LatentSpace(point_model.train(), space.codec).model.training
    assert not space.encode("2 4").requires_grad
    assert not space.decode_to_examples(torch.zeros(1, 2)).requires_grad


@pytest.mark.parametrize("n", [1, 15, 16, 17, 63, 64, 65, 200])
def test_chunks_and_padding_do_not_show(space: LatentSpace, n: int) -> None:
    x = torch.arange(2.0 * n).view(n, 2)
    assert torch.equal(space.posterior_of(x).mean, x / 2)
    assert torch.equal(space.decode_to_examples(x), 2 * x)
    whole = space.decode_to_examples(torch.zeros(200, 2), temperature=1.0, seed=3)
    assert torch.equal(space.decode_to_examples(torch.zeros(n, 2), 1.0, 3), whole[:n])


def test_networks_see_batches_of_whole_padding_only(space: LatentSpace) -> None:
    seen: list[int] = []
    encoder, generate = space.model.encoder.forward, space.model.decoder.generate
    space.model.encoder.forward = lambda x: (seen.append(len(x)), encoder(x))[1]
    space.model.decoder.generate = lambda z, *args: (seen.append(len(z)), generate(z, *args))[1]
    for n in (1, 40, 70):
        space.posterior_of(torch.zeros(n, 2))
        space.decode_to_examples(torch.zeros(n, 2))
    assert all(rows % 16 == 0 for rows in seen)
    assert max(seen) <= 80


def test_a_bad_item_is_named(space: LatentSpace) -> None:
    with pytest.raises(DataError, match="1 2 3"):
        space.encode(["1 2", "1 2 3"])


def test_examples_are_all_of_all_items(space: LatentSpace) -> None:
    found = space.examples(["0 1; 2 3", torch.tensor([4.0, 5.0]), "6 7"])
    assert found.x.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_reconstructing_keeps_the_context(space: LatentSpace, point) -> None:
    items = [point(2.0, 4.0, 7.0), point(1.0, 1.0), "3 3"]
    again = space.reconstruct(items)
    assert xs(again) == [[2, 4], [1, 1], [3, 3]]
    assert [item.colour for item in again] == [7, None, None]


def test_decoding_wants_a_context_for_every_row(space: LatentSpace) -> None:
    z = torch.zeros(2, 2)
    assert [item.colour for item in space.decode(z, contexts=[1.0, 2.0])] == [1, 2]
    with pytest.raises(ValueError, match="zip"):
        space.decode(z, contexts=[1.0])


def test_sampling_is_repeatable(space: LatentSpace) -> None:
    first = space.sample(5, seed=1)
    assert len(first) == 5
    assert xs(first) == xs(space.sample(5, seed=1))
    assert xs(first) != xs(space.sample(5, seed=2))
    assert xs(first) != xs(space.sample(5, seed=1, temperature=0.0))
    codes = space.sample_codes(5, seed=1)
    assert xs(space.sample(5, seed=1, temperature=0.0)) == (2 * codes).tolist()
    assert xs(space.decode(codes, 1.0, seed=1)) == xs(first)


def test_nothing_depends_on_global_randomness(space: LatentSpace) -> None:
    torch.manual_seed(1)
    random.seed(1)
    first = (xs(space.sample(3)), xs(space.similar("2 4", seed=5)))
    state = torch.get_rng_state()
    assert first == (xs(space.sample(3)), xs(space.similar("2 4", seed=5)))
    assert torch.equal(state, torch.get_rng_state())


def test_sampling_from_the_mixture(space: LatentSpace) -> None:
    with pytest.raises(UsageError, match="model 'plane' has no prior 'mixture'; it has normal"):
        space.sample(3, prior="mixture")
    with pytest.raises(UsageError, match="no prior 'uniform'"):
        space.sample(3, prior="uniform")
    mean, narrow = torch.tensor([[50.0, -50.0]]), torch.full((1, 2), 1e-3)
    space.prior = GaussianMixture(torch.ones(1), mean, narrow)
    codes = space.sample_codes(20, prior="mixture")
    assert (codes - mean).abs().max() < 0.01
    assert torch.equal(space.sample_codes(20), codes)  # where there is one, it is the default
    assert space.sample_codes(20, prior="normal").abs().max() < 10


def test_samples_of_the_fitted_prior_are_as_typical_as_the_model_says(space: LatentSpace) -> None:
    prior = GaussianMixture(torch.ones(1), torch.ones(1, 2), torch.full((1, 2), 3.0))
    assert space.config is not None
    drawn = {}
    for temperature in (1.0, 0.5):
        config = replace(space.config, prior_temperature=temperature)
        own = LatentSpace(space.model, space.codec, prior=prior, config=config)
        kinds = {kind: own.sample(8, 0.0, seed=2, prior=kind) for kind in ("mixture", "normal")}
        drawn[temperature] = {kind: torch.tensor(xs(items)) for kind, items in kinds.items()}
    assert torch.equal(drawn[1.0]["normal"], drawn[0.5]["normal"])
    torch.testing.assert_close(drawn[0.5]["mixture"] - 2, (drawn[1.0]["mixture"] - 2) / 2)


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), 5.0])
def test_no_prior_is_drawn_from_at_such_a_temperature(point_config: ModelConfig, wrong) -> None:
    with pytest.raises(ValueError, match="prior_temperature must be"):
        replace(point_config, prior_temperature=wrong)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), "warm"])
def test_no_code_is_drawn_at_such_a_temperature(space: LatentSpace, wrong) -> None:
    with pytest.raises(UsageError, match="temperature must be a number of at least 0"):
        space.sample_codes(2, temperature=wrong)


def test_interpolating_straight(space: LatentSpace, point) -> None:
    way = space.interpolate("0 0", "4 8", steps=5, path="lerp")
    assert xs(way) == [[0, 0], [1, 2], [2, 4], [3, 6], [4, 8]]
    through = space.interpolate("0 0", "4 8", "4 0", steps=5, path="lerp")
    assert xs(through) == [[0, 0], [2, 4], [4, 8], [4, 4], [4, 0]]


def test_interpolating_on_the_arc(space: LatentSpace) -> None:
    way = space.interpolate("2 0", "0 2", steps=3)
    assert way[0].x == [2, 0]
    assert way[1].x == pytest.approx([2**0.5, 2**0.5])
    assert way[2].x == [0, 2]


def test_the_codec_has_the_defaults_of_interpolation(space: LatentSpace) -> None:
    class Straight(type(space.codec)):
        default_path = "lerp"
        default_timing = "perceived"

        def change(self, x: torch.Tensor) -> torch.Tensor:
            return x.exp().diff(dim=0).norm(dim=1)  # most of it near the larger end

    ends = "0 0", "2 4"
    assert space.path_and_timing(None, None) == ("slerp", "latent")
    assert xs(space.interpolate(*ends)) == xs(space.interpolate(*ends, path="slerp"))
    straight = LatentSpace(space.model, Straight(2), config=space.config)
    assert straight.path == "lerp"
    assert straight.path_and_timing(None, None) == ("lerp", "perceived")
    assert straight.path_and_timing("slerp", "latent") == ("slerp", "latent")
    timed = xs(straight.interpolate(*ends, steps=5))
    assert timed == xs(straight.interpolate(*ends, steps=5, path="lerp", timing="perceived"))
    assert timed[2][0] > 1.2  # past the middle, 1
    assert xs(straight.interpolate(*ends, steps=5, timing="latent"))[2] == [1, 2]


def test_interpolating_blends_contexts(space: LatentSpace, point) -> None:
    ends = point(0.0, 0.0, 10.0), point(4.0, 8.0, 30.0)
    assert [i.colour for i in space.interpolate(*ends, steps=5)] == [10, 15, 20, 25, 30]
    assert [i.colour for i in space.interpolate(ends[0], "1 1", steps=3)] == [None] * 3


def test_a_palette(space: LatentSpace, point) -> None:
    corners = [point(x, y, c) for x, y, c in [(0.0, 0.0, 0), (4.0, 0.0, 4), (0.0, 8.0, 8)]]
    corners.append(point(4.0, 8.0, 12.0))
    grid = space.palette(corners, rows=3, columns=5, path="lerp")
    assert [xs(row) for row in grid] == [[[x, y] for x in range(5)] for y in (0, 4, 8)]
    assert [[i.colour for i in row] for row in grid] == [
        [x + 2 * y for x in range(5)] for y in (0, 2, 4)
    ]
    (row,) = space.palette(corners[:2], rows=3, columns=5, path="lerp")
    assert xs(row) == [[x, 0] for x in range(5)]
    of_three = space.palette(corners[:3], rows=3, columns=5, path="lerp")
    assert [xs(row) for row in of_three] == [
        [[x, 0] for x in range(5)],
        [[x / 2, 4] for x in range(5)],
        [[0, 8]] * 5,
    ]
    with pytest.raises(UsageError, match="four items, got 1"):
        space.palette(corners[:1])


def test_variations(space: LatentSpace, point) -> None:
    item = point(20.0, 40.0, 5.0)
    same = space.similar(item, n=3, amount=0.0)
    assert same == space.reconstruct([item]) * 3
    near, far = (space.similar(item, n=50, amount=a, seed=1) for a in (0.1, 1.0))
    assert len({tuple(i.x) for i in near}) == 50
    assert all(abs(i.x[0] - 20) < 2 for i in near)
    assert all(abs(i.x[0]) < 10 for i in far)  # draws from the prior
    assert near == space.similar(item, n=50, amount=0.1, seed=1)
    assert near != space.similar(item, n=50, amount=0.1, seed=2)


def test_attribute_vectors_count_every_example(space: LatentSpace) -> None:
    vector = space.attribute_vector(["2 2; 4 4", "6 6"], "0 2")
    assert vector.tolist() == [2, 1]  # half of (4, 4) - (0, 2)


def test_editing(space: LatentSpace, point) -> None:
    edited = space.edit(point(1.0, 1.0, 9.0), {"right": 1.5, "up": -1.0})
    assert edited == point(4.0, -1.0, 9.0)
    assert space.edit("1 1", {}).x == [1, 1]
    with pytest.raises(UsageError, match="unknown attribute 'down'; known are: right, up"):
        space.edit("1 1", {"down": 1.0})


def test_editing_adds_in_latent_space(space: LatentSpace) -> None:
    z = apply_attributes(space.encode("1 1"), space.attributes, {"right": 1.5})
    assert (
        space.edit("1 1", {"right": 1.5}, temperature=1.0, seed=4)
        == (space.decode(z, temperature=1.0, seed=4)[0])
    )


def test_taking_away_has_a_length_of_its_own(space: LatentSpace) -> None:
    about = {"right": {"description": "to the right", "less": 0.25}}
    config = replace(space.config, attributes=about)
    own = LatentSpace(space.model, space.codec, attributes=space.attributes, config=config)
    amounts = [{"right": 1.0}, {"right": -1.0}, {"right": -1.0, "up": -1.0}]
    assert xs(own.edits("2 4", amounts)) == [[4, 4], [1.5, 4], [1.5, 2]]


def test_an_edit_that_is_overdone_is_shortened(space: LatentSpace) -> None:
    class Narrow(type(space.codec)):
        def overdone(self, x: torch.Tensor, origin: torch.Tensor) -> torch.Tensor:
            return x[:, 0] - origin[:, 0] > 1.5

    narrow = LatentSpace(space.model, Narrow(2), attributes=space.attributes, config=space.config)
    amounts = [{"right": 1.0}, {"right": 0.5}, {"up": 9.0}]
    far, near, up = narrow.steered("2 0", amounts)
    assert far.reached == pytest.approx({"right": 0.85**2})
    assert far.missed() == ["right"]
    assert (2 * far.z).tolist() == pytest.approx([2 + 2 * 0.85**2, 0])
    assert (near.reached, near.missed()) == ({}, [])
    # As long as codes of N(0, I) are, and no longer.
    assert float(up.z.norm()) == pytest.approx(2**0.5 + 1)
    (long,) = narrow.steered("8 0", [{"up": 3.0}])
    assert float(long.z.norm()) == pytest.approx(4)


def test_several_edits_are_as_each_alone(space: LatentSpace) -> None:
    item = torch.tensor([1.0, 2.0])
    name = next(iter(space.attributes))
    plans = [{name: 1.0}, {}, {name: -0.5}]
    together = space.edits(item, plans)
    assert xs(together) == xs([space.edit(item, plan) for plan in plans])
    assert xs(together[1:2]) == xs(space.reconstruct(item))


def test_analysing_counts_every_example(space: LatentSpace) -> None:
    report = space.analyse(["2 2; 4 4", "6 6"])
    assert report.examples == 3
    torch.testing.assert_close(report.mean, torch.tensor([2.0, 2.0]))
