"""Timing of the inputs: how late or early each step of a window is played.

Windows on the grid do not hold it. With `Context.late` the notes of a result have it again, as a
groove template of a sequencer gives it to a stiff part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.music.representations.windows import Windows
    from seqvae.music.representations.writing import NoteTrack
    from vaecore.codec import Example

SHORTEST = 0.25
"""Steps that a note lasts at least, when its ends are moved."""


def timed(codec: SequenceCodec, score: Score, found: Windows, index: int) -> Example:
    """Return a window with the timing of the notes it was read from, if it has none itself."""
    example, notes = found[index], score.notes
    if example.x.is_floating_point():  # a performance
        return example
    own = np.isin(notes.instrument, codec.together(score, found.instruments[index]))
    if len(codec.voices) > 1:
        own = np.ones(len(notes), bool)
    elif own.any() and notes.is_drum[own].all():
        own = notes.is_drum  # of all tracks
    per_quarter = example.context.per_quarter
    late = lateness(score, own, found.seconds[index], codec.steps, per_quarter)
    return replace(example, context=replace(example.context, late=late))


def lateness(
    score: Score, chosen: NDArray[np.bool_], begin: float, steps: int, per_quarter: int
) -> tuple[float, ...]:
    """Return by how much the notes at each step of a window are late, in steps, -0.5 to 0.5.

    Of several notes at one step it is the mean. A step without a note has that of the steps at
    its place of the beat, so that a swung part stays swung.

    Args:
        score: The music.
        chosen: Which of its notes count.
        begin: Where the window begins, in seconds.
        steps: Length of the window.
        per_quarter: Steps of a quarter note.
    """
    quarters = score.to_quarters(np.append(score.notes.start[chosen], begin))
    at = (quarters[:-1] - quarters[-1]) * per_quarter
    step = np.floor(at + 0.5).astype(np.int64)
    inside = (step >= 0) & (step < steps)
    step, late = step[inside], (at - step)[inside]

    def mean(
        place: NDArray[np.int64], size: int, otherwise: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        count = np.bincount(place, minlength=size)
        total = np.bincount(place, late, minlength=size)
        return np.where(count > 0, total / np.maximum(count, 1), otherwise)

    usual = mean(step % per_quarter, per_quarter, np.zeros(per_quarter))
    found = mean(step, steps, usual[np.arange(steps) % per_quarter])
    return tuple(found.round(4).tolist())


def mixed(late: Sequence[tuple[float, ...]], weights: Sequence[float]) -> tuple[float, ...]:
    """Return the weighted mean of the timing of several inputs; those without any do not count."""
    known = [(each, weight) for each, weight in zip(late, weights, strict=True) if each and weight]
    if not known:
        return ()
    steps = min(len(each) for each, _ in known)
    values = np.array([each[:steps] for each, _ in known])
    return tuple(np.average(values, axis=0, weights=[w for _, w in known]).round(4).tolist())


def played_late(tracks: Sequence[NoteTrack], late: Sequence[float]) -> list[NoteTrack]:
    """Return tracks whose notes begin and end as late as the steps there; none before the start."""

    def moved(at: float) -> float:
        step = int(at)
        return max(at + late[step], 0.0) if step == at and step < len(late) else at

    if not late:
        return list(tracks)
    return [
        track._replace(
            notes=[
                note._replace(
                    start=moved(note.start),
                    end=max(moved(note.end), moved(note.start) + SHORTEST),
                )
                for note in track.notes
            ]
        )
        for track in tracks
    ]
