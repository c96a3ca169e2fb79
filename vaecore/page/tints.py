"""Colours for things by how alike they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

STRONGEST = 0.12
"""Distance from grey of the most colourful tint, in OKLab; screens can show it."""


def tints(distances: ArrayLike) -> list[list[float]]:
    """Return a tint for each thing, such that alike things have alike colours.

    The things are laid out in a plane, at distances as near to theirs as can be (classical
    multidimensional scaling, Torgerson 1952), and the plane is that of OKLab's colours.

    Args:
        distances: How much things differ, `(n, n)`.

    Returns:
        `a` and `b` of OKLab, n times, rounded to thousandths.
    """
    squared = np.asarray(distances, float) ** 2
    centred = squared - squared.mean(0) - squared.mean(1)[:, None] + squared.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    order = np.argsort(values)[::-1][:2]
    places = vectors[:, order] * np.sqrt(np.maximum(values[order], 0))
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    # Eigenvectors have no sign of their own; the first thing is to be warm.
    places *= np.where(places[0] < 0, -1, 1)
    largest = np.hypot(*places.T).max(initial=0)
    scaled = places * (STRONGEST / largest if largest > 1e-9 else 0)
    return [[round(float(a), 3), round(float(b), 3)] for a, b in scaled]
