"""Cutting rotated squares out of photographs of any size, without aliasing, also over the edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from facevae.align.geometry import Similarity

if TYPE_CHECKING:
    from PIL import Image

FAR = 0.12
"""Distance beyond the photograph's edge, in sides of the square, at which the blur is full."""


class Photograph:
    """A photograph at its full size, a half, a quarter and so on, each computed on first use.

    Args:
        image: The photograph, RGB.
    """

    def __init__(self, image: Image.Image) -> None:
        self.size: tuple[int, int] = image.size
        self._levels = [image]

    def level(self, i: int) -> Image.Image:
        """Return the photograph at 1 / 2^i of its size (each side at least one pixel)."""
        while len(self._levels) <= i:
            self._levels.append(self._levels[-1].reduce(2))
        return self._levels[i]

    def reduced(self, longest: int) -> tuple[Image.Image, float]:
        """Return a copy with at most `longest` pixels a side, and the factor of the reduction."""
        factor = max(self.size) / longest
        if factor <= 1:
            return self._levels[0], 1.0
        level = int(math.log2(factor))
        width, height = (max(1, round(side / factor)) for side in self.size)
        return self.level(level).resize((width, height)), factor

    def cut(self, square: Similarity, size: int) -> Image.Image:
        """Return a square of the photograph, RGB, `size` by `size` pixels.

        Beyond the photograph, its edge is repeated with increasing blur.

        Args:
            square: The map from the unit square to pixels of the photograph.
            size: Side of the result in pixels.
        """
        from PIL import Image

        level = 0
        while square.side / 2 ** (level + 1) >= size:
            level += 1
        source = self.level(level)
        # A level's pixels are 2^level wide; its last row and column may be narrower.
        square = Similarity(0.5**level, 0) @ square
        # The source has up to twice as many pixels as the result; drawn at twice the size and
        # halved, there is no aliasing.
        fine = size if square.side <= 1.1 * size else 2 * size
        region, corner, outside = _region(source, square)
        # From pixels of the result (centres at + 0.5) to those of the region.
        step = square @ Similarity(2 / fine, -1 - 1j)
        factor, shift = step.factor, step.shift - corner
        coefficients = (factor.real, -factor.imag, shift.real, factor.imag, factor.real, shift.imag)
        cut = region.transform(
            (fine, fine), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC
        )
        if outside is not None:
            mask = outside.transform(
                (fine, fine), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
            )
            cut = _blurred(cut, mask)
        return cut if fine == size else cut.reduce(2)

    def crops(self, squares: Sequence[Similarity], size: int) -> np.ndarray:
        """Return some squares as `cut` does, uint8 `(n, size, size, 3)`."""
        return np.stack([np.asarray(self.cut(square, size)) for square in squares])


def _region(
    source: Image.Image, square: Similarity
) -> tuple[Image.Image, complex, Image.Image | None]:
    """Return the upright part of an image around a square, with repeated edges.

    Returns:
        The part; the place of its upper left corner in the image; and the distance of its pixels
        from the image, 0 (inside) to 255 (`FAR` sides of the square), or None if all are inside.
    """
    from PIL import Image

    corners = square.corners()
    # Bicubic interpolation needs two more pixels on every side.
    left = int(np.floor(min(c.real for c in corners))) - 3
    right = int(np.ceil(max(c.real for c in corners))) + 3
    top = int(np.floor(min(c.imag for c in corners))) - 3
    bottom = int(np.ceil(max(c.imag for c in corners))) + 3
    width, height = source.size
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return source.crop((left, top, right, bottom)), complex(left, top), None
    columns, rows = np.arange(left, right), np.arange(top, bottom)
    across, down = columns.clip(0, width - 1), rows.clip(0, height - 1)
    pixels = np.asarray(source)[down[:, None], across]
    beyond = np.hypot((rows - down)[:, None], columns - across)
    outside = np.rint(255 * np.minimum(beyond / (FAR * square.side), 1)).astype(np.uint8)
    return Image.fromarray(pixels), complex(left, top), Image.fromarray(outside)


def _blurred(image: Image.Image, outside: Image.Image) -> Image.Image:
    """Blur an image beyond the photograph, with increasing width.

    Repeated edges are streaks, which blurred look like background. (With mirrored edges, as in
    CelebA-HQ, a face at the edge gets a second nose or a third eye.)
    """
    from PIL import Image, ImageFilter

    for width in (image.width / 40, image.width / 12):
        image = Image.composite(image.filter(ImageFilter.GaussianBlur(width)), image, outside)
    return image
