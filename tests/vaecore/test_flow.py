"""The flow prior: it learns what Gaussians cannot say, and is stored whole."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vaecore.distributions import DiagonalGaussian
from vaecore.priors import Flow, fit_flow
from vaecore.priors.fitting import guided


def ring(n: int, seed: int) -> Tensor:
    """Return codes on a circle of radius sqrt(2): each dimension has variance 1."""
    angle = 2 * math.pi * torch.rand(n, generator=torch.Generator().manual_seed(seed))
    return math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], dim=1)


@pytest.fixture(scope="module")
def flow() -> Flow:
    codes = ring(2000, 0)
    posterior = DiagonalGaussian(codes, torch.full_like(codes, 0.05))
    return fit_flow(posterior, steps=400, batch_size=128, learning_rate=6e-3, width=48, blocks=2)


def test_samples_lie_on_the_ring(flow: Flow) -> None:
    radius = flow.sample(500, torch.Generator().manual_seed(1)).norm(dim=1)
    assert float((radius - math.sqrt(2)).abs().mean()) < 0.2
    # A standard normal has a mean distance of 0.5 from the ring.
    assert float((torch.randn(500, 2).norm(dim=1) - math.sqrt(2)).abs().mean()) > 0.4


def test_samples_are_all_around(flow: Flow) -> None:
    z = flow.sample(1000, torch.Generator().manual_seed(2))
    assert z.mean(0).abs().max() < 0.2
    torch.testing.assert_close(z.var(0), torch.ones(2), rtol=0, atol=0.25)


def repeated(n: int, seed: int) -> Tensor:
    """Return three parts of two dimensions, of which the first and the last are the same."""
    a, b = ring(n, seed), ring(n, seed + 1)
    return torch.cat([a, b, a], dim=1)


@pytest.fixture(scope="module")
def basis() -> Tensor:
    """Some coordinates in which the parts do not show."""
    return torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(5))).Q


@pytest.fixture(scope="module")
def grouped(basis: Tensor) -> Flow:
    codes = repeated(2000, 0) @ basis.T + 0.5
    posterior = DiagonalGaussian(codes, torch.full_like(codes, 0.1))
    options = {"width": 32, "blocks": 2, "groups": 3, "basis": basis, "spread": 0.2}
    return fit_flow(posterior, steps=400, batch_size=128, learning_rate=6e-3, **options)


def test_a_flow_of_parts_repeats_them(grouped: Flow, basis: Tensor) -> None:
    z = grouped.sample(500, torch.Generator().manual_seed(1))
    first, middle, last = ((z - 0.5) @ basis).split(2, dim=1)
    assert float((first - last).abs().mean()) < 0.15
    assert float((first - middle).abs().mean()) > 0.8
    assert float((first.norm(dim=1) - math.sqrt(2)).abs().mean()) < 0.2
    assert z.mean(0).sub(0.5).abs().max() < 0.2


@pytest.fixture(scope="module")
def formed() -> Flow:
    """A flow of two parts that are the same where their form says so, which is half of the time."""
    first, other = ring(4000, 0), ring(4000, 1)
    same = torch.arange(4000) % 2 == 0
    codes = torch.cat([first, torch.where(same[:, None], first, other)], dim=1)
    forms = torch.eye(2, dtype=torch.int64).expand(4000, 2, 2).clone()
    forms[same] = 1
    posterior = DiagonalGaussian(codes, torch.full_like(codes, 0.05))
    options = {"width": 32, "blocks": 2, "groups": 2, "basis": torch.eye(4), "condition": forms}
    return fit_flow(posterior, steps=400, batch_size=128, learning_rate=6e-3, **options)


def test_codes_have_the_form_that_was_drawn_or_asked_for(formed: Flow) -> None:
    def apart(z: Tensor) -> Tensor:
        return (z[:, :2] - z[:, 2:]).norm(dim=1)

    generator = torch.Generator().manual_seed(1)
    for form, near in ((torch.ones(2, 2), True), (torch.eye(2), False)):
        forms = form.long().expand(200, 2, 2)
        distance = apart(formed.sample(200, generator, condition=forms))
        assert (float(distance.median()) < 0.3) is near
    distance = apart(formed.sample(400, generator))
    assert 0.35 < float((distance < 0.4).double().mean()) < 0.7
    again = Flow.from_state(formed.state())
    assert again.conditions.dtype == torch.uint8
    z = [each.sample(3, torch.Generator().manual_seed(0)) for each in (formed, again)]
    torch.testing.assert_close(z[0], z[1], rtol=0, atol=0)


@pytest.mark.parametrize(
    "forms", [torch.ones(3, 2, 2), -torch.ones(3, 2, 2).long(), torch.ones(3, 2, 3).long()]
)
def test_forms_of_anything_else_are_refused(forms: Tensor) -> None:
    with pytest.raises(ValueError, match="conditions must be integers"):
        Flow(4, width=4, blocks=1, groups=2, basis=torch.eye(4), conditions=forms)


def test_coordinates_and_codes_are_inverse(grouped: Flow) -> None:
    z = torch.randn(20, 6)
    torch.testing.assert_close(grouped.codes(grouped.coordinates(z)), z, atol=1e-5, rtol=1e-5)


def test_spread_says_how_near_to_the_means_targets_are() -> None:
    codes = torch.zeros(4000, 1)
    posterior = DiagonalGaussian(codes, torch.ones_like(codes))
    flow = Flow(1, width=4, blocks=1)  # says 0, so the loss is the mean square of target - noise
    for spread in (0.0, 0.5, 1.0):
        loss = float(flow.loss(posterior, spread).detach())
        assert loss == pytest.approx(1 + spread**2, rel=0.15)


def test_impossible_groups_and_bases_are_refused() -> None:
    with pytest.raises(ValueError, match="7 dimensions do not make 2 equal groups"):
        Flow(7, groups=2)
    with pytest.raises(ValueError, match="singular"):
        Flow(4, width=4, groups=2, basis=torch.ones(4, 4))


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
    one, two = (fit_flow(posterior, steps=5, width=8, blocks=1, seed=7) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    for name, value in one.state().items():
        torch.testing.assert_close(two.state()[name], value, rtol=0, atol=0)


def test_guidance_goes_away_from_what_a_weaker_flow_says() -> None:
    better, weaker = (Flow(2, width=4, blocks=1) for _ in range(2))  # say 0
    torch.nn.init.constant_(better.network.last.bias, 1.0)
    time = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9])
    velocity = guided(better, weaker, 1.5)(torch.zeros(5, 2), time, None)
    torch.testing.assert_close(velocity[:, 0], torch.tensor([1.0, 2.5, 2.5, 2.5, 1.0]))


def test_a_flow_learns_what_its_guided_self_says() -> None:
    posterior = DiagonalGaussian(ring(2000, 0), torch.full((2000, 2), 0.05))
    options = {"batch_size": 128, "learning_rate": 6e-3, "width": 32, "blocks": 2}

    def off(guidance: float) -> float:
        found = fit_flow(posterior, steps=400, guidance=guidance, **options)
        radius = found.sample(1000, torch.Generator().manual_seed(1)).norm(dim=1)
        return float((radius - math.sqrt(2)).abs().mean())

    assert off(2.0) < 0.2
    # A shorter training would be as near without being guided: it goes further than the ring.
    flow = fit_flow(posterior, steps=400, guidance=40.0, **options)
    assert float(flow.sample(1000, torch.Generator().manual_seed(1)).norm(dim=1).mean()) > 1.6


@pytest.mark.parametrize("which", ["flow", "grouped"])
def test_state_comes_back(request: pytest.FixtureRequest, which: str) -> None:
    flow = request.getfixturevalue(which)
    again = Flow.from_state(flow.state())
    z = [each.sample(3, torch.Generator().manual_seed(0)) for each in (flow, again)]
    torch.testing.assert_close(z[0], z[1], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("basis", torch.zeros(6, 6)),
        ("basis", torch.eye(5)),
        ("center", None),
        ("center", torch.zeros(5)),
        ("position", torch.zeros(2, 32)),
        ("position", torch.zeros(300, 32)),
    ],
)
def test_broken_states_of_parts_are_refused(grouped: Flow, name: str, value) -> None:
    state = grouped.state()
    if value is None:
        del state[name]
    else:
        state[name] = value
    with pytest.raises(ValueError, match=r".+"):
        Flow.from_state(state)


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
