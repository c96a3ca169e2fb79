"""Where in a photograph there may be faces: OpenCV's cascades, whose data ship in its wheel.

The cascade has to miss little and may be wrong often: every place it names is looked at by the
framing network, which says whether there is a face and how it lies.
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
"""The cascades look at a copy with at most this many pixels a side: a face that fills a tenth of
the photograph still has the 24 pixels and more that they need."""

SIDE, DOWN = 1.55, -0.07
"""The framed square in terms of the cascade's box: its side, and how far its centre lies below
the box's (negative: above), both as parts of the box's side (medians over 200 photographs)."""

UPRIGHT = 2
"""The first so many ways of finding are those that find upright faces well."""

TURNS = (-30, 30, 90, -90, 180)
"""By how many degrees, clockwise, the photograph is turned while no face is found in it. A face
that leans by more than about 20 degrees, and a photograph on its side, are found so."""

MIDDLES = (1.0, 0.65, 0.4)
"""Sides of squares around the middle, as parts of the shorter side, that the network looks at where
the cascades see nothing: it knows profiles, and faces half hidden, that they do not."""


def find_faces(image: Image.Image) -> Iterator[list[Similarity]]:
    """Yield places where faces may be, the likeliest first; ask on while there is no face at them.

    Args:
        image: RGB, at most a few hundred pixels a side (see `LONGEST`).

    Yields:
        Places found in one way, perhaps none: from the framed square to pixels of the image,
        roughly.

    Raises:
        DataError: OpenCV is not installed.
    """
    grey = image.convert("L")
    yield _boxed(grey, "alt2")  # errs least
    yield _boxed(grey, "default")  # misses least
    for turn in TURNS:
        turned = _turned(grey, turn)
        back = _back(image.size, turned.size, turn)
        yield [back @ place for place in _boxed(turned, "alt2")]
    middle, side = complex(*image.size) / 2, min(image.size)
    yield [Similarity.of_square(middle, part * side) for part in MIDDLES]


def _boxed(grey: Image.Image, name: str) -> list[Similarity]:
    """Return where a cascade sees upright faces."""
    boxes = _cascade(name).detectMultiScale(
        np.asarray(grey), scaleFactor=1.1, minNeighbors=3, minSize=(24, 24)
    )
    return [_square(*(float(number) for number in box)) for box in boxes]


def _square(left: float, top: float, width: float, height: float) -> Similarity:
    """Return about where the framed square lies, given a cascade's box."""
    centre = complex(left + width / 2, top + (0.5 + DOWN) * height)
    return Similarity.of_square(centre, SIDE * width)


def _turned(image: Image.Image, turn: float) -> Image.Image:
    """Return an image turned clockwise, as seen, by degrees, and grown to hold all of itself."""
    return image.rotate(-turn, expand=True, resample=2) if turn else image


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
