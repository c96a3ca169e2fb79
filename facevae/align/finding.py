"""Candidate places of faces in a photograph, by OpenCV's cascades (their data are in its wheel).

A cascade should miss few faces and may be wrong often: the framing network checks every candidate,
and measures how the face lies.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facevae.align.geometry import Similarity
from vaecore.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 640
"""The cascades search a copy with at most this many pixels a side: a face that fills a tenth of the
photograph still has the 24 pixels and more that they need."""

SIDE, DOWN = 1.55, -0.07
"""The framed square in terms of the cascade's box: its side, and how far its centre lies below
the box's (negative: above), both as parts of the box's side (medians over 200 photographs)."""

UPRIGHT = 2
"""The first so many searches of `find_faces` are for upright faces."""

TURNS = (-30, 30, 90, -90, 180)
"""Degrees, clockwise, by which the photograph is turned as long as no face is found in it: for
faces that lean by more than about 20 degrees, and photographs on their side."""

MIDDLES = (1.0, 0.65, 0.4)
"""Sides of squares around the middle, as parts of the shorter side, that the network checks where
the cascades find nothing: it finds profiles, and faces half hidden, that they miss."""


def find_faces(image: Image.Image) -> Iterator[list[Similarity]]:
    """Yield the candidates of one search after the other, the most reliable search first.

    A caller that finds a face among the candidates need not continue.

    Args:
        image: RGB, at most a few hundred pixels a side (see `LONGEST`).

    Yields:
        Candidates of one search, perhaps none: maps from the framed square to pixels of the
        image, approximately.

    Raises:
        DataError: OpenCV is not installed.
    """
    grey = image.convert("L")
    yield _boxed(grey, "alt2")  # fewest false alarms
    yield _boxed(grey, "default")  # fewest misses
    for turn in TURNS:
        turned = _turned(grey, turn)
        back = _back(image.size, turned.size, turn)
        yield [back @ place for place in _boxed(turned, "alt2")]
    middle, side = complex(*image.size) / 2, min(image.size)
    yield [Similarity.of_square(middle, part * side) for part in MIDDLES]


def _boxed(grey: Image.Image, name: str) -> list[Similarity]:
    """Return where a cascade finds upright faces."""
    boxes = _cascade(name).detectMultiScale(
        np.asarray(grey), scaleFactor=1.1, minNeighbors=3, minSize=(24, 24)
    )
    return [_square(*(float(number) for number in box)) for box in boxes]


def _square(left: float, top: float, width: float, height: float) -> Similarity:
    """Return about where the framed square lies, given a cascade's box."""
    centre = complex(left + width / 2, top + (0.5 + DOWN) * height)
    return Similarity.of_square(centre, SIDE * width)


def _turned(image: Image.Image, turn: float) -> Image.Image:
    """Return an image turned clockwise by degrees, enlarged so that nothing is cut off."""
    from PIL import Image

    return image.rotate(-turn, Image.Resampling.BILINEAR, expand=True)


def _back(size: tuple[int, int], turned_size: tuple[int, int], turn: float) -> Similarity:
    """Return the way from pixels of the turned image to those of the original."""
    there = complex(*turned_size) / 2
    here = complex(*size) / 2
    factor = cmath.rect(1, math.radians(-turn))
    return Similarity(factor, here - factor * there)


@lru_cache
def _cascade(name: str) -> Any:
    try:
        import cv2
    except ImportError as error:
        raise DataError(
            "finding a face needs OpenCV, which is not installed",
            remedy="pip install 'seqvae[align]', or use --no-align for framed pictures",
        ) from error
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = Path(folder) / f"haarcascade_frontalface_{name}.xml"
    if not hasattr(cv2, "CascadeClassifier") or not path.is_file():
        raise DataError(
            f"OpenCV {cv2.__version__} has no face cascade",
            remedy="pip install 'opencv-python-headless<5'",
        )
    return cv2.CascadeClassifier(str(path))
