"""Similarities of the plane: turn, scale and shift, as one complex multiplication and addition.

A point (x, y), y downwards, is the complex number x + yi. Three squares matter here, each with the
corners (-1, -1) and (1, 1) in its own units: the *framed* square, in which a face lies as in the
training set; the *crop* that is the network's input; and, in pixels, the photograph.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Similarity:
    """The map p -> factor * p + shift.

    Attributes:
        factor: Scale (its absolute value) and turn (its argument; clockwise as seen, as y points
            down). Never zero.
        shift: Where the origin goes.
    """

    factor: complex
    shift: complex

    @classmethod
    def of_square(cls, centre: complex, side: float, angle: float = 0.0) -> Similarity:
        """Return the map from the unit square (-1 to 1) onto a square of a picture.

        Args:
            centre: The square's centre, in pixels.
            side: Its side, in pixels.
            angle: Its turn, in degrees, clockwise as seen.
        """
        return cls(cmath.rect(side / 2, math.radians(angle)), complex(centre))

    def __call__(self, point: complex) -> complex:
        """Return where a point goes."""
        return self.factor * point + self.shift

    def __matmul__(self, other: Similarity) -> Similarity:
        """Return the map that does `other` first and then this one."""
        return Similarity(self.factor * other.factor, self(other.shift))

    @property
    def inverse(self) -> Similarity:
        """The way back."""
        return Similarity(1 / self.factor, -self.shift / self.factor)

    @property
    def scale(self) -> float:
        """The factor by which lengths grow."""
        return abs(self.factor)

    @property
    def angle(self) -> float:
        """The turn in degrees, clockwise as seen, in (-180, 180]."""
        return math.degrees(cmath.phase(self.factor))

    @property
    def side(self) -> float:
        """Side of the image of the unit square, in the units of the target."""
        return 2 * self.scale

    def corners(self) -> list[complex]:
        """Return where the unit square's corners go: top left, then clockwise as seen."""
        return [self(corner) for corner in (-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j)]

    def displacement(self) -> float:
        """Return how far the map moves the unit square's corners, as a part of its side (mean).

        0 is the identity. On a 128-pixel image, times 128, it is in pixels.
        """
        identity = Similarity(1, 0).corners()
        return sum(abs(p - q) for p, q in zip(self.corners(), identity, strict=True)) / 8
