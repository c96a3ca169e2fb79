"""Finding the face in a photograph, and framing it as in the training set."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facevae.align.geometry import Similarity
from facevae.images import central_square, read_image, resized
from vaecore.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

    from facevae.align.judges import FaceDetector
    from facevae.align.photograph import Photograph

CORRECTIONS = 3
"""How often the network corrects a place; more do not change it (benchmarks/face_alignment.py)."""

FACE, TURNED_FACE, FRAMED_FACE = 5.4, 6.0, 3.0
"""Least evidence of a face (see `refine`): in a search for upright faces, in a search of a rotated
photograph, and for a whole picture that is framed already. A search has thousands of places that
may look like a face by chance, a framed picture has one (`benchmarks/photographs.py`)."""

CERTAIN = 7.0
"""With less evidence the search continues, in case that the photograph is on its side."""

CLEAR, FRAMED = 0.04, 0.10
"""A square picture counts as framed if the network would move its corners by less than this, in
sides of the picture: by less than `CLEAR` with one correction, or, as one correction underestimates
the error, by less than `FRAMED` with all. In the training set, whose framing varies a little, half
of the faces are moved by more than 0.025, and one in a hundred by more than 0.09."""

OBLONG = 1.05
"""A picture with a larger ratio of its sides is not framed."""

TOO_SMALL, WORTH = 16, 32
"""Least pixels a side of a picture that is searched, and of the framed square of a face; smaller
squares could show anything."""

UNLIKELY = -1.0
"""Least logit of the framing network; with a lower one a place is dropped."""

APART = 0.4
"""Least distance of two people's faces, in sides of the framed square; a face is half as wide as
the square."""


@dataclass(frozen=True)
class Framing:
    """A framed face, and its place in the photograph.

    Attributes:
        image: The framed face, RGB, square.
        framed_already: Whether the picture was framed before; then `image` is the picture, cut to
            a square and resized.
        square: The map from the framed square (corners -1, -1 and 1, 1) to pixels of the
            photograph; its `angle` (degrees, clockwise) and `side` (pixels) are those of the face.
        confidence: Probability of a face, 0 to 1, by the mean of two networks' logits.
        faces: Number of faces that were found.
        number: Number of the framed face, counted from the left, from 1.
    """

    image: Image.Image
    framed_already: bool
    square: Similarity
    confidence: float
    faces: int = 1
    number: int = 1


def is_framed(source: Any) -> bool:
    """Return whether a picture is framed as in the training set; this takes a few milliseconds.

    Args:
        source: A path, a PIL image or an array.

    Raises:
        DataError: The source is not an image that can be read.
    """
    return _check(read_image(source))[0]


def frame(source: Any, size: int | None = None, face: int | None = None) -> Framing:
    """Return the face in a photograph, framed as in the training set.

    A picture that is framed already is only cut to a square, and resized to `size` if given.

    Args:
        source: A path, a PIL image or an array.
        size: Side of the result in pixels; by default that of the face in the photograph, at least
            64 and at most 1024.
        face: Number of the face, counted from the left, from 1; by default the largest and most
            central one.

    Raises:
        DataError: The source is not an image that can be read, or there is no such face.
    """
    path = source if isinstance(source, str | os.PathLike) else None
    return frame_image(read_image(source), size, path, face)


def frame_image(
    image: Image.Image,
    size: int | None = None,
    path: str | os.PathLike[str] | None = None,
    face: int | None = None,
) -> Framing:
    """Return the face in an image that was read; see `frame`.

    Args:
        image: The image, RGB and upright, as from `read_image`.
        size: As for `frame`.
        path: The file, for messages.
        face: As for `frame`.

    Raises:
        DataError: There is no such face.
    """
    from facevae.align.photograph import Photograph

    framed, evidence = _check(image) if face in (None, 1) else (False, 0.0)
    if framed:
        square = Similarity.of_square(complex(*image.size) / 2, min(image.size))
        side = size or min(image.size)
        if image.size != (side, side):
            image = resized(central_square(image), side)
        return Framing(image, True, square, _sigmoid(evidence))
    photograph = Photograph(image)
    found = sorted(_faces(photograph), key=lambda one: one[0].shift.real)
    if not found:
        remedy = "give a photograph of one face from the front, or use --no-align"
        raise DataError("no face found", path=path, remedy=remedy)
    if face is None:
        best = max(found, key=lambda one: _prominence(one[0], image.size))
        face = 1 + found.index(best)
    if face > len(found):
        count = "only one face" if len(found) == 1 else f"only {len(found)} faces"
        remedy = f"count from the left, 1 to {len(found)}, and give --face once for each photograph"
        raise DataError(f"{count} found, so there is no face {face}", path=path, remedy=remedy)
    square, evidence = found[face - 1]
    cut = photograph.cut(square, size or min(1024, max(64, round(square.side))))
    return Framing(cut, False, square, _sigmoid(evidence), len(found), face)


def correct(
    photograph: Photograph, squares: Sequence[Similarity], corrections: int = CORRECTIONS
) -> list[tuple[Similarity, float]]:
    """Correct approximate places of faces with the framing network.

    Args:
        photograph: The photograph.
        squares: Approximate maps from the framed square to the photograph's pixels.
        corrections: Number of corrections.

    Returns:
        The corrected maps, each with the network's logit of a face; -inf for places that were
        dropped.
    """
    import torch

    from facevae.align.network import SIZE, locate

    places, logits = list(squares), [0.0] * len(squares)
    left = list(range(len(squares)))
    for _ in range(corrections):
        if not left:
            break
        crops = torch.from_numpy(photograph.crops([places[k] for k in left], SIZE))
        for k, (correction, logit) in zip(left, locate(crops), strict=True):
            # A correction of another scale would make the next crop too large or too small.
            likely = logit > UNLIKELY and 0.2 < correction.scale < 3
            places[k], logits[k] = places[k] @ correction, logit if likely else -math.inf
            if places[k].side < TOO_SMALL:
                logits[k] = -math.inf
        left = [k for k in left if logits[k] > -math.inf]
    return list(zip(places, logits, strict=True))


def refine(
    photograph: Photograph,
    squares: Sequence[Similarity],
    corrections: int = CORRECTIONS,
    judge: FaceDetector | None = None,
) -> list[tuple[Similarity, float]]:
    """Correct approximate places of faces, and judge them.

    Args:
        photograph: The photograph.
        squares: Approximate maps from the framed square to the photograph's pixels.
        corrections: Number of corrections.
        judge: The judge; by default the shipped network.

    Returns:
        The corrected maps of places that may be faces, each with its evidence: the mean of the
        logits of the framing network and of the judge.
    """
    import torch

    from facevae.align.judges import judged, shipped

    judge = judge or shipped("judge")
    likely = [one for one in correct(photograph, squares, corrections) if one[1] > -math.inf]
    if not likely:
        return []
    crops = photograph.crops([square for square, _ in likely], judge.side)
    opinions = judged(torch.from_numpy(crops), judge)
    return [
        (square, (logit + opinion) / 2)
        for (square, logit), opinion in zip(likely, opinions, strict=True)
    ]


def _check(image: Image.Image) -> tuple[bool, float]:
    """Return whether an image is framed, and the evidence of a face."""
    if max(image.size) > OBLONG * min(image.size) or min(image.size) < TOO_SMALL:
        return False, -math.inf
    from facevae.align.photograph import Photograph

    photograph = Photograph(image)
    whole = Similarity.of_square(complex(*image.size) / 2, min(image.size))
    for corrections, most in ((1, CLEAR), (CORRECTIONS, FRAMED)):
        refined = refine(photograph, [whole], corrections)
        square, evidence = refined[0] if refined else (whole, -math.inf)
        moved = (whole.inverse @ square).displacement()
        if evidence < FRAMED_FACE or moved > 1.5 * FRAMED:
            return False, evidence
        if moved <= most:
            return True, evidence
    return False, evidence


def _faces(photograph: Photograph) -> list[tuple[Similarity, float]]:
    """Return the places of the faces in a photograph, and the evidence of each."""
    from facevae.align.finding import LONGEST, find_faces

    small, factor = photograph.reduced(LONGEST)
    grow = Similarity(factor, 0)
    found: list[tuple[Similarity, float]] = []
    for turned, places in enumerate(find_faces(small)):
        least = TURNED_FACE if turned else FACE
        refined = refine(photograph, [grow @ place for place in places])
        faces = _distinct([one for one in refined if one[1] >= least and one[0].side >= WORTH])
        found = max(found, faces, key=lambda some: max((face[1] for face in some), default=0.0))
        if found and found[0][1] >= CERTAIN:
            break
    return found


def _distinct(faces: list[tuple[Similarity, float]]) -> list[tuple[Similarity, float]]:
    """Return the faces with the most evidence first, without those that overlap a better one."""
    kept: list[tuple[Similarity, float]] = []
    for square, evidence in sorted(faces, key=lambda face: -face[1]):
        if all(
            abs(other.shift - square.shift) > APART * max(other.side, square.side)
            for other, _ in kept
        ):
            kept.append((square, evidence))
    return kept


def _prominence(square: Similarity, size: tuple[int, int]) -> float:
    """Return a score that is higher for large faces near the middle."""
    half = complex(*size) / 2
    return square.side * (1 - 0.7 * min(1.0, abs(square.shift - half) / abs(half)))


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
