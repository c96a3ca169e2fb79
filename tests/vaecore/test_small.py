"""The loop for small networks: its budget, its learning rate, its average."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from vaecore.training.small import SmallLoop, cosine, ramped_decay


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def problem(seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer, Tensor]:
    """Return a network with a buffer and a counter, an optimiser, and data."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    return network, torch.optim.SGD(network.parameters(), lr=9.0), torch.randn(32, 3)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_cosine_falls_from_one_to_its_floor(done: float, floor: float) -> None:
    assert floor - 1e-12 <= cosine(done, floor) <= 1
    assert cosine(0, floor) == pytest.approx(1)
    assert cosine(1, floor) == cosine(1.5, floor) == pytest.approx(floor)
    assert cosine(done, floor) >= cosine(min(1.0, done + 0.1), floor) - 1e-12


def test_the_decay_rises_to_its_largest() -> None:
    decay = ramped_decay(0.9)
    assert [decay(t) for t in (0, 1, 8)] == [1 / 10, 2 / 11, 9 / 18]
    assert decay(1000) == 0.9


def test_it_takes_as_many_steps_and_the_rates_it_is_given() -> None:
    network, optimizer, x = problem()
    rates, seen = [], []
    loop = SmallLoop(
        network, optimizer, lambda done, step: 0.1 * cosine(done) * min(1, step + 1), steps=4
    )

    def loss(step: int) -> Tensor:
        rates.append(optimizer.param_groups[0]["lr"])
        seen.append(step)
        return network(x).square().mean()

    assert list(loop.run(loss)) == [1, 2, 3, 4]
    assert seen == [0, 1, 2, 3]
    assert rates == [0.1 * cosine(k / 4) for k in range(4)]
    assert loop.average is network
    assert loop.done == 1
    assert list(loop.run(loss)) == []


@pytest.mark.parametrize(("steps", "expected"), [(None, 6), (4, 4), (100, 6)])
def test_minutes_end_it_too_and_the_rate_with_them(steps: int | None, expected: int) -> None:
    network, optimizer, x = problem()
    clock, shares = Clock(), []
    loop = SmallLoop(
        network, optimizer, lambda done, _: shares.append(done) or 0.1, steps=steps, minutes=1,
        clock=clock,
    )  # fmt: skip

    def loss(step: int) -> Tensor:
        clock.now += 10
        return network(x).square().mean()

    assert list(loop.run(loss))[-1] == expected
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert loop.seconds == 10 * expected


def test_the_average_is_the_one_of_its_decay() -> None:
    network, optimizer, x = problem()
    loop = SmallLoop(network, optimizer, lambda *_: 0.1, steps=5, decay=lambda t: t / (t + 1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    expected = {name: before[name].double() for name in before}
    for step in loop.run(lambda _: network(x).square().mean()):
        share = step / (step + 1)
        for name, value in network.state_dict().items():
            expected[name] = share * expected[name] + (1 - share) * value.double()
    for name, value in loop.average.state_dict().items():
        if value.is_floating_point():  # the running statistics, too
            torch.testing.assert_close(value.double(), expected[name], atol=1e-6, rtol=1e-5)
            assert not torch.equal(value, network.state_dict()[name]), name
        else:
            assert value == 5


def test_gradients_are_clipped() -> None:
    network, optimizer, x = problem()
    before = torch.cat([p.detach().flatten() for p in network.parameters()])
    loop = SmallLoop(network, optimizer, lambda *_: 1.0, steps=1, clip=0.5)
    list(loop.run(lambda _: 1e6 * network(x).square().mean()))
    moved = torch.cat([p.detach().flatten() for p in network.parameters()]) - before
    assert moved.norm() == pytest.approx(0.5, rel=1e-3)


def test_it_learns_and_says_how_well_and_works_on_a_device() -> None:
    network, optimizer, x = problem()
    loop = SmallLoop(network, optimizer, lambda *_: 0.1, steps=300, device="cpu")
    assert math.isnan(loop.loss)
    list(loop.run(lambda _: (network(x) - x[:, :1]).square().mean()))
    assert loop.loss < 0.2 * x[:, 0].var()
    assert next(loop.average.parameters()).device.type == "cpu"


@pytest.mark.parametrize("budget", [{}, {"steps": 0}, {"steps": -1}, {"minutes": -1}])
def test_without_a_budget_there_is_no_training(budget: dict) -> None:
    network, optimizer, _ = problem()
    with pytest.raises(ValueError, match="needs steps or minutes above 0"):
        SmallLoop(network, optimizer, lambda *_: 0.1, **budget)
