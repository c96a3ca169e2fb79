"""Measuring windows: shares, means and distributions for all representations.

A share of nothing is undefined: of a window without such notes, properties are NaN, except
densities, which are 0. Windows begin at a bar line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from seqvae.music.reading.grids import SIXTEEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]
    Bools: TypeAlias = NDArray[np.bool_]


def checked(windows: Any, *inner: int) -> Ints:
    """Return windows of class indices as an array, `(n, steps, *inner)`.

    Raises:
        ValueError: They are not integers of this shape.
    """
    x = np.asarray(windows)
    if x.ndim != 2 + len(inner) or x.shape[2:] != inner or x.dtype.kind not in "iu":
        shape = ", ".join(["n", "steps", *map(str, inner)])
        raise ValueError(f"expected integers ({shape}), got {x.dtype} {x.shape}")
    return x.astype(np.int64)


def share(part: Bools, whole: Bools) -> Floats:
    """Return the share of `whole` that is in `part`, `(n, ...)` -> `(n,)`; NaN of nothing."""
    axes = tuple(range(1, whole.ndim))
    found: Floats = (part & whole).sum(axes) / _or_nan(whole.sum(axes))
    return found


def mean(values: NDArray[Any], where: Bools) -> Floats:
    """Return the means of the values at some places, `(n, ...)` -> `(n,)`; NaN without any."""
    axes = tuple(range(1, where.ndim))
    found: Floats = np.where(where, values, 0).sum(axes) / _or_nan(where.sum(axes))
    return found


def _or_nan(count: Ints) -> Floats:
    """Return counts as divisors: NaN in place of 0."""
    return np.where(count, count, np.nan)


def position(x: NDArray[Any]) -> Ints:
    """Return the place of every step in its bar of 16, 0..15, `(steps,)`."""
    return np.arange(x.shape[1]) % SIXTEEN.steps_per_bar


def syncopated(onsets: Bools, grid: int) -> Bools:
    """Return the onsets on odd positions of a grid, with none on the position before.

    Args:
        onsets: `(n, steps)`.
        grid: Steps between positions: 1 for 16ths, 2 for 8ths.
    """
    before = np.zeros_like(onsets)
    before[:, grid:] = onsets[:, :-grid]
    odd = np.arange(onsets.shape[1]) % (2 * grid) == grid
    found: Bools = onsets & ~before & odd
    return found


def repetition(events: Bools, bar: int = SIXTEEN.steps_per_bar) -> Floats:
    """Return how far bars repeat the bar before, `(n, steps, ...)` -> `(n,)`.

    Twice the events at the same place in both bars as a share of the events of both (the F1 of
    one bar as a prediction of the next). A bar has so many steps.
    """
    bars = bars_of(events, bar)
    same = bars[:, 1:] & bars[:, :-1]
    inner = tuple(range(1, bars.ndim))
    both = bars[:, 1:].sum(inner) + bars[:, :-1].sum(inner)
    found: Floats = 2 * same.sum(inner) / _or_nan(both)
    return found


def bars_of(x: NDArray[Any], bar: int = SIXTEEN.steps_per_bar) -> NDArray[Any]:
    """Return windows bar by bar, `(n, steps, ...)` -> `(n, bars, bar, ...)`, as a view.

    An incomplete bar at the end is left out.
    """
    count = x.shape[1] // bar
    return x[:, : count * bar].reshape(len(x), count, bar, *x.shape[2:])


def shares(counts: NDArray[Any]) -> Floats:
    """Return counts as a histogram that sums to 1, or to 0 where there are none."""
    found: Floats = counts / max(counts.sum(), 1)
    return found


def jensen_shannon(p: Any, q: Any) -> float:
    """Return the Jensen-Shannon divergence of two histograms in bits, 0 (equal) to 1 (disjoint).

    Args:
        p: Weights, at least 0; they are normalised to sum to 1.
        q: As many weights.

    Raises:
        ValueError: The shapes differ, or a histogram is empty (sums to 0).
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if p.shape != q.shape:
        raise ValueError(f"histograms of shapes {p.shape} and {q.shape} cannot be compared")
    if not (p.sum() > 0 and q.sum() > 0):
        raise ValueError("an empty histogram cannot be compared")
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2

    def bits(a: Floats) -> float:
        some = a > 0
        return float((a[some] * np.log2(a[some] / middle[some])).sum())

    return min(max((bits(p) + bits(q)) / 2, 0.0), 1.0)
