"""Finding out what files are: drums, drum performances, melodies or trios, and how many bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from seqvae.music.reading.midi import read_score
from seqvae.music.reading.score import Score
from seqvae.music.representations.parts.choice import heard
from vaecore.errors import DataError


class Detection(NamedTuple):
    """The representation and length of a group of files.

    Attributes:
        kind: Name of the representation that fits all of them.
        bars: Bars from the first to the last note of the shortest one.
    """

    kind: str
    bars: int


def detect(items: Any | Sequence[Any]) -> Detection:
    """Return which representation items are of, and how many bars the shortest has.

    It is the first of `candidates`.

    Args:
        items: One item or several: paths, PrettyMIDI, NoteSequence or Score.

    Raises:
        DataError: Some files have only drums and others only melodies, or one cannot be read.
    """
    return candidates(items if isinstance(items, (list, tuple)) else [items])[0]


def candidates(items: Sequence[Any]) -> list[Detection]:
    """Return the representations that items may be read with, the likeliest first.

    It is the last representation of the registry that suits all items (see `SequenceCodec.suits`)
    and, if that has several voices, also the last one of a single voice that does. Files that all
    have a melody, a bass and drums are trios. Otherwise a file with only drums is drums, and one
    with only pitched notes a melody; a file with both is what the other files are, and a melody if
    there are no others. Drums with many velocities, which were played and not programmed, are a
    "groove".

    Args:
        items: Paths, PrettyMIDI, NoteSequence or Score, at least one.

    Raises:
        DataError: Some files have only drums and others only melodies, or one cannot be read.
    """
    from seqvae.music.representations import CODECS

    scores = [heard(read_score(item)) for item in items]
    if not scores:
        raise ValueError("need at least one item")
    drums = [s for s in scores if s.notes.is_drum.all()]
    pitched = [s for s in scores if not s.notes.is_drum.any()]
    if drums and pitched:
        text = f"has only drums, but {_name(pitched[0])} has only pitched notes"
        remedy = "give files of one kind, or name the model with --model"
        raise DataError(text, path=_name(drums[0]), remedy=remedy)
    found: list[Detection] = []
    for codec in reversed(CODECS.values()):
        several = len(codec.voices) > 1
        bars = None if found and several else codec.suits(scores)
        if bars is not None:
            found.append(Detection(codec.name, bars))
            if not several:
                return found
    raise DataError("is music for which there is no representation", path=_name(scores[0]))


def _name(score: Score) -> str:
    return score.path or "one item"
