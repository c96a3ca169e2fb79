"""Phrases on a grid: where they begin and end, in whole bars."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.reading.score import Score

MOST_STEPS = 1 << 16
"""Steps of phrases that are written at once: a note may last for hours, on each of many tracks."""


def bar_floor(step: int, bar: int = SIXTEEN.steps_per_bar) -> int:
    """Return the first step of the bar, of so many steps, that a step lies in."""
    return step - step % bar


def bar_ceil(step: int, bar: int = SIXTEEN.steps_per_bar) -> int:
    """Return the first bar line at or after a step."""
    return step + -step % bar


def span(score: Score, keep: np.ndarray | None = None, grid: StepGrid = SIXTEEN) -> int:
    """Return the number of bars from the first to the last of some notes, at least 1."""
    spans, bar = [1], grid.steps_per_bar
    for piece in score.passages(keep, grid):
        notes = piece.notes
        if len(notes):
            end = np.where(notes.is_drum, notes.start + 1, notes.end)
            first, last = bar_floor(int(notes.start.min()), bar), bar_ceil(int(end.max()), bar)
            spans.append((last - first) // bar)
    return max(spans)


def runs(
    starts: np.ndarray,
    ends: np.ndarray,
    relaxed: bool,
    instruments: np.ndarray | None = None,
    bar: int = SIXTEEN.steps_per_bar,
) -> Iterator[tuple[int, int]]:
    """Yield `(first, stop)` index ranges of notes without a rest of a bar between them.

    By the relaxed rules rests may have any length.

    Args:
        starts: Steps, ascending for each instrument.
        ends: Steps.
        relaxed: Whether the relaxed rules hold.
        instruments: Instrument of every note; a range has notes of one. None if all have the same.
        bar: Steps of a bar.
    """
    if not len(starts):
        return
    cut = np.full(len(starts) - 1, False) if relaxed else starts[1:] - ends[:-1] >= bar
    if instruments is not None:
        cut |= instruments[1:] != instruments[:-1]
    yield from itertools.pairwise([0, *(np.flatnonzero(cut) + 1).tolist(), len(starts)])


def frame(
    first: int, last: int, shortest: int, bar: int = SIXTEEN.steps_per_bar
) -> tuple[int, int]:
    """Return the first step of a phrase and its length, in whole bars.

    Args:
        first: Step of the first onset.
        last: Step where the last note ends.
        shortest: Fill up to this many steps, and begin at step 0 if the music ends within them;
            0 by the reference's rules.
        bar: Steps of a bar.
    """
    begin = 0 if last <= shortest else bar_floor(first, bar)
    return begin, max(shortest, bar_ceil(last, bar) - begin)


class Framed(NamedTuple):
    """A phrase: the index range of its notes, its first step and its length, in whole bars."""

    first: int
    stop: int
    begin: int
    length: int


def framed(
    starts: np.ndarray,
    ends: np.ndarray,
    ranges: Iterable[tuple[int, int]],
    shortest: int,
    bar: int = SIXTEEN.steps_per_bar,
) -> Iterator[list[Framed]]:
    """Yield phrases with their `frame`, in lists of at most `MOST_STEPS` steps or one phrase.

    Args:
        starts: Steps.
        ends: Steps.
        ranges: Index range of the notes of each phrase.
        shortest: As for `frame`.
        bar: As there.
    """
    some: list[Framed] = []
    steps = 0
    for first, stop in ranges:
        begin, length = frame(int(starts[first]), int(ends[stop - 1]), shortest, bar)
        if some and steps + length > MOST_STEPS:
            yield some
            some, steps = [], 0
        some.append(Framed(first, stop, begin, length))
        steps += length
    if some:
        yield some


def listed(numbers: np.ndarray) -> str:
    """Return the first few numbers as text ("35, 36, 40, 41, 44, ...")."""
    return ", ".join(map(str, numbers[:5].tolist())) + (", ..." if len(numbers) > 5 else "")
