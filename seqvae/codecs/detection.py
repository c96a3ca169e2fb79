"""Looking at files as a musician does: are these drums or melodies, and how many bars?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from seqvae.midi import read_score
from seqvae.score import STEPS_PER_BAR, Score
from vaecore.errors import DataError


class Detection(NamedTuple):
    """What a group of files has in common.

    Attributes:
        kind: The codec that fits all of them.
        bars: Bars from the first to the last note of the shortest one.
    """

    kind: Literal["drums", "melody"]
    bars: int


def detect(items: Any | Sequence[Any]) -> Detection:
    """Say whether items are drums or melodies, and how many bars the shortest has.

    A file with drums alone is drums, one with pitched notes alone is a melody; a file with both
    is taken as what the others are, and as a melody if there are no others.

    Args:
        items: One item or several: paths, PrettyMIDI, NoteSequence or Score.

    Raises:
        DataError: Some files have only drums and others only melodies, or one cannot be read.
    """
    scores = [read_score(item) for item in (items if isinstance(items, (list, tuple)) else [items])]
    if not scores:
        raise ValueError("detect needs at least one item")
    drums = [s for s in scores if s.notes.is_drum.all()]
    pitched = [s for s in scores if not s.notes.is_drum.any()]
    if drums and pitched:
        text = f"has only drums, but {_name(pitched[0])} has only pitched notes"
        remedy = "give files of one kind, or name the model with --model"
        raise DataError(text, path=_name(drums[0]), remedy=remedy)
    kind = "drums" if drums else "melody"
    return Detection(kind, min(_bars(score, kind == "drums") for score in scores))


def _bars(score: Score, drums: bool) -> int:
    """Return the number of bars from the first note's to the last one's, at least 1."""
    spans = [0]
    for piece in score.on_tempo_map().pieces():
        notes = piece.notes[piece.notes.is_drum == drums]
        if len(notes):
            first = int(notes.start.min()) // STEPS_PER_BAR
            end = notes.start + 1 if drums else notes.end
            last = (int(end.max()) - 1) // STEPS_PER_BAR
            spans.append(last + 1 - first)
    return max(1, int(np.max(spans)))


def _name(score: Score) -> str:
    return score.path or "one item"
