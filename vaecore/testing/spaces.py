"""The contract of latent spaces of all domains."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from vaecore.codec import Codec
from vaecore.draws import ROUNDS
from vaecore.errors import UsageError
from vaecore.paths import traverse
from vaecore.seeds import seeded
from vaecore.space import LatentSpace
from vaecore.testing.under_test import Fixtures, ModelUnderTest, PickyCodec


def _equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return torch.equal(torch.stack(a), torch.stack(b))


def _large(space: LatentSpace[Any]) -> bool:
    """Return whether a model is slow, and therefore tested less."""
    return sum(parameter.numel() for parameter in space.model.parameters()) > 1_000_000


def _sizes(space: LatentSpace[Any]) -> list[int]:
    """Return sizes of batches to try."""
    return [2, 17, 31] if _large(space) else [1, 2, 7, 12, 16, 17, 31, 47, 63]


class SpaceContract(Fixtures):
    """The contract of `LatentSpace`: encoding, decoding, paths, edits, samples and items."""

    def test_codes_make_a_difference(self, x: Tensor, space: LatentSpace[Any]) -> None:
        """The other tests would mean little if all codes decoded, or all items encoded, alike."""
        assert len(torch.unique(x, dim=0)) > 0.47 * len(x)
        assert space.posterior_of(x, refine=False).mean.std(dim=0).median() > 1e-3

    def test_shapes(self, space: LatentSpace[Any], x: Tensor, codes: Tensor) -> None:
        rows = list(x[:2])
        z = space.encode(rows)
        assert z.shape == (2, space.latent_dim)
        assert z.dtype == torch.float32
        posterior = space.posterior(rows)
        assert torch.equal(posterior.mean, z)
        assert (posterior.stddev > 0).all()
        assert x.shape[1:] == space.examples(rows).x.shape[1:]
        assert len(space.decode(codes[:2])) == len(space.reconstruct(rows)) == 2
        assert not z.requires_grad
        assert not space.model.training
        if space.codec.shape is not None:
            for wrong in (x[0, :-1], x[:5, :-1]):
                with pytest.raises(UsageError, match=r"tensors must be examples \(\d.*; got"):
                    space.encode(wrong)

    def test_the_likelihood_prefers_what_is_decoded(
        self, under_test: ModelUnderTest, space: LatentSpace[Any], codes: Tensor, x: Tensor
    ) -> None:
        with torch.no_grad():
            own = space.model.log_likelihood(x, codes)
            others = space.model.log_likelihood(x.roll(1, 0), codes)
        assert own.shape == (len(x),)
        assert not under_test.discrete or (own <= 0).all()  # a density may be above 1
        assert own.mean() > others.mean()

    def test_the_loss_is_repeatable(self, space: LatentSpace[Any], x: Tensor) -> None:
        with torch.no_grad():
            first, second = (space.model.loss(x, generator=seeded(1)) for _ in range(2))
        assert first == second
        assert first.loss.isfinite()

    def test_an_item_is_encoded_the_same_in_every_batch(
        self, space: LatentSpace[Any], x: Tensor
    ) -> None:
        whole = space.posterior_of(x, refine=False)
        for n in _sizes(space):
            part = space.posterior_of(x[-n:], refine=False)
            assert torch.equal(part.mean, whole.mean[-n:]), n
            # Vector units may round the last numbers of a batch differently, by one unit.
            torch.testing.assert_close(part.stddev, whole.stddev[-n:], rtol=1e-6, atol=0)
        many = torch.cat([x, x, x[:14]])  # more than are encoded together
        long = space.posterior_of(many, refine=False)
        assert torch.equal(long.mean, torch.cat([whole.mean, whole.mean, whole.mean[:14]]))
        if space.model.refinement:  # takes long, row by row
            several = space.posterior_of(x[-7:]).mean
            assert torch.equal(space.posterior_of(x[-2:]).mean, several[-2:])

    def test_a_code_is_decoded_the_same_in_every_batch(
        self, space: LatentSpace[Any], codes: Tensor, x: Tensor
    ) -> None:
        for n in _sizes(space):
            assert torch.equal(space.decode_to_examples(codes[-n:]), x[-n:]), n
        assert torch.equal(space.decode_to_examples(codes.flip(0)), x.flip(0))
        long = space.decode_to_examples(torch.cat([codes, codes[:30]]))
        assert torch.equal(long, torch.cat([x, x[:30]]))

    def test_a_draw_depends_on_seed_and_place_alone(
        self, under_test: ModelUnderTest, space: LatentSpace[Any], codes: Tensor
    ) -> None:
        whole = space.decode_to_examples(codes, temperature=1.0, seed=5)
        for n in (1, 17) if _large(space) else (1, 7, 17, 40):
            assert torch.equal(space.decode_to_examples(codes[:n], 1.0, 5), whole[:n]), n
        if not under_test.draws:
            assert torch.equal(whole, space.decode_to_examples(codes))
            return
        same = space.decode_to_examples(codes[:1].expand(len(codes), -1), 1.0, 5)
        assert len(torch.unique(same, dim=0)) > 1  # places differ
        assert not torch.equal(space.decode_to_examples(codes, 1.0, 6), whole)

    @pytest.mark.parametrize("path", ["slerp", "lerp"])
    def test_the_ends_of_a_way_are_the_reconstructions(
        self, bare: LatentSpace[Tensor], x: Tensor, path: str
    ) -> None:
        ends = [x[0], x[1], x[2]]
        again = bare.reconstruct(ends)
        for steps in (2, 9) if _large(bare) else (2, 9, 40):
            way = bare.interpolate(*ends[:2], steps=steps, path=path)
            assert len(way) == steps
            assert _equal([way[0], way[-1]], again[:2])
        through = bare.interpolate(*ends, steps=9, path=path)
        assert _equal([through[0], through[4], through[8]], again)

    def test_steps_timed_by_what_is_perceived(self, bare: LatentSpace[Tensor], x: Tensor) -> None:
        ends = [x[0], x[1], x[2]]
        if type(bare.codec).change is Codec.change:
            with pytest.raises(UsageError, match="no measure of perceived change"):
                bare.interpolate(*ends, timing="perceived")
            return
        timed = bare.interpolate(*ends, steps=9, path="lerp", timing="perceived")
        assert _equal([timed[0], timed[4], timed[8]], bare.reconstruct(ends))
        assert not _equal(timed, bare.interpolate(*ends, steps=9, path="lerp"))

    def test_the_corners_of_a_palette_are_the_reconstructions(
        self, bare: LatentSpace[Tensor], x: Tensor
    ) -> None:
        corners = list(x[:4])
        again = bare.reconstruct(corners)
        for rows, columns in ((2, 2), (5, 5), (3, 7)):
            grid = bare.palette(corners, rows, columns)
            assert [len(row) for row in grid] == [columns] * rows
            assert _equal([grid[0][0], grid[0][-1], grid[-1][0], grid[-1][-1]], again)

    def test_no_change_is_the_reconstruction(self, bare: LatentSpace[Tensor], x: Tensor) -> None:
        again = bare.reconstruct(x[3])
        assert _equal(bare.similar(x[3], n=3, amount=0.0), again * 3)
        assert _equal([bare.edit(x[3], {})], again)
        assert _equal([bare.edit(x[3], dict.fromkeys(bare.attributes, 0.0))], again)

    def test_an_edit_moves_along_its_vector(self, bare: LatentSpace[Tensor], x: Tensor) -> None:
        vectors = torch.stack(list(bare.attributes.values()))
        assert vectors.shape == (len(bare.attributes), bare.latent_dim)
        plans = [{name: 1.5} for name in bare.attributes]
        moved = bare.decode(bare.encode(x[3]) + 1.5 * vectors)
        assert _equal(bare.edits(x[3], plans), moved)
        assert _equal([bare.edit(x[3], plans[-1])], moved[-1:])

    def test_an_own_vector_leads_from_one_set_to_the_other(
        self, bare: LatentSpace[Tensor], x: Tensor
    ) -> None:
        these, those = list(x[:12]), list(x[12:30])
        vector = bare.attribute_vector(these, those)
        difference = bare.encode(these).mean(0) - bare.encode(those).mean(0)
        torch.testing.assert_close(vector, difference)

    def test_the_same_seed_gives_the_same(
        self, under_test: ModelUnderTest, bare: LatentSpace[Tensor], x: Tensor
    ) -> None:
        torch.manual_seed(0)
        made: dict[str, Callable[[int], list[Tensor]]] = {
            "sample": lambda seed: bare.sample(4, seed=seed),
            "normal": lambda seed: bare.sample(4, seed=seed, prior="normal"),
            "similar": lambda seed: bare.similar(x[0], n=4, amount=1.0, seed=seed),
            "reconstruct": lambda seed: bare.reconstruct(list(x[:4]), 1.0, seed),
            "interpolate": lambda seed: bare.interpolate(x[0], x[1], temperature=1.0, seed=seed),
        }
        for name, make in made.items():
            before = torch.get_rng_state()
            first = make(1)
            assert _equal(first, make(1)), name
            if under_test.draws or name not in ("reconstruct", "interpolate"):  # these draw no code
                assert not _equal(first, make(2)), name
            assert torch.equal(before, torch.get_rng_state()), name

    def test_the_first_of_many_samples_are_those_of_few(
        self, space: LatentSpace[Any], bare: LatentSpace[Tensor]
    ) -> None:
        """This also holds if some samples are drawn again, here about half."""
        picky = copy(bare)
        picky.codec = PickyCodec()
        size, fewer = (3, [1]) if _large(space) else (11, [1, 8])
        many = picky.draw(size, seed=3)
        assert many.again >= picky.codec.poor(many.x).sum() * ROUNDS
        everything = picky.draw(size, seed=3, keep_all=True)
        poor = picky.codec.poor(everything.x)
        count = int(poor.sum())
        assert (everything.again, everything.poor) == (0, count)
        assert many.again >= count
        assert torch.equal(many.x[~poor], everything.x[~poor])
        for n in fewer:
            assert torch.equal(picky.draw(n, seed=3).x, many.x[:n]), n
        for prior in ("normal", None):
            codes = bare.sample_codes(17, seed=3, prior=prior)
            assert torch.equal(bare.sample_codes(8, seed=3, prior=prior), codes[:8])
        if not _large(space):
            own = space.draw(9, seed=3)
            assert torch.equal(space.draw(4, seed=3).x, own.x[:4])
            assert space.codec.poor(own.x).sum() == own.poor

    def test_the_fitted_prior_has_codes_of_its_own(self, bare: LatentSpace[Tensor]) -> None:
        assert bare.prior is not None
        kinds = ("normal", bare.prior.kind)
        normal, fitted = (bare.sample_codes(5, seed=1, prior=prior) for prior in kinds)
        assert normal.shape == fitted.shape == (5, bare.latent_dim)
        assert not torch.allclose(normal, fitted)
        torch.testing.assert_close(bare.sample_codes(5, seed=1), fitted, rtol=0, atol=0)

    def test_wrong_requests(self, bare: LatentSpace[Tensor], x: Tensor) -> None:
        with pytest.raises(UsageError, match=r"unknown attribute 'nonsense'; known are: .+"):
            bare.edit(x[0], {"nonsense": 1.0})
        with pytest.raises(UsageError, match="no prior 'flat'"):
            bare.sample(1, prior="flat")
        with pytest.raises(UsageError, match="four items, got 1"):
            bare.palette([x[0]])
        with pytest.raises(ValueError, match="unknown path 'zigzag'"):
            bare.interpolate(x[0], x[1], path="zigzag")
        with pytest.raises(ValueError, match="unknown timing 'soon'"):
            bare.interpolate(x[0], x[1], timing="soon")

    def test_analysing(self, space: LatentSpace[Any], x: Tensor) -> None:
        report = space.analyse(list(x))
        assert report.examples == len(x)
        assert report.mean.shape == report.ks.shape == (space.latent_dim,)
        torch.testing.assert_close(report.mean, space.posterior_of(x).mean.mean(0))

    def test_reading_what_was_written_changes_nothing(
        self, space: LatentSpace[Any], items: list[Any]
    ) -> None:
        codec = space.codec
        for item in items[:20]:
            read = codec.read(item).first
            assert torch.equal(read.x, codec.encode(item))
            again = codec.encode(codec.decode(read.x, read.context))
            assert torch.equal(read.x, again)

    def test_the_codec_is_made_from_its_configuration(
        self, under_test: ModelUnderTest, space: LatentSpace[Any], items: list[Any]
    ) -> None:
        other = under_test.domain.make_codec(space.codec.config)
        assert space.config is not None
        assert other.config == space.codec.config == space.config.representation
        assert torch.equal(other.encode(items[0]), space.codec.encode(items[0]))
        found = other.read(items[0])
        assert found.x.shape[1:] == space.codec.encode(items[0]).shape
        assert len(found.contexts) == len(found) >= 1

    def test_what_was_read_stands_for_its_item(
        self, space: LatentSpace[Any], items: list[Any]
    ) -> None:
        """`Example` and `Examples` give the same results as the item that they were read from."""
        a, b = items[:2]
        read, first = space.examples(a), space.codec.read(b).first
        assert torch.equal(space.encode([read, first]), space.encode([a, b]))
        assert torch.equal(space.encode(read), space.posterior_of(read.x).mean)
        way, again = space.interpolate(read, first, steps=3), space.interpolate(a, b, steps=3)
        assert list(map(pickle.dumps, way)) == list(map(pickle.dumps, again))
        as_examples = space.as_examples().interpolate(read, first, steps=3)
        decoded = [space.codec.decode(each.x, each.context) for each in as_examples]
        assert list(map(pickle.dumps, decoded)) == list(map(pickle.dumps, again))
        assert pickle.dumps(space.edit(read, {})) == pickle.dumps(space.reconstruct([a])[0])

    def test_a_traversal_moves_one_dimension_alone(
        self, space: LatentSpace[Any], items: list[Any]
    ) -> None:
        z = space.encode([items[0]])[0]
        points = traverse(z, 1, 5, 2.0)
        assert points[:, 1].tolist() == pytest.approx([-2, -1, 0, 1, 2])
        assert torch.equal(points[:, 0], z[0].expand(5))
        assert len(space.traverse(items[0], 1, steps=5, extent=2.0)) == 5

    def test_items_go_all_the_way(self, space: LatentSpace[Any], items: list[Any]) -> None:
        a, b, c, d = items[:4]
        again = space.reconstruct([a, b])
        way = space.interpolate(a, b, steps=5)
        assert list(map(pickle.dumps, (way[0], way[-1]))) == list(map(pickle.dumps, again))
        grid = space.palette([a, b, c, d], rows=2, columns=3)
        assert pickle.dumps(grid[0][0]) == pickle.dumps(again[0])
        assert pickle.dumps(space.similar(a, n=1, amount=0.0)[0]) == pickle.dumps(again[0])
        assert pickle.dumps(space.edit(a, {})) == pickle.dumps(again[0])
        assert {type(item) for item in (*way, *grid[1], *space.sample(2))} == {type(a)}
