"""Finding the face in a photograph and framing it as the training set is framed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facevae.align.geometry import Similarity
from facevae.images import central_square, read_image, resized
from vaecore.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

    from facevae.align.photograph import Photograph

CORRECTIONS = 3
"""How often the network corrects a place; more do not change it (benchmarks/face_alignment.py)."""

POSSIBLE, CERTAIN = 0.5, 0.9
"""Thresholds of the network's probability of a face. Below the first there is none. Below the
second it may be half a face: the search continues, and such a place is used only if it was found by
a search for upright faces and nothing better is found."""

CLEAR, FRAMED = 0.04, 0.10
"""A square picture is framed already if the network would move its corners by less than this part
of the side: with one correction by less than `CLEAR`, or else, as one correction underestimates the
error, with all by less than `FRAMED`. Half of the framed faces of the training set are moved by
more than 0.025, one in a hundred by more than 0.09, as they are not framed exactly alike."""

OBLONG = 1.05
"""What is longer than wide (or the other way) by more than this factor is not framed."""

TOO_SMALL = 16
"""A face whose framed square has fewer pixels a side is not worth cutting out."""


@dataclass(frozen=True)
class Framing:
    """A framed face and how it lay in its photograph.

    Attributes:
        image: The framed face, RGB, square.
        framed_already: The picture was framed before; `image` is it, at most resized.
        square: From the framed square (corners -1, -1 and 1, 1) to pixels of the photograph;
            its `angle` (degrees, clockwise) and `side` (pixels) are those of the face.
        confidence: The network's probability that there is a face, 0 to 1.
        faces: How many faces were found; the framed one is the largest and most central.
    """

    image: Image.Image
    framed_already: bool
    square: Similarity
    confidence: float
    faces: int = 1


def is_framed(source: Any) -> bool:
    """Return whether a picture is framed as the training set is.

    It takes a few milliseconds and does not need OpenCV.

    Args:
        source: A path, a PIL image or an array.

    Raises:
        DataError: The source is no image that can be read.
    """
    return _check(read_image(source))[0]


def frame(source: Any, size: int | None = None) -> Framing:
    """Return the face in a photograph, framed as the training set is.

    A picture that is framed already stays as it is (cut to a square, resized to `size` if given).

    Args:
        source: A path, a PIL image or an array.
        size: Side of the result, in pixels; None: as many as the face has in the photograph,
            at most 1024.

    Raises:
        DataError: The source is no image that can be read; no face was found; or a face has to be
            found, and OpenCV is not installed.
    """
    path = source if isinstance(source, str | os.PathLike) else None
    return frame_image(read_image(source), size, path)


def frame_image(
    image: Image.Image, size: int | None = None, path: str | os.PathLike[str] | None = None
) -> Framing:
    """Return the face in an image that was read, as `read_image` returns it; see `frame`.

    Args:
        image: RGB, upright.
        size: As for `frame`.
        path: The file, for messages.
    """
    from facevae.align.photograph import Photograph

    framed, confidence = _check(image)
    if framed:
        square = Similarity.of_square(complex(*image.size) / 2, min(image.size))
        side = size or min(image.size)
        if image.size != (side, side):
            image = resized(central_square(image), side)
        return Framing(image, True, square, confidence)
    photograph = Photograph(image)
    found = _faces(photograph)
    if not found:
        remedy = "give a photograph of one face from the front, or use --no-align"
        raise DataError("no face found", path=path, remedy=remedy)
    square, confidence = max(found, key=lambda face: _prominence(face[0], image.size))
    cut = photograph.cut(square, size or min(1024, max(64, round(square.side))))
    return Framing(cut, False, square, confidence, len(found))


def refine(photograph: Photograph, square: Similarity) -> tuple[Similarity, float]:
    """Correct an approximate place of a face until it is framed.

    Args:
        photograph: The photograph of the face.
        square: From the framed square to the photograph's pixels, approximately.

    Returns:
        The corrected place, and the probability that there is a face.
    """
    import numpy as np
    import torch

    from facevae.align.network import SIZE, locate

    confidence = 0.0
    for _ in range(CORRECTIONS):
        crop = np.array(photograph.cut(square, SIZE))
        correction, confidence = locate(torch.from_numpy(crop))
        if not 0.2 < correction.scale < 3:  # no face; the next cut might have any size
            return square, 0.0
        square = square @ correction
    return square, confidence


def _check(image: Image.Image) -> tuple[bool, float]:
    """Return whether an image is framed, and the probability that it shows a face."""
    if max(image.size) > OBLONG * min(image.size) or min(image.size) < TOO_SMALL:
        return False, 0.0
    import numpy as np
    import torch
    from PIL.Image import Resampling

    from facevae.align.network import SIZE, locate

    small = image.resize((SIZE, SIZE), Resampling.BICUBIC, reducing_gap=4.0)
    correction, confidence = locate(torch.from_numpy(np.array(small)))
    if confidence < POSSIBLE or correction.displacement() > 1.5 * FRAMED:
        return False, confidence
    if correction.displacement() <= CLEAR:
        return True, confidence
    from facevae.align.photograph import Photograph

    whole = Similarity.of_square(complex(*image.size) / 2, min(image.size))
    square, confidence = refine(Photograph(image), whole)
    moved = (whole.inverse @ square).displacement()
    return confidence >= POSSIBLE and moved <= FRAMED, confidence


def _faces(photograph: Photograph) -> list[tuple[Similarity, float]]:
    """Return the places of the faces in a photograph, and the probability of each."""
    from facevae.align.finding import LONGEST, UPRIGHT, find_faces

    small, factor = photograph.reduced(LONGEST)
    grow = Similarity(factor, 0)
    doubtful: list[tuple[Similarity, float]] = []
    for way, places in enumerate(find_faces(small)):
        refined = [refine(photograph, grow @ place) for place in places]
        faces = [one for one in refined if one[1] >= POSSIBLE and one[0].side >= TOO_SMALL]
        clear = [one for one in faces if one[1] >= CERTAIN]
        if clear:
            return _distinct(clear)
        if way < UPRIGHT:
            doubtful += faces
    return _distinct(doubtful)[:1]


def _distinct(faces: list[tuple[Similarity, float]]) -> list[tuple[Similarity, float]]:
    """Leave out places of the same face as one of a higher probability."""
    kept: list[tuple[Similarity, float]] = []
    for square, confidence in sorted(faces, key=lambda face: -face[1]):
        if all((other.inverse @ square).displacement() > 0.25 for other, _ in kept):
            kept.append((square, confidence))
    return kept


def _prominence(square: Similarity, size: tuple[int, int]) -> float:
    """Return a score that is higher for large faces near the middle."""
    half = complex(*size) / 2
    return square.side * (1 - 0.7 * min(1.0, abs(square.shift - half) / abs(half)))
