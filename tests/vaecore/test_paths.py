"""Interpolation: exact ends, no NaN anywhere, and the geometry it promises."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaecore.paths import (
    bilinear_grid,
    bilinear_weights,
    interpolate,
    interpolation_weights,
    lerp,
    perturb,
    slerp,
)

PATHS = {"lerp": lerp, "slerp": slerp}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def bits(z: torch.Tensor) -> list:
    return z.contiguous().view(torch.int32).tolist()


def reference_slerp(a: torch.Tensor, b: torch.Tensor, t: float) -> torch.Tensor:
    """The formula of the MusicVAE code, in float64."""
    a, b = a.double(), b.double()
    omega = torch.arccos((a / a.norm()) @ (b / b.norm()))
    return (((1 - t) * omega).sin() * a + (t * omega).sin() * b) / omega.sin()


@given(latent_dim=st.integers(2, 512), seed=st.integers(0, 2**32 - 2), t=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_slerp_is_the_formula(latent_dim, seed, t):
    a, b = 3 * normal(latent_dim, seed=seed), normal(latent_dim, seed=seed + 1)
    expected = reference_slerp(a, b, t).float()
    torch.testing.assert_close(slerp(a, b, t), expected, atol=3e-3, rtol=1e-3)


def test_slerp_stays_on_the_sphere_at_constant_speed():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    t = torch.linspace(0, 1, 7)
    z = slerp(a, b, t)
    torch.testing.assert_close(z.norm(dim=-1), torch.full((7,), 2.0))
    torch.testing.assert_close(torch.atan2(z[:, 1], z[:, 0]), t * math.pi / 2)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6, 1e30])
@pytest.mark.parametrize("factor", [1.0, -1.0, 0.0, 2.0, -0.5, 1 + 1e-6])
def test_slerp_falls_back_to_the_line(scale, factor):
    a = scale * normal(50, 512)
    b = factor * a
    t = torch.rand(50, generator=torch.Generator().manual_seed(1))
    for start, end in ((a, b), (b, a)):
        z = slerp(start, end, t)
        assert z.isfinite().all()
        torch.testing.assert_close(z, lerp(start, end, t), atol=1e-6 * scale, rtol=1e-5)


def test_slerp_of_equal_points_stays_there():
    z = normal(2000, 512)
    assert torch.equal(slerp(z, z, 0.3), z)


def test_slerp_meets_the_line_where_the_angle_vanishes():
    a, sideways = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    for angle in (1e-5, 0.9e-4, 1.1e-4, 1e-3):
        b = math.cos(angle) * a + math.sin(angle) * sideways
        torch.testing.assert_close(slerp(a, b, 0.5), lerp(a, b, 0.5), atol=2e-7, rtol=0)


def test_slerp_gradients_are_finite_even_on_the_fallback():
    a = torch.stack([torch.ones(4), torch.zeros(4), torch.ones(4)]).requires_grad_()
    b = torch.stack([torch.ones(4), torch.ones(4), -torch.ones(4)]).requires_grad_()
    slerp(a, b, 0.3).sum().backward()
    assert a.grad.isfinite().all()
    assert b.grad.isfinite().all()


@pytest.mark.parametrize("path", PATHS)
@given(
    points=st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), min_size=2, max_size=5
    ),
    steps=st.integers(2, 12),
)
@settings(max_examples=80, deadline=None)
def test_ends_are_exact_bit_for_bit(path, points, steps):
    points = torch.tensor(points)
    z = interpolate(points, steps, path)
    assert z.shape == (steps, 3)
    assert z.isfinite().all()
    assert bits(z[0]) == bits(points[0])
    assert bits(z[-1]) == bits(points[-1])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("n", "per_segment"), [(2, 5), (3, 7), (5, 1), (6, 3), (4, 11)])
def test_points_between_are_hit_exactly(path, n, per_segment):
    points = normal(n, 16)
    z = interpolate(points, (n - 1) * per_segment + 1, path)
    assert bits(z[::per_segment]) == bits(points)


def test_straight_path_is_the_weighted_sum_of_its_points():
    points = normal(4, 8)
    weights = interpolation_weights(4, 9)
    torch.testing.assert_close(interpolate(points, 9, "lerp"), weights @ points)
    torch.testing.assert_close(weights.sum(1), torch.ones(9))
    assert weights.min() >= 0
    expected = torch.tensor([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]])
    assert torch.equal(interpolation_weights(3, 5), expected)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (5, 5), (3, 8)])
def test_grid_contains_its_corners_exactly(path, rows, columns):
    corners = normal(4, 32)
    grid = bilinear_grid(corners, rows, columns, path)
    assert grid.shape == (rows, columns, 32)
    found = torch.stack([grid[0, 0], grid[0, -1], grid[-1, 0], grid[-1, -1]])
    assert bits(found) == bits(corners)
    # Its edges are the interpolations between its corners.
    assert bits(grid[:, 0]) == bits(interpolate(corners[[0, 2]], rows, path))
    torch.testing.assert_close(grid[0], interpolate(corners[:2], columns, path))


def test_straight_grid_is_the_weighted_sum_of_its_corners():
    corners, weights = normal(4, 8), bilinear_weights(4, 7)
    grid = bilinear_grid(corners, 4, 7)
    torch.testing.assert_close(grid, torch.einsum("rck,kd->rcd", weights, corners))
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 7))
    assert weights[-1, 0].tolist() == [0, 0, 1, 0]


def test_perturb_goes_from_the_point_to_the_prior():
    z = normal(512)
    generator = torch.Generator().manual_seed(1)
    assert torch.equal(perturb(z, 0.0, 3, generator), z.expand(3, -1))
    fresh = perturb(z, 1.0, 2000, generator)
    assert (fresh @ z / z.norm() / 2000**0.5).mean().abs() < 0.1
    assert fresh.std().item() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("amount", [0.1, 0.5, 0.9])
def test_perturb_keeps_the_length(amount):
    z = normal(512) / normal(512).norm() * 512**0.5
    varied = perturb(z, amount, 500, torch.Generator().manual_seed(1))
    assert varied.square().sum(1).mean().item() == pytest.approx(512, rel=0.02)
    alike = torch.cosine_similarity(varied, z.expand_as(varied), dim=1).mean().item()
    assert alike == pytest.approx((1 - amount**2) ** 0.5, abs=0.02)


@pytest.mark.parametrize(
    "call",
    [
        lambda: interpolate(normal(2, 4), 3, "bezier"),
        lambda: interpolate(normal(1, 4), 3),
        lambda: interpolate(normal(2, 4), 1),
        lambda: interpolate(normal(4), 3),
        lambda: interpolation_weights(2, 1),
        lambda: bilinear_grid(normal(3, 4), 3, 3),
        lambda: bilinear_grid(normal(4, 4), 3, 1),
        lambda: bilinear_grid(normal(4, 4), 3, 3, "bezier"),
        lambda: perturb(normal(4), 1.1, 2),
        lambda: perturb(normal(4), -0.1, 2),
    ],
)
def test_misuse_is_refused(call):
    with pytest.raises(ValueError, match=r"unknown path|need at least 2|must be"):
        call()


@pytest.mark.parametrize("path", PATHS)
@given(
    points=st.lists(
        st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3), min_size=2, max_size=4
    ),
    steps=st.integers(2, 12),
)
@settings(max_examples=40, deadline=None)
def test_timed_steps_keep_the_path_its_order_and_its_ends(path, points, steps):
    points = torch.tensor(points)
    z = interpolate(points, steps, path, lambda codes: codes.exp().diff(dim=0).norm(dim=1))
    assert z.shape == (steps, 3)
    assert bits(z[0]) == bits(points[0])
    assert bits(z[-1]) == bits(points[-1])
    through = interpolate(points, 2 * len(points) - 1, path, lambda codes: torch.ones(32))
    assert bits(through[::2]) == bits(points)


def test_timed_steps_are_even_in_what_was_measured():
    points = torch.tensor([[0.0], [3.0], [0.0]])
    z = interpolate(points, 13, "lerp", lambda codes: codes.exp().diff(dim=0).abs().squeeze(1))
    sizes = z.exp().diff(dim=0).abs().squeeze(1)
    assert sizes.max() / sizes.min() < 1.05
    untimed = interpolate(points, 13, "lerp").exp().diff(dim=0).abs().squeeze(1)
    assert untimed.max() / untimed.min() > 4


@pytest.mark.parametrize("value", [0.0, math.inf, math.nan])
def test_a_change_that_says_nothing_leaves_the_steps_as_they_are(value):
    points = normal(3, 4)
    z = interpolate(points, 7, "lerp", lambda codes: torch.full((32,), value))
    torch.testing.assert_close(z, interpolate(points, 7, "lerp"))


def test_timed_steps_keep_ends_at_which_nothing_changes():
    points = torch.tensor([[0.0], [8.0]])
    change = torch.zeros(32)
    change[10:20] = 1
    z = interpolate(points, 5, "lerp", lambda codes: change)
    assert z[0] == 0
    assert z[-1] == 8
    assert 2 < z[1] < z[2] < z[3] < 6
