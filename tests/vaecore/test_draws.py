"""Draws: what is poor is drawn again, and each has randomness of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from vaecore.draws import Draws, draw
from vaecore.priors import Flow, GaussianMixture, StandardNormal
from vaecore.priors.base import streams


def _once(sources: Sequence[Generator], number: int) -> Tensor:
    return torch.stack([torch.rand(1, generator=each) for each in sources])


def _small(x: Tensor) -> Tensor:
    return x[:, 0] < 0.6


def test_what_is_poor_is_drawn_again() -> None:
    found = draw(40, 1, _once, _small)
    first = draw(40, 1, _once, _small, rounds=0)
    assert first.again == 0
    assert first.poor == int(_small(first.x).sum()) > 15
    assert torch.equal(found.x[~_small(first.x)], first.x[~_small(first.x)])
    assert found.again > first.poor
    assert found.poor == int(_small(found.x).sum()) < 5
    assert torch.equal(draw(7, 1, _once, _small).x, found.x[:7])
    assert not torch.equal(draw(40, 2, _once, _small).x, found.x)


def test_what_stays_poor_is_kept_after_the_last_round() -> None:
    found = draw(3, 1, _once, lambda x: torch.ones(len(x)).bool(), rounds=4)
    assert (found.again, found.poor) == (12, 3)
    assert found.text == (
        "12 draws were empty, nearly empty or chaotic, and drawn again; 3 of 3 still so"
    )
    assert Draws(found.x, 1).text == "1 draw was empty, nearly empty or chaotic, and drawn again"
    assert not Draws(found.x).text


def test_codes_do_not_depend_on_how_many_there_are() -> None:
    generator = torch.Generator().manual_seed(0)
    means, factors = torch.randn(3, 5, generator=generator), torch.randn(3, 5, 5).tril() * 0.1
    factors.diagonal(dim1=1, dim2=2).fill_(1.0)
    conditions = torch.randint(4, (9, 2, 2), generator=generator)
    priors = (
        StandardNormal(5),
        GaussianMixture(torch.ones(3), means, factors),
        GaussianMixture(torch.ones(3), means, torch.ones(3, 5)),
        Flow(6, 8, 1, 2, torch.eye(6) + 0.1, conditions=conditions).eval(),
    )
    for prior in priors:
        many = prior.sample(19, streams(3, 19))
        assert len(torch.unique(many, dim=0)) == 19
        for n in (1, 2, 8):
            assert torch.equal(prior.sample(n, streams(3, n)), many[:n])
        assert abs(float(prior.sample(300, streams(4, 300)).std()) - float(many.std())) < 0.4
