"""A score as the reference system (note_seq) cuts it, for comparison.

It cuts wherever the tempo or the meter changes; each piece starts again at 0, with a fixed number
of steps a second.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.pieces import (
    DEFAULT_TEMPO,
    MAX_BARS,
    STEPS_PER_QUARTER,
    Meter,
    Notes,
    Piece,
    minutes,
)

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score


def pieces(score: Score, keep: np.ndarray | None = None) -> Iterator[Piece]:
    """Cut at every change of tempo or meter and quantise each piece, as the reference does.

    Args:
        score: The music.
        keep: The notes to use, boolean `(notes,)`; all by default.
    """
    index = np.arange(len(score.notes)) if keep is None else np.flatnonzero(keep)
    index = index[np.argsort(score.notes.start[index], kind="stable")]
    notes = score.notes[index]
    splits = _split_times(score)
    bounds = np.searchsorted(notes.start, splits).tolist()
    # The last change at or before the cut holds, as in the reference.
    tempos = [DEFAULT_TEMPO, *(qpm for _, qpm in score.tempos)]
    meters = [Meter(0.0, 4, 4), *score.meters]
    tempo_times = [time for time, _ in score.tempos]
    meter_times = [meter.time for meter in score.meters]
    for (begin, stop), (first, last) in zip(pairwise(splits), pairwise(bounds), strict=True):
        tempo = tempos[bisect_right(tempo_times, begin)]
        meter = meters[bisect_right(meter_times, begin)]
        yield _quantised(notes[first:last], begin, stop, tempo, meter)


def _split_times(score: Score) -> list[float]:
    """Return the cut times, from 0 to the total time; empty without notes."""
    total = score.total_time
    if total <= 0:
        return []
    events: list[tuple[float, str, object]]
    events = [(m.time, "meter", (m.numerator, m.denominator)) for m in score.meters]
    events += [(time, "tempo", qpm) for time, qpm in score.tempos]
    now: dict[str, object] = {"meter": (4, 4), "tempo": DEFAULT_TEMPO}
    splits = [0.0]
    for time, what, value in sorted(events, key=lambda event: event[0]):
        if time >= total or value == now[what]:
            continue
        if time > splits[-1]:
            splits.append(time)
        now[what] = value
    return [*splits, total]


def _quantised(notes: Notes, begin: float, stop: float, tempo: float, meter: Meter) -> Piece:
    """Return one piece, cut at `stop`, its notes on the grid; halves go up."""
    quarters = (stop - begin) * tempo / 60.0
    problem = None
    if not meter.usable:
        problem = "meter", f"is in {meter}"
    elif not 0 < quarters <= MAX_BARS * 4:
        problem = "tempo", f"has a tempo of {tempo:g}"
    if problem:
        rule, text = problem
        problem = rule, f"{text} from {minutes(begin)} to {minutes(stop)}"
        bars = quarters / meter.quarters if 0 < quarters <= MAX_BARS * 4 else 1
        return Piece(notes[:0], begin, tempo, meter, max(1, round(bars)), problem)
    steps_per_second = STEPS_PER_QUARTER * tempo / 60.0
    struck = (notes.start - begin) * steps_per_second
    start = (struck + 0.5).astype(np.int64)
    end = ((np.minimum(notes.end, stop) - begin) * steps_per_second + 0.5).astype(np.int64)
    end = np.where(end == start, end + 1, end)
    notes = replace(notes, start=start, end=end, late=struck - start)
    return Piece(notes, begin, tempo, meter, max(1, round(quarters / 4)))
