"""Candidates: places in a photograph where there may be a face.

The scout searches the photograph at many sizes. It should miss few faces, and may often be wrong:
the framing network locates the face at each candidate, and the judge decides.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from facevae.align.geometry import Similarity

if TYPE_CHECKING:
    from PIL import Image

    from facevae.align.judges import FaceDetector

LONGEST = 640
"""Most pixels a side of the copy that is searched."""

FRAMED = 36
"""Side in pixels of the framed square of faces that the scout detects; the smallest face that is
found is an eighteenth of the photograph."""

STEP = math.sqrt(2)
"""Ratio of one searched size of the photograph to the next."""

LIKELY = -1.0
"""Least logit of the scout for a candidate."""

MOST = 24
"""Most candidates of one search, the likeliest."""

TURNS = (-40, 40, 90, -90, 180)
"""Degrees, clockwise, by which the photograph is rotated, one after the other, while no face is
found: for faces that lean, and photographs on their side."""


def find_faces(image: Image.Image) -> Iterator[list[Similarity]]:
    """Yield the candidates of each search: of upright faces first, then of rotated ones.

    A caller that finds a face among the candidates can stop.

    Args:
        image: An RGB image with at most `LONGEST` pixels a side.

    Yields:
        Candidates of one search, the likeliest first, or an empty list: approximate maps from the
        framed square to pixels of the image.
    """
    from facevae.align.judges import shipped

    scout = shipped("scout")
    yield searched(image, scout)
    for turn in TURNS:
        turned = _turned(image, turn)
        back = _back(image.size, turned.size, turn)
        yield [back @ place for place in searched(turned, scout)]


def searched(image: Image.Image, scout: FaceDetector) -> list[Similarity]:
    """Return the candidates for upright faces, the likeliest first."""
    import torch

    from facevae.align.judges import STRIDE

    margin = scout.side // 2
    found: list[tuple[float, Similarity]] = []
    factor = 1.0
    while FRAMED * factor <= 1.4 * max(image.size):
        size = [max(1, round(length / factor)) for length in image.size]
        pixels = np.asarray(image if factor == 1 else image.resize((size[0], size[1])))
        # Continued beyond its edges, to an even number of pixels, as the scout folds 2 x 2.
        padding = [(margin, margin + length % 2 + STRIDE) for length in pixels.shape[:2]]
        padded = np.pad(pixels, [*padding, (0, 0)], "edge")
        with torch.inference_mode():
            batch = torch.from_numpy(padded).permute(2, 0, 1)[None].float().div(255)
            logits = scout(batch)[0].numpy()
        for row, column in np.argwhere(logits > LIKELY):
            centre = factor * STRIDE * complex(column, row)
            place = Similarity.of_square(centre, factor * FRAMED)
            found.append((float(logits[row, column]), place))
        factor *= STEP
    kept: list[Similarity] = []
    for _, place in sorted(found, key=lambda one: -one[0]):
        if len(kept) < MOST and not any(_same(place, other) for other in kept):
            kept.append(place)
    return kept


def _same(one: Similarity, other: Similarity) -> bool:
    """Return whether two squares are so near that the framing network would find the same face."""
    near = abs(one.shift - other.shift) < 0.3 * max(one.side, other.side)
    return near and 1 / 1.5 < one.side / other.side < 1.5


def _turned(image: Image.Image, turn: float) -> Image.Image:
    """Return an image rotated clockwise by degrees, enlarged so that nothing is cut off."""
    from PIL import Image

    return image.rotate(-turn, Image.Resampling.BILINEAR, expand=True)


def _back(size: tuple[int, int], turned_size: tuple[int, int], turn: float) -> Similarity:
    """Return the map from pixels of the rotated image to those of the original."""
    there = complex(*turned_size) / 2
    here = complex(*size) / 2
    factor = cmath.rect(1, math.radians(-turn))
    return Similarity(factor, here - factor * there)
