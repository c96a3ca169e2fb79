"""The flow prior: it learns what Gaussians cannot say, and is stored whole."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vaecore.distributions import DiagonalGaussian
from vaecore.flow import Flow


def ring(n: int, seed: int) -> Tensor:
    """Return codes on a circle of radius sqrt(2): each dimension has variance 1."""
    angle = 2 * math.pi * torch.rand(n, generator=torch.Generator().manual_seed(seed))
    return math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], dim=1)


@pytest.fixture(scope="module")
def flow() -> Flow:
    codes = ring(2000, 0)
    posterior = DiagonalGaussian(codes, torch.full_like(codes, 0.05))
    return Flow.fit(posterior, steps=600, batch_size=256, width=64, blocks=2)


def test_samples_lie_on_the_ring(flow: Flow) -> None:
    radius = flow.sample(500, torch.Generator().manual_seed(1)).norm(dim=1)
    assert float((radius - math.sqrt(2)).abs().mean()) < 0.2
    # A standard normal has a mean distance of 0.5 from the ring.
    assert float((torch.randn(500, 2).norm(dim=1) - math.sqrt(2)).abs().mean()) > 0.4


def test_samples_are_all_around(flow: Flow) -> None:
    z = flow.sample(1000, torch.Generator().manual_seed(2))
    assert z.mean(0).abs().max() < 0.2
    torch.testing.assert_close(z.var(0), torch.ones(2), rtol=0, atol=0.25)


def test_seeds(flow: Flow) -> None:
    first, again, other = (
        flow.sample(4, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)


def test_fit_is_repeatable_and_leaves_the_global_generator_alone() -> None:
    codes = ring(64, 0)
    posterior = DiagonalGaussian(codes, torch.full_like(codes, 0.1))
    before = torch.random.get_rng_state()
    one, two = (Flow.fit(posterior, steps=5, width=8, blocks=1, seed=7) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    for name, value in one.state().items():
        torch.testing.assert_close(two.state()[name], value, rtol=0, atol=0)


def test_state_comes_back(flow: Flow) -> None:
    again = Flow.from_state(flow.state())
    z = [each.sample(3, torch.Generator().manual_seed(0)) for each in (flow, again)]
    torch.testing.assert_close(z[0], z[1], rtol=0, atol=0)


@pytest.mark.parametrize("what", ["missing", "unknown", "misshapen", "empty"])
def test_broken_states_are_refused(flow: Flow, what: str) -> None:
    state = flow.state()
    if what == "missing":
        del state["last.bias"]
    elif what == "unknown":
        state["more"] = torch.zeros(2)
    elif what == "misshapen":
        state["last.bias"] = torch.zeros(9)
    else:
        state = {}
    with pytest.raises(ValueError, match=r".+"):
        Flow.from_state(state)
