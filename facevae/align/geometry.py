"""Similarities of the plane: rotation, scale and shift, as a complex multiplication and addition.

A point (x, y), with y downwards, is the complex number x + yi. The *framed* square, in which a face
lies as in the training set, and the *crop*, which is the network's input, have the corners (-1, -1)
and (1, 1); the photograph is in pixels.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Similarity:
    """The map p -> factor * p + shift.

    Attributes:
        factor: Scale (its absolute value) and rotation (its argument; clockwise as seen, as y
            points down). Never zero.
        shift: The image of the origin.
    """

    factor: complex
    shift: complex

    @classmethod
    def of_square(cls, centre: complex, side: float, angle: float = 0.0) -> Similarity:
        """Return the map from the unit square (-1 to 1) onto a square of a picture.

        Args:
            centre: Centre of the square in pixels.
            side: Side of the square in pixels.
            angle: Rotation of the square in degrees, clockwise as seen.
        """
        return cls(cmath.rect(side / 2, math.radians(angle)), complex(centre))

    def __call__(self, point: complex) -> complex:
        """Return the image of a point."""
        return self.factor * point + self.shift

    def __matmul__(self, other: Similarity) -> Similarity:
        """Return the composed map: `other` first, then this one."""
        return Similarity(self.factor * other.factor, self(other.shift))

    @property
    def inverse(self) -> Similarity:
        """The inverse map."""
        return Similarity(1 / self.factor, -self.shift / self.factor)

    @property
    def scale(self) -> float:
        """The factor by which lengths grow."""
        return abs(self.factor)

    @property
    def angle(self) -> float:
        """The rotation in degrees, clockwise as seen, in (-180, 180]."""
        return math.degrees(cmath.phase(self.factor))

    @property
    def side(self) -> float:
        """Side of the image of the unit square, in the units of the target."""
        return 2 * self.scale

    def corners(self) -> list[complex]:
        """Return the images of the unit square's corners: top left, then clockwise as seen."""
        return [self(corner) for corner in (-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j)]

    def displacement(self) -> float:
        """Return the mean distance by which the unit square's corners move, in sides of the square.

        It is 0 for the identity.
        """
        identity = Similarity(1, 0).corners()
        return sum(abs(p - q) for p, q in zip(self.corners(), identity, strict=True)) / 8
