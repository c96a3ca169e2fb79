"""Paths through a latent space: straight and spherical, between two points, several, or four."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from vaecore.distributions import reparameterize

_SMALLEST_SINE = 1e-4
"""Below this sine of the angle, float32 does not resolve the plane that the arc lies in."""
_GRID = 33
"""Points of a segment at which change is measured."""

Change = Callable[[Tensor], Tensor]
"""Maps codes `(n, latent_dim)` to the decoded change from each to the next, `(n - 1,)`."""
Path = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A path between two points, with the arguments of `lerp`."""
Walk = Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor]
"""Chooses codes `(m, latent_dim)` on a path, given the shares `(m,)` of its change to reach (0 and
1 are the ends), and the path as a function from positions `(k,)` in 0..1 to codes."""


def lerp(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """Return the point at t on the straight line from a to b.

    Args:
        a: Start, `(..., latent_dim)`.
        b: End, the same shape, or one that broadcasts with it.
        t: Position, 0 at a and 1 at b (both exactly): a number, or a tensor that broadcasts
            with the leading axes of the points, that is without their latent axis.

    Returns:
        `(..., latent_dim)`.
    """
    t = _position(t, a)
    return _exact_ends(a, b, t, torch.lerp(a, b, t))


def slerp(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """Return the point at t on the arc from a to b; arguments and result as for `lerp`.

    Spherical interpolation by the angle between the vectors. Its weights apply to the vectors
    themselves, so that lengths are blended too (Shoemake, 1985; Roberts et al., MusicVAE, 2018).
    For vectors that are parallel, opposite or zero, it is the straight line.
    """
    if a.dtype in (torch.float16, torch.bfloat16):  # `_SMALLEST_SINE` is below their resolution
        return slerp(a.float(), b.float(), t).to(a.dtype)
    t = _position(t, a)
    u, v = normalize(a, dim=-1), normalize(b, dim=-1)
    # Kahan's formula: exact also where the arccosine of the dot product loses precision.
    apart, together = (u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(apart, together)
    sine = angle.sin()
    # A zero vector keeps a zero direction, and then the two lengths are equal: angle pi / 2.
    directions = u.norm(dim=-1, keepdim=True) * v.norm(dim=-1, keepdim=True)
    line = (sine < _SMALLEST_SINE) | (directions < 0.5)
    sine = torch.where(line, 1.0, sine)
    arc = ((1 - t) * angle).sin() / sine * a + (t * angle).sin() / sine * b
    return _exact_ends(a, b, t, torch.where(line, torch.lerp(a, b, t), arc))


def bent(there: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]) -> Path:
    """Return the path that is an arc (`slerp`) in other coordinates; its ends are exact.

    Args:
        there: Codes `(n, latent_dim)` to coordinates of the same shape.
        back: The inverse.
    """

    def moved(z: Tensor) -> Tensor:
        # Many steps share their ends: each end is mapped once.
        rows, index = z.reshape(-1, z.shape[-1]).unique(dim=0, return_inverse=True)
        return there(rows)[index].view_as(z)

    def path(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
        arc = slerp(moved(a), moved(b), t)
        return _exact_ends(a, b, _position(t, a), back(arc.flatten(0, -2)).view_as(arc))

    return path


def interpolate(
    points: Tensor,
    steps: int,
    path: str | Path = "slerp",
    change: Change | None = None,
    walk: Walk | None = None,
) -> Tensor:
    """Return even steps on the path from the first point through the others to the last.

    The ends are the points themselves, bit for bit; so are the points between, if `steps - 1` is
    a multiple of the number of segments.

    By default steps are evenly spaced in the latent space. With `change` they are evenly spaced in
    that measure along each segment: the length of the decoded curve (Arvanitidis et al., Latent
    Space Oddity, 2018).

    Args:
        points: `(n, latent_dim)`, n at least 2.
        steps: Number of results, both ends included, at least 2.
        path: Path between neighbouring points: "slerp", "lerp" or a function.
        change: Measures change, at least 0 each.
        walk: Chooses the codes of each segment, in place of `change`.

    Returns:
        `(steps, latent_dim)`.

    Raises:
        ValueError: Too few points or steps, or an unknown path.
    """
    between = _path(path)
    if points.ndim != 2:
        raise ValueError(f"points must be (n, latent_dim), got {tuple(points.shape)}")
    segment, t = _segments(len(points), steps)
    segment, t = segment.to(points.device), t.to(points)
    if change is None and walk is None:
        return between(points[segment], points[segment + 1], t)
    parts = [
        along(points[k], points[k + 1], t[segment == k], path, change, walk)
        for k in range(len(points) - 1)
    ]
    return torch.cat(parts)


def along(
    a: Tensor,
    b: Tensor,
    shares: Tensor,
    path: str | Path = "slerp",
    change: Change | None = None,
    walk: Walk | None = None,
) -> Tensor:
    """Return the points `(m, latent_dim)` at shares of the path between two points.

    Args:
        a: Start, `(latent_dim,)`.
        b: End, `(latent_dim,)`.
        shares: Shares in 0..1, ascending, `(m,)`: of the change if it is measured, else of `path`.
        path: See `interpolate`, also for `change` and `walk`.
        change: Measures change.
        walk: Chooses the codes.
    """
    between = _path(path)
    if walk is not None:
        return walk(shares, lambda t: between(a, b, t.to(a)))
    if change is not None:
        shares = _retimed(shares, a, b, between, change)
    return between(a.expand(len(shares), -1), b.expand(len(shares), -1), shares)


def interpolate_at(a: Tensor, b: Tensor, t: float, path: str | Path = "slerp") -> Tensor:
    """Return the point `(latent_dim,)` at t in 0..1 on a path between two such points."""
    return along(a, b, torch.tensor([t]).to(a), path)[0]


def interpolation_weights(n_points: int, steps: int) -> Tensor:
    """Return the weight of each point at each step of `interpolate`.

    For values that are blended linearly beside the codes, such as tempo.

    Returns:
        `(steps, n_points)`; each row is at least 0 and sums to 1.
    """
    segment, t = _segments(n_points, steps)
    weights = torch.zeros(steps, n_points)
    rows = torch.arange(steps)
    weights[rows, segment] = 1 - t
    weights[rows, segment + 1] = t
    return weights


def bilinear_grid(
    corners: Tensor, rows: int, columns: int, path: str | Path = "lerp", walk: Walk | None = None
) -> Tensor:
    """Return a grid of points between four corners, which it contains exactly.

    The left and the right edge are interpolated first, then every row between them.

    Args:
        corners: `(4, latent_dim)`: top left, top right, bottom left, bottom right.
        rows: Number of rows, corners included, at least 2.
        columns: Number of columns, corners included, at least 2.
        path: "lerp", "slerp" or a function.
        walk: See `interpolate`.

    Returns:
        `(rows, columns, latent_dim)`.

    Raises:
        ValueError: Not four corners, too few rows or columns, or an unknown path.
    """
    if corners.ndim != 2 or len(corners) != 4:
        raise ValueError(f"corners must be (4, latent_dim), got {tuple(corners.shape)}")
    between = _path(path)
    left = interpolate(corners[[0, 2]], rows, path, walk=walk)
    right = interpolate(corners[[1, 3]], rows, path, walk=walk)
    if walk is not None:
        ends = zip(left, right, strict=True)
        return torch.stack([interpolate(torch.stack(e), columns, path, walk=walk) for e in ends])
    _, t = _segments(2, columns)
    return between(left.unsqueeze(1), right.unsqueeze(1), t.to(corners))


def bilinear_weights(rows: int, columns: int) -> Tensor:
    """Return the weight of each corner in each cell of `bilinear_grid`.

    Returns:
        `(rows, columns, 4)`; each cell is at least 0 and sums to 1.
    """
    down, across = interpolation_weights(2, rows), interpolation_weights(2, columns)
    return torch.einsum("ri,cj->rcij", down, across).flatten(2)


def perturb(z: Tensor, amount: float, n: int, generator: torch.Generator | None = None) -> Tensor:
    """Return n variations `(n, latent_dim)` of a point: sqrt(1 - amount^2) * z + amount * noise.

    Variations of a draw from N(0, I) are draws from N(0, I), too.

    Args:
        z: `(latent_dim,)`.
        amount: From 0 (z itself) to 1 (a fresh draw from the prior).
        n: Number of variations.
        generator: Source of the noise.

    Raises:
        ValueError: The amount is not in 0..1.
    """
    if not 0 <= amount <= 1:
        raise ValueError(f"amount must be in [0, 1], got {amount}")
    kept = (1 - amount**2) ** 0.5 * z
    return reparameterize(kept.expand(n, -1), torch.as_tensor(amount, dtype=z.dtype), generator)


def traverse(z: Tensor, dimension: int, steps: int, extent: float = 3.0) -> Tensor:
    """Return copies `(steps, latent_dim)` of a point, one dimension set to evenly spaced values.

    Args:
        z: `(latent_dim,)`.
        dimension: Index of the dimension, from 0.
        steps: Number of values, at least 2.
        extent: The values run from -extent to extent.

    Raises:
        ValueError: There is no such dimension, or too few steps.
    """
    if not 0 <= dimension < len(z):
        raise ValueError(f"dimension must be in 0..{len(z) - 1}, got {dimension}")
    if steps < 2:
        raise ValueError(f"need at least 2 steps, got {steps}")
    points = z.repeat(steps, 1)
    points[:, dimension] = torch.linspace(-extent, extent, steps).to(z)
    return points


def _path(name: str | Path) -> Path:
    if not isinstance(name, str):
        return name
    paths = {"slerp": slerp, "lerp": lerp}
    if name not in paths:
        raise ValueError(f"unknown path {name!r}; known are {', '.join(paths)}")
    return paths[name]


def _position(t: Tensor | float, like: Tensor) -> Tensor:
    return torch.as_tensor(t, dtype=like.dtype, device=like.device).unsqueeze(-1)


def _retimed(
    t: Tensor, a: Tensor, b: Tensor, between: Callable[..., Tensor], change: Change
) -> Tensor:
    """Return the positions on the path from a to b at which shares t of all change have passed."""
    grid = torch.linspace(0, 1, _GRID).to(a)
    changes = change(between(a, b, grid)).double().cpu().numpy()
    passed = np.concatenate([[0.0], np.cumsum(changes)])
    if not 0 < passed[-1] < np.inf:
        return t  # without change, every timing is even
    shares = t.double().cpu().numpy() * passed[-1]
    timed = torch.from_numpy(np.interp(shares, passed, grid.double().cpu().numpy())).to(t)
    # If nothing changes near an end, many positions have a share of 0 or 1: keep the ends exact.
    return torch.where((t == 0) | (t == 1), t, timed)


def _exact_ends(a: Tensor, b: Tensor, t: Tensor, between: Tensor) -> Tensor:
    return torch.where(t == 0, a, torch.where(t == 1, b, between))


def _segments(n_points: int, steps: int) -> tuple[Tensor, Tensor]:
    """Return for each step the segment it is in and the position on it, both `(steps,)`."""
    if n_points < 2 or steps < 2:
        raise ValueError(f"need at least 2 points and 2 steps, got {n_points} and {steps}")
    # Whole numbers until the end, so that points are hit exactly.
    place = torch.arange(steps) * (n_points - 1)
    segment = (place // (steps - 1)).clamp(max=n_points - 2)
    return segment, (place - segment * (steps - 1)) / (steps - 1)
