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
"""Share of the examples without an attribute that a step of strength 1 shall give it."""
DRAG = 2.0
"""What a change of the others counts, against a miss of the change that is wanted."""


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

    The axis S^-1 (mean with - mean without), S the covariance within the sets, with a thousandth
    of its mean diagonal added so that few codes do.

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
    """Return how often to add a vector so that most codes without an attribute cross over.

    Crossing means to pass the middle between the two means, on `fisher_axis`.

    Args:
        z_with: `(n, latent_dim)`, n at least 1.
        z_without: `(m, latent_dim)`, m at least 1.
        vector: `(latent_dim,)`.
        share: Of the codes without, in (0, 1].

    Returns:
        Above 0; 1 where the vector does not lead across.
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
    """Return the shortest length with which an attribute shows in enough examples.

    The search goes down from the first length that is tried while that is enough, else up.

    Args:
        shown: The share of examples that show the attribute with a vector of a length; each
            length is tried at most once.
        lengths: Ascending.
        first: Index of the length that is tried first.
        enough: The share that is wanted.

    Returns:
        One of the lengths; where none is enough, the one with the largest share (the shortest of
        equals).
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
        change: What each candidate does to each property, `(candidates, properties)`, in the unit
            that is wanted.
        column: The property to change.
        others: Columns of those that shall stay.

    Returns:
        A row of `change`: the one of the smallest miss plus `DRAG` times the mean change of the
        others; the first of equals.
    """
    drag = np.abs(change[:, list(others)]).mean(axis=1) if len(others) else 0.0
    return int(np.argmin(np.abs(1 - change[:, column]) + DRAG * drag))
