"""Similar colours for similar things."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

_TO_CONES = np.array(
    [
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.291485548],
    ]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.707614701],
    ]
)
STRONGEST = 0.12
"""Chroma of the most colourful tint in OKLab, which screens can show."""


def tints(distances: ArrayLike) -> list[list[float]]:
    """Return a tint for each thing, so that similar things have similar colours.

    Classical multidimensional scaling (Torgerson 1952) lays the things out in the plane of OKLab's
    colours, at distances that are as near as possible to the given ones.

    Args:
        distances: Distances between things, `(n, n)`.

    Returns:
        `a` and `b` of OKLab for each thing, rounded to thousandths.
    """
    squared = np.asarray(distances, float) ** 2
    centred = squared - squared.mean(0) - squared.mean(1)[:, None] + squared.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    order = np.argsort(values)[::-1][:2]
    places = vectors[:, order] * np.sqrt(np.maximum(values[order], 0))
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    # The sign of an eigenvector is arbitrary; it is chosen so that the first thing is warm.
    places *= np.where(places[0] < 0, -1, 1)
    largest = np.hypot(*places.T).max(initial=0)
    scaled = places * (STRONGEST / largest if largest > 1e-9 else 0)
    return [[round(float(a), 3), round(float(b), 3)] for a, b in scaled]


def screen_colour(lightness: float, tint: Sequence[float]) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of a tint, as `colour` of colour.js.

    Args:
        lightness: From 0 (black) to 1 (white).
        tint: a and b of OKLab; 0 for grey.
    """
    # OKLab to linear sRGB (Ottosson 2020), then sRGB's transfer curve.
    mixed = _TO_CONES @ np.array([lightness, *tint])
    linear = np.clip(_TO_LINEAR @ mixed**3, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = np.rint(255 * curved).astype(int).tolist()
    return red, green, blue
