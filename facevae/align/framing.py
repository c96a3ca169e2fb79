"""Finding the face in a photograph and framing it as the training set is framed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facevae.align.geometry import Similarity
from facevae.images import read_image
from vaecore.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

    from facevae.align.pictures import Photograph

LOOKS = 3
"""How often the network corrects a place; further looks change nothing (benchmarks)."""

SURE, CERTAIN = 0.5, 0.9
"""Probabilities by the network that there is a face. Below the first there is none. Below the
second it may be half a face that a cascade boxed: the search goes on, and comes back to it only if
it was sought upright and nothing better is found."""

CLEAR, FRAMED = 0.04, 0.10
"""A square picture is framed already if the network would move its corners by less than this part
of the side: at the first look by less than `CLEAR`, or else, as one look sees too small an error,
after all looks by less than `FRAMED`. Half of the framed faces of the training set are moved by
more than 0.025, one in a hundred by more than 0.09: they do not lie alike to a hair."""

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
            its `angle` (degrees, clockwise) and `side` (pixels) tell how the face lay.
        confidence: The network's probability that there is a face, 0 to 1.
        faces: How many faces were found; the framed one is the largest and most central.
    """

    image: Image.Image
    framed_already: bool
    square: Similarity
    confidence: float
    faces: int = 1


def is_framed(source: Any) -> bool:
    """Tell whether a picture is framed as the training set is.

    It takes one look of the network, some milliseconds (a few more where it is close), and no
    OpenCV.

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
    from facevae.align.pictures import Photograph

    framed, confidence = _check(image)
    if framed:
        side = min(image.size)
        square = Similarity.of_square(complex(*image.size) / 2, side)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        if image.width != image.height:
            image = image.crop((left, top, left + side, top + side))
        return Framing(_resized(image, size), True, square, confidence)
    photograph = Photograph(image)
    found = _faces(photograph)
    if not found:
        remedy = "give a photograph of one face from the front, or use --no-align"
        raise DataError("no face found", path=path, remedy=remedy)
    square, confidence = max(found, key=lambda face: _prominence(face[0], image.size))
    cut = photograph.cut(square, size or min(1024, max(64, round(square.side))))
    return Framing(cut, False, square, confidence, len(found))


def settle(photograph: Photograph, square: Similarity) -> tuple[Similarity, float]:
    """Correct a rough place of a face until it is framed.

    Args:
        photograph: Where it is.
        square: From the framed square to the photograph's pixels, roughly.

    Returns:
        The corrected place, and the probability that there is a face.
    """
    import numpy as np
    import torch

    from facevae.align.network import SIZE, look

    confidence = 0.0
    for _ in range(LOOKS):
        crop = np.array(photograph.cut(square, SIZE))
        correction, confidence = look(torch.from_numpy(crop))
        if not 0.2 < correction.scale < 3:  # no face looks like that; and the next cut might be
            return square, 0.0  # of any size
        square = square @ correction
    return square, confidence


def _check(image: Image.Image) -> tuple[bool, float]:
    """Tell whether an image is framed, and how probable it is that it shows a face."""
    if max(image.size) > OBLONG * min(image.size) or min(image.size) < TOO_SMALL:
        return False, 0.0
    import numpy as np
    import torch

    from facevae.align.network import SIZE, look

    small = image.resize((SIZE, SIZE), resample=3, reducing_gap=4.0)
    correction, confidence = look(torch.from_numpy(np.array(small)))
    if confidence < SURE or correction.displacement() > 1.5 * FRAMED:
        return False, confidence
    if correction.displacement() <= CLEAR:
        return True, confidence
    from facevae.align.pictures import Photograph

    whole = Similarity.of_square(complex(*image.size) / 2, min(image.size))
    square, confidence = settle(Photograph(image), whole)
    moved = (whole.inverse @ square).displacement()
    return confidence >= SURE and moved <= FRAMED, confidence


def _faces(photograph: Photograph) -> list[tuple[Similarity, float]]:
    """Return the places of the faces in a photograph, and how sure each is."""
    from facevae.align.finding import LONGEST, UPRIGHT, find_faces

    small, factor = photograph.reduced(LONGEST)
    grow = Similarity(factor, 0)
    doubtful: list[tuple[Similarity, float]] = []
    for way, places in enumerate(find_faces(small)):
        settled = [settle(photograph, grow @ place) for place in places]
        faces = [one for one in settled if one[1] >= SURE and one[0].side >= TOO_SMALL]
        clear = [one for one in faces if one[1] >= CERTAIN]
        if clear:
            return _distinct(clear)
        if way < UPRIGHT:
            doubtful += faces
    return _distinct(doubtful)[:1]


def _distinct(faces: list[tuple[Similarity, float]]) -> list[tuple[Similarity, float]]:
    """Leave out places that settled on the same face as a surer one."""
    kept: list[tuple[Similarity, float]] = []
    for square, confidence in sorted(faces, key=lambda face: -face[1]):
        if all((other.inverse @ square).displacement() > 0.25 for other, _ in kept):
            kept.append((square, confidence))
    return kept


def _prominence(square: Similarity, size: tuple[int, int]) -> float:
    """Return how much a face is the one meant: large, and near the middle."""
    half = complex(*size) / 2
    return square.side * (1 - 0.7 * min(1.0, abs(square.shift - half) / abs(half)))


def _resized(image: Image.Image, size: int | None) -> Image.Image:
    if size is None or image.size == (size, size):
        return image
    return image.resize((size, size), resample=3)
