"""How well an attribute vector separates codes, and how long it should be.

separability        share of codes on the right side of the middle, along a vector
fisher_axis         the axis that separates two sets of codes best
crossing_length     how much of a vector leads across the middle, by the codes alone
shortest_length     the shortest length that shows an attribute, by trial
cleanest            the candidate that changes one property and least of the others, by trial
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

ENOUGH = 0.95
"""Share of the examples without an attribute that must show it after a step of strength 1."""
DRAG = 2.0
"""Cost of changing other properties, relative to that of missing the wanted change."""


def separability(z_with: Tensor, z_without: Tensor, vector: Tensor) -> float:
    """Return the share of codes that lie on their own side of the middle, along a vector.

    The middle is halfway between the means; both sets count the same.

    Args:
        z_with: Codes that have an attribute, `(n, latent_dim)`, n at least 1.
        z_without: Codes that lack it, `(m, latent_dim)`, m at least 1.
        vector: `(latent_dim,)`, from those that lack it to those that have it.

    Returns:
        In [0, 1]; 0.5 where the vector does not separate them.
    """
    middle = (z_with.mean(0) + z_without.mean(0)) / 2 @ vector
    right = (z_with @ vector > middle).float(), (z_without @ vector <= middle).float()
    return sum(side.mean().item() for side in right) / 2


def fisher_axis(z_with: Tensor, z_without: Tensor) -> Tensor:
    """Return Fisher's linear discriminant of two sets of codes, `(latent_dim,)` float64.

    The axis S^-1 (mean with - mean without), where S is the covariance within the sets. A
    thousandth of its mean diagonal is added, so that S is invertible for few codes, too.

    Args:
        z_with: `(n, latent_dim)`, n at least 1.
        z_without: `(m, latent_dim)`, m at least 1.
    """
    first, second = z_with.double(), z_without.double()
    within = torch.cat([first - first.mean(0), second - second.mean(0)])
    scatter = within.T @ within / len(within)
    scatter += (1e-3 * scatter.diagonal().mean() + 1e-9) * torch.eye(len(scatter)).to(scatter)
    axis: Tensor = torch.linalg.solve(scatter, first.mean(0) - second.mean(0))
    return axis


def crossing_length(
    z_with: Tensor, z_without: Tensor, vector: Tensor, share: float = ENOUGH
) -> float:
    """Return the factor of a vector that moves most codes without an attribute across.

    Across means beyond the middle between the two means, along `fisher_axis`.

    Args:
        z_with: `(n, latent_dim)`, n at least 1.
        z_without: `(m, latent_dim)`, m at least 1.
        vector: `(latent_dim,)`.
        share: Share of the codes without the attribute that must cross, in (0, 1].

    Returns:
        Above 0; 1 where the vector points the other way, or no code has to move.
    """
    first, second = z_with.double(), z_without.double()
    axis = fisher_axis(z_with, z_without)
    middle = 0.5 * (first.mean(0) + second.mean(0)) @ axis
    missing = (middle - second @ axis).clamp(min=0).quantile(share)
    speed = vector.double() @ axis
    return float(missing / speed) if missing > 0 and speed > 0 else 1.0


def shortest_length(
    shown: Callable[[float], float],
    lengths: Sequence[float],
    first: int = 0,
    enough: float = ENOUGH,
) -> float:
    """Return the shortest length of a vector with which enough examples show its attribute.

    The search starts at `lengths[first]`. If that is enough it goes on to shorter lengths,
    otherwise to longer ones.

    Args:
        shown: Maps a length to the share of examples that show the attribute, in [0, 1]; called
            at most once for each length.
        lengths: The lengths to choose from, ascending.
        first: Index of the length to start at.
        enough: The smallest share that is enough.

    Returns:
        One of the lengths; if none is enough, the one with the largest share (of equal shares the
        shortest).
    """
    shares = {first: shown(lengths[first])}
    if shares[first] >= enough:
        index = first
        while index > 0 and shown(lengths[index - 1]) >= enough:
            index -= 1
        return lengths[index]
    for index in range(first + 1, len(lengths)):
        shares[index] = shown(lengths[index])
        if shares[index] >= enough:
            return lengths[index]
    return lengths[max(shares, key=lambda index: (shares[index], -index))]


def cleanest(change: np.ndarray, column: int, others: Sequence[int]) -> int:
    """Return the candidate that comes nearest to changing one property by 1 and no other.

    Args:
        change: Change of each property by each candidate, `(candidates, properties)`.
        column: Column of the property to change.
        others: Columns of the properties to keep.

    Returns:
        Index of the row with the smallest |1 - change| plus `DRAG` times the mean |change| of the
        others; the first of equals.
    """
    drag = np.abs(change[:, list(others)]).mean(axis=1) if len(others) else 0.0
    return int(np.argmin(np.abs(1 - change[:, column]) + DRAG * drag))
