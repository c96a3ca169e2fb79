"""How long an attribute vector is: on codes and trials whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaecore.calibration import (
    cleanest,
    crossing_length,
    fisher_axis,
    separability,
    shortest_length,
)

seeds = st.integers(0, 2**31 - 1)


def sides(seed: int, n: int = 200, dims: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two sets of correlated codes, some way apart."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(dims, dims, generator=generator) + 2 * torch.eye(dims)
    shift = 1 + 3 * torch.rand(dims, generator=generator)
    first, second = (torch.randn(n, dims, generator=generator) for _ in range(2))
    return (first + shift) @ mix, second @ mix


def test_a_step_crosses_the_middle_in_as_many_as_it_says() -> None:
    generator = torch.Generator().manual_seed(1)
    having = torch.rand(4000, generator=generator) < 0.3
    codes = torch.randn(4000, 4, generator=generator)
    codes[having, 0] += 6
    # Lacking codes are N(0, 1) on the first axis and the middle is at 3; 95 % are below 1.64, so
    # that the lowest 5 % have 3 + 1.64 to go.
    step = crossing_length(codes[having], codes[~having], torch.tensor([0.5, 0, 0, 0]))
    assert step == pytest.approx(2 * (3 + 1.645), rel=0.05)
    away = torch.tensor([-1.0, 0, 0, 0])
    assert crossing_length(codes[having], codes[~having], away) == 1  # no length leads across


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(0.5, 0.99), st.floats(0.1, 10))
def test_a_crossing_step_moves_the_share_and_scales_with_the_vector(
    seed: int, share: float, scale: float
) -> None:
    having, lacking = sides(seed)
    vector = having.mean(0) - lacking.mean(0)
    step = crossing_length(having, lacking, vector, share)
    axis = fisher_axis(having, lacking)
    middle = 0.5 * (having.double().mean(0) + lacking.double().mean(0)) @ axis
    across = (lacking.double() + step * vector.double()) @ axis >= middle - 1e-6
    assert across.double().mean() >= share - 0.02
    assert crossing_length(having, lacking, scale * vector, share) == pytest.approx(
        step / scale, rel=1e-3
    )


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_fisher_axis_separates_at_least_as_well_as_the_means(seed: int) -> None:
    having, lacking = sides(seed)
    axis, means = fisher_axis(having, lacking), having.mean(0) - lacking.mean(0)

    def ratio(direction: torch.Tensor) -> float:
        one, other = having.double() @ direction, lacking.double() @ direction
        within = one.var(correction=0) + other.var(correction=0)
        return float((one.mean() - other.mean()) ** 2 / within)

    assert ratio(axis) >= ratio(means.double()) * 0.99
    assert axis @ means.double() > 0


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(0.1, 10))
def test_separability_is_a_share_of_both_sides(seed: int, scale: float) -> None:
    having, lacking = sides(seed)
    vector = having.mean(0) - lacking.mean(0)
    found = separability(having, lacking, vector)
    assert 0.5 < found <= 1
    assert separability(having, lacking, scale * vector) == pytest.approx(found, abs=0.01)
    assert separability(lacking, having, -vector) == pytest.approx(found, abs=0.01)
    far = 1000 * vector / vector.norm()
    assert separability(having + far, lacking, vector) == 1


@given(st.integers(1, 12), st.data())
def test_the_shortest_length_is_enough_and_the_next_shorter_is_not(n: int, data) -> None:
    lengths = [1.5**k for k in range(n)]
    first, threshold = data.draw(st.integers(0, n - 1)), data.draw(st.floats(0.1, 2 * lengths[-1]))
    tried: list[float] = []

    def shown(length: float) -> float:
        tried.append(length)
        return 1.0 if length >= threshold else length / threshold * 0.9

    found = shortest_length(shown, lengths, first)
    enough = [length for length in lengths if length >= threshold]
    assert found == (min(enough) if enough else max(lengths))
    assert len(tried) == len(set(tried))  # each costs a decoding of hundreds


def test_where_no_length_is_enough_the_shortest_of_the_best_is_taken() -> None:
    shares = {1.0: 0.2, 2.0: 0.5, 3.0: 0.5, 4.0: 0.4}
    assert shortest_length(shares.__getitem__, list(shares)) == 2.0


@given(seeds, st.integers(2, 6), st.integers(1, 5))
def test_the_cleanest_candidate_is_a_perfect_one_wherever_it_is(
    seed: int, candidates: int, properties: int
) -> None:
    random = np.random.default_rng(seed)
    change = random.normal(0, 1, (candidates, properties)) + 3
    row, column = int(random.integers(candidates)), int(random.integers(properties))
    change[row] = np.arange(properties) == column
    others = [k for k in range(properties) if k != column]
    assert cleanest(change, column, others) == row


def test_a_change_of_others_weighs_twice() -> None:
    change = np.array([[1.0, 0.3], [0.5, 0.0]])
    assert cleanest(change, 0, [1]) == 1
    assert cleanest(change, 0, []) == 0
