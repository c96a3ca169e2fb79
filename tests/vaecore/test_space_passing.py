"""From one piece to another while both go on: each round is blended at its place in the whole."""

from __future__ import annotations

import pytest
import torch
from test_space_flow import Points, formed, with_forms, xs  # noqa: F401 - fixtures
from torch import Tensor

from vaecore.space import LatentSpace

A, B, C = torch.tensor([[3.0, 3.0], [-1.0, 2.0], [0.5, -2.0]])
WAYS = [
    {},
    {"timing": "latent"},
    {"path": "slerp", "timing": "perceived"},
    {"path": "lerp", "timing": "perceived"},
]


class Bent(Points):
    """Of points: all change is near 3, and what is below -0.5 is mended."""

    def change(self, x: Tensor) -> Tensor:
        return super().change(torch.sigmoid(4 * (x - 3)))

    def mended(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        assert like is not None
        return x.clamp(min=-0.5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ends", [(A, B), (A, B, C)])
def test_a_round_of_the_same_items_is_the_step_of_their_blend(
    with_forms: LatentSpace,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    way: dict[str, str],
    ends: tuple[Tensor, ...],
) -> None:
    monkeypatch.setattr(type(with_forms.codec), "perception", Bent())
    found = torch.tensor(xs(with_forms.pass_through([ends] * 7, **way)))
    whole = torch.tensor(xs(with_forms.interpolate(*ends, steps=7, **way)))
    torch.testing.assert_close(found, whole)


def test_each_round_has_its_own_items(space: LatentSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(space.codec), "perception", Bent())
    rounds = [(A + k, B - k) for k in range(5)]
    found = xs(space.pass_through(rounds, timing="perceived"))
    for k, ends in enumerate(rounds):
        assert found[k] == xs(space.interpolate(*ends, steps=5, timing="perceived"))[k]
    latent = torch.tensor(xs(space.pass_through(rounds, timing="latent")))
    assert not torch.allclose(torch.tensor(found)[1:4], latent[1:4], atol=0.1)


def test_what_is_between_is_mended_and_ends_are_as_the_model_keeps_them(
    space: LatentSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(space.codec), "perception", Bent())
    low = torch.tensor([-2.0, -3.0])
    found = torch.tensor(xs(space.pass_through([(low, B)] * 4, path="lerp", timing="latent")))
    assert torch.equal(found[0], low)
    assert torch.equal(found[-1], B)
    assert float(found[1:3].min()) == -0.5


@pytest.mark.parametrize(("count", "near"), [(1, 0), (2, 0), (17, 0.02), (90, 0.04)])
def test_long_pieces_go_evenly_from_the_first_to_the_last(
    space: LatentSpace, monkeypatch: pytest.MonkeyPatch, count: int, near: float
) -> None:
    points = Points()
    monkeypatch.setattr(type(space.codec), "perception", points)
    found = torch.tensor(xs(space.pass_through([(A, B)] * count, path="lerp", timing="perceived")))
    places = torch.linspace(0, 1, count) if count > 1 else torch.zeros(1)
    gone = (found - A).abs().sum(1) / (A - B).abs().sum()
    assert (gone - places).abs().max() <= near + 1e-6
    assert space.pass_through([]) == []


def test_contexts_are_blended_by_the_place(space: LatentSpace) -> None:
    made = space.codec.decode
    rounds = [(made(A, 0.0), made(B + k, 8.0)) for k in range(3)]
    assert [item.colour for item in space.pass_through(rounds)] == [0.0, 4.0, 8.0]


def test_rounds_of_the_same_items_are_not_alike(
    space: LatentSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a loop: the decoder knows few examples, so that steps of one length repeat them."""

    def whole(z: Tensor, *args: object) -> Tensor:
        return (2 * z.clamp(max=1.5) * 4).round() / 4

    monkeypatch.setattr(space.model, "decode", whole)
    monkeypatch.setattr(type(space.codec), "perception", Points())
    rounds = [(torch.tensor([0.0, 0.0]), torch.tensor([0.0, 12.0]))] * 12
    perceived, latent = (
        xs(space.pass_through(rounds, path="lerp", timing=timing))
        for timing in ("perceived", "latent")
    )
    assert len({tuple(x) for x in latent}) == 4  # it reaches its end after a quarter of the way
    assert len({tuple(x) for x in perceived}) == 12
