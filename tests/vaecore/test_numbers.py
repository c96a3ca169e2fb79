"""What must hold whatever the numbers are: paths, the KL, schedules, the gradient of the loss."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import LineVAE, Sizes
from torch import Tensor

from vaecore.distributions import DiagonalGaussian, kl_divergence
from vaecore.objective import Objective
from vaecore.paths import interpolate, lerp, slerp
from vaecore.schedules import make_schedule

KINDS = {torch.float16: 6e4, torch.float32: 1e18, torch.float64: 1e150}
"""Types, and the largest numbers whose squares and sums the paths are asked to bear."""
quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)
share = st.floats(0, 1)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Two codes: any, equal, opposite, parallel, zero, tiny or huge, of one type."""
    kind = draw(st.sampled_from(list(KINDS)))
    size = draw(st.integers(1, 6))
    scale = draw(st.sampled_from([0.0, 1e-7, 1e-3, 1.0, 30.0, KINDS[kind] / 8]))
    values = st.lists(st.floats(-1, 1), min_size=size, max_size=size)
    a = scale * torch.tensor(draw(values), dtype=torch.float64)
    how = draw(st.sampled_from(["any", "equal", "opposite", "parallel", "zero"]))
    b = {
        "any": scale * torch.tensor(draw(values), dtype=torch.float64),
        "equal": a.clone(),
        "opposite": -a,
        "parallel": a * 0.5,
        "zero": torch.zeros(size, dtype=torch.float64),
    }[how]
    return a.to(kind), b.to(kind)


@quick
@given(pairs(), share, st.sampled_from([lerp, slerp]))
def test_paths_are_exact_at_their_ends_finite_and_symmetric(
    pair: tuple[Tensor, Tensor], t: float, path
) -> None:
    a, b = pair
    assert torch.equal(path(a, b, 0.0), a)
    assert torch.equal(path(a, b, 1.0), b)
    between, back = path(a, b, t), path(b, a, 1 - t)
    assert between.dtype == a.dtype
    assert torch.isfinite(between).all()
    largest = max(float(a.abs().max()), float(b.abs().max()))
    coarse = {torch.float16: 4e-3, torch.float32: 2e-5, torch.float64: 1e-6}[a.dtype]
    assert float((between.double() - back.double()).abs().max()) <= coarse * largest + 1e-7


@quick
@given(pairs(), st.integers(2, 9), st.sampled_from(["lerp", "slerp"]))
def test_interpolations_begin_and_end_with_their_ends(
    pair: tuple[Tensor, Tensor], steps: int, path: str
) -> None:
    z = torch.stack(pair)
    way = interpolate(z, steps, path)
    assert way.shape == (steps, z.shape[1])
    assert torch.equal(way[0], z[0])
    assert torch.equal(way[-1], z[1])
    assert torch.isfinite(way).all()


posteriors = st.lists(
    st.tuples(st.floats(-30, 30), st.floats(1e-3, 30)), min_size=1, max_size=5
).map(lambda rows: torch.tensor(rows, dtype=torch.float64).T)


@quick
@given(posteriors)
def test_the_kl_is_never_negative_and_zero_for_the_prior(rows: Tensor) -> None:
    mean, stddev = rows[:1], rows[1:]
    for kind in (torch.float32, torch.float64):
        kl = kl_divergence(mean.to(kind), stddev.to(kind))
        assert (kl >= 0).all()
        assert torch.isfinite(kl).all()
    assert kl_divergence(torch.zeros_like(mean), torch.ones_like(stddev)).item() == 0
    posterior = DiagonalGaussian(mean, stddev)
    assert posterior.kl(posterior).abs().item() < 1e-9


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(st.floats(-2, 2), st.floats(0.2, 2), st.floats(-2, 2), st.floats(0.3, 2))
def test_the_kl_is_that_of_monte_carlo(m: float, s: float, n: float, r: float) -> None:
    def one(mean: float, stddev: float) -> DiagonalGaussian:
        return DiagonalGaussian(torch.tensor([[mean]]).double(), torch.tensor([[stddev]]).double())

    q, p = one(m, s), one(n, r)
    z = q.sample(torch.Generator().manual_seed(0), 40_000)
    for other, kl in ((p, q.kl(p)), (one(0, 1), q.kl())):
        ratio = (q.log_prob(z) - other.log_prob(z)).flatten()
        error = 5 * float(ratio.std()) / math.sqrt(len(ratio)) + 1e-6
        assert abs(float(ratio.mean()) - kl.item()) < error


SCHEDULES = st.one_of(
    st.floats(0, 10).map(lambda beta: {"kind": "constant", "beta": beta}),
    st.tuples(st.integers(1, 10**6), st.floats(0, 10)).map(
        lambda v: {"kind": "linear", "steps": v[0], "max_beta": v[1]}
    ),
    st.tuples(st.floats(0, 0.999999), st.floats(0, 10)).map(
        lambda v: {"kind": "exponential", "rate": v[0], "max_beta": v[1]}
    ),
)


@quick
@given(SCHEDULES, st.lists(st.integers(0, 10**7), min_size=2, max_size=8))
def test_warming_up_never_cools_down(config: dict[str, object], steps: list[int]) -> None:
    schedule = make_schedule(config)
    weights = [schedule(step) for step in sorted(steps)]
    assert weights == sorted(weights)
    assert all(0 <= weight <= schedule.final * (1 + 1e-12) for weight in weights)


@quick
@given(st.integers(1, 1000), st.floats(0, 10), st.floats(0.01, 1), st.integers(0, 10**6))
def test_a_cycle_rises_and_begins_again(period: int, most: float, ramp: float, step: int) -> None:
    schedule = make_schedule({"kind": "cyclical", "period": period, "max_beta": most, "ramp": ramp})
    within = [schedule(step - step % period + k) for k in range(0, period, max(1, period // 9))]
    assert within == sorted(within)
    assert within[0] == 0
    assert schedule(step) == schedule(step + period)
    assert max(within) <= most


@pytest.mark.parametrize(
    "objective",
    [
        Objective(),
        Objective(beta=0.3, free_bits=0.5, reconstruction_factor=7),
        Objective("autoencoder"),
        Objective("kl_only", beta=2.0),
    ],
)
def test_the_gradient_of_the_loss_is_its_slope(objective: Objective) -> None:
    torch.manual_seed(0)
    model = LineVAE(Sizes(), objective).double()
    x = torch.randn(5, 8, dtype=torch.float64)
    parameters = list(model.parameters())

    def loss(*values: Tensor) -> Tensor:
        named = dict(zip(dict(model.named_parameters()), values, strict=True))
        generator = torch.Generator().manual_seed(1)
        with torch.nn.utils.parametrize.cached():
            return torch.func.functional_call(_Loss(model, generator), {
                f"model.{name}": value for name, value in named.items()
            }, (x,))  # fmt: skip

    assert torch.autograd.gradcheck(loss, parameters, eps=1e-6, atol=1e-5)


class _Loss(torch.nn.Module):
    """The loss of a model, with the same noise at every call."""

    def __init__(self, model: LineVAE, generator: torch.Generator) -> None:
        super().__init__()
        self.model, self.generator = model, generator

    def forward(self, x: Tensor) -> Tensor:
        return self.model.loss(x, None, self.generator).loss
