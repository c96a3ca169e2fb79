"""The head that draws performances: one density, however it is asked."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.representations.groove.networks import PerformanceHead
from seqvae.music.representations.groove.performance import hit_classes


@pytest.fixture
def head() -> PerformanceHead:
    torch.manual_seed(1)
    made = PerformanceHead(6, 2)
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made


@torch.no_grad()
def test_the_density_of_a_performance_integrates_to_one(head: PerformanceHead) -> None:
    """Over all hits of two drums, and a fine grid of velocities and offsets of the drums hit."""
    hidden, total = torch.randn(1, 6), 0.0
    velocity = (torch.arange(32) + 0.5) / 32
    offset = (torch.arange(39) + 0.5) / 39 * 2 - 1
    for hits in ((0, 0), (1, 0), (0, 1)):
        k = hits.index(1) if any(hits) else 0
        x = torch.zeros(32 * 39, 6)
        x[:, :2] = torch.tensor(hits)
        x[:, 2 + k] = velocity.repeat_interleave(39) * any(hits)
        x[:, 4 + k] = offset.repeat(32) * any(hits)
        density = head.log_prob(hidden.expand(len(x), -1), x).exp()
        total += float(density[0] if not any(hits) else density.sum() * 2 / 39 / 32)
    both = head.log_prob(hidden, torch.tensor([[1.0, 1, 0.3, 0.7, 0.1, -0.2]]))
    chosen = head(hidden)[0, 3]
    rest = both - chosen  # finite, and checked by the next test
    assert rest.isfinite()
    assert total + float(chosen.exp()) == pytest.approx(1, abs=1e-4)


@torch.no_grad()
def test_draws_follow_the_density(head: PerformanceHead) -> None:
    n = 60_000
    numbers = head.project(torch.randn(1, 6)).expand(n, -1)
    noise = torch.rand(n, 6, generator=torch.Generator().manual_seed(0))
    drawn = hit_classes(head.choose(numbers, 1.0, noise))
    expected = head.logits(numbers[:1])[0].exp()
    torch.testing.assert_close(torch.bincount(drawn, minlength=4) / n, expected, atol=0.01, rtol=0)
    x = head.choose(numbers, 1.0, noise, torch.ones(n, dtype=torch.int64))
    for column, intervals, logits in (
        (2, 32, head._velocity(numbers[:1], x[:1, :2])[0, 0]),
        (4, 39, None),
    ):
        values = x[:, column] if column == 2 else (x[:, column] + 1) / 2
        bins = (values * intervals).long().clamp(max=intervals - 1)
        if logits is None:  # of an offset: given the velocities that were drawn
            given = head._offset(numbers, x[:, :2], x[:, 2:4])[:, 0].softmax(-1).mean(0)
        else:
            given = logits.softmax(-1)
        share = torch.bincount(bins, minlength=intervals) / n
        torch.testing.assert_close(share, given, atol=0.01, rtol=0)
    assert not x[:, [1, 3, 5]].any()


@torch.no_grad()
def test_without_noise_the_hits_are_the_likeliest_and_the_rest_medians(head) -> None:
    numbers = head.project(torch.randn(50, 6))
    x = head.choose(numbers, 0.0, None)
    assert torch.equal(hit_classes(x), head.logits(numbers).argmax(-1))
    middle = torch.full((50, 6), 0.5)
    drawn = head.choose(numbers, 1.0, middle, hit_classes(x))
    torch.testing.assert_close(drawn, x)
    with_all = head.choose(numbers, 0.0, None, torch.full((50,), 3))
    assert (with_all[:, :2] == 1).all()
    assert not torch.equal(with_all[:, 2:], x[:, 2:])


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": "groove", "head": "softmax"},
        {"tokens": "drums", "head": "groove"},
        {"tokens": "drums", "stiff": 0.5},
        {"tokens": "groove", "head": "groove", "stiff": 0.7, "tapped": 0.7},
        {"tokens": "groove", "head": "groove", "classes": 60},
        {"tokens": "groove", "head": "groove", "classes": [9, 9]},
    ],
)
def test_impossible_architectures_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"groove|stiff|drums"):
        SequenceArchitecture(**{"steps": 32, "classes": 9, **wrong})
