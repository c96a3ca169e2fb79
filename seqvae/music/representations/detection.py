"""Looking at files as a musician does: drums, how played, melodies or trios, and how many bars?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqvae.music.reading.midi import read_score
from seqvae.music.reading.score import STEPS_PER_BAR, Score
from seqvae.music.representations.roles import BASS, DRUMS, MELODY, roles
from vaecore.errors import DataError

PERFORMED = 6
"""Drums of so many different velocities were played; accents that are written are of fewer."""


class Detection(NamedTuple):
    """What a group of files has in common.

    Attributes:
        kind: Name of the representation that fits all of them.
        bars: Bars from the first to the last note of the shortest one.
    """

    kind: str
    bars: int


def detect(items: Any | Sequence[Any]) -> Detection:
    """Return what items are, and how many bars the shortest has; the first of `candidates`.

    Args:
        items: One item or several: paths, PrettyMIDI, NoteSequence or Score.

    Raises:
        DataError: Some files have only drums and others only melodies, or one cannot be read.
    """
    return candidates(items if isinstance(items, (list, tuple)) else [items])[0]


def candidates(items: Sequence[Any]) -> list[Detection]:
    """Return what items may be taken as, the likeliest first.

    Files that all have a melody, a bass and drums are trios, or else melodies. A file with drums
    alone is drums, one with pitched notes alone is a melody; a file with both is taken as what the
    others are, and as a melody if there are no others. Drums that were all played, with many
    velocities, are a "groove".

    Args:
        items: Paths, PrettyMIDI, NoteSequence or Score, at least one.

    Raises:
        DataError: Some files have only drums and others only melodies, or one cannot be read.
    """
    scores = [read_score(item) for item in items]
    if not scores:
        raise ValueError("need at least one item")
    found = []
    if all({MELODY, BASS, DRUMS} <= set(roles(s).values()) for s in scores):
        found.append(Detection("trio", min(_bars(score) for score in scores)))
    drums = [s for s in scores if s.notes.is_drum.all()]
    pitched = [s for s in scores if not s.notes.is_drum.any()]
    if drums and pitched:
        text = f"has only drums, but {_name(pitched[0])} has only pitched notes"
        remedy = "give files of one kind, or name the model with --model"
        raise DataError(text, path=_name(drums[0]), remedy=remedy)
    if drums:
        bars = min(_bars(score, score.notes.is_drum) for score in scores)
        kind = "groove" if all(map(_performed, scores)) else "drums"
        return [*found, Detection(kind, bars)]
    bars = min(_bars(score, ~score.notes.is_drum) for score in scores)
    return [*found, Detection("melody", bars)]


def _performed(score: Score) -> bool:
    return len(np.unique(score.notes.velocity)) >= PERFORMED


def _bars(score: Score, keep: np.ndarray | None = None) -> int:
    """Return the number of bars from the first to the last of some notes, at least 1."""
    spans = [0]
    for piece in score.on_tempo_map().pieces(keep):
        notes = piece.notes
        if len(notes):
            first = int(notes.start.min()) // STEPS_PER_BAR
            end = np.where(notes.is_drum, notes.start + 1, notes.end)
            last = (int(end.max()) - 1) // STEPS_PER_BAR
            spans.append(last + 1 - first)
    return max(1, int(np.max(spans)))


def _name(score: Score) -> str:
    return score.path or "one item"
