"""Bars that notes show, where a file does not say, or cannot mean, how its bars lie.

Two things are plain from the notes alone: that they come back every three quarters and not every
four, and that they lie on the odd sixteenths, so that all bars are off by one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.pieces import Meter

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score

FEWEST = 32
"""Fewer notes show nothing."""
COMPARED = 16
"""So many notes, at least, could come back after a lag."""
MORE, TIMES = 0.08, 1.3
"""By how much, and how many times, more notes come back in threes than in fours, in bars of three.

Of Nottingham's tunes in 3/4 and 6/8 that finds 95 %, and none of those in 4/4; see
docs/reading.md."""
ODD, NEAR = 0.75, 0.25
"""Share of the notes on odd sixteenths, of music whose bars are off by a sixteenth, and by how much
of one they may miss them."""
BARS = 8
"""Fewer bars may be as odd as they are."""


def in_evident_bars(score: Score) -> Score:
    """Return a score with the bars that its notes show, and say so.

    Music without a time signature whose notes come back every three quarters is read in 3/4; where
    4/4 is written it is believed, and what contradicts it is said. Where nearly all notes lie on
    odd sixteenths the bars begin there. Music of several metres stays as it is.
    """
    start = score.starts - score.stretches[-1].begin
    if len({stretch.metre for stretch in score.stretches}) != 1 or len(start) < FEWEST:
        return score
    score = _from_the_notes(score, start)
    if score.stretches[-1].bar != 4:
        return score
    pitched = ~score.notes.is_drum
    if not in_threes(start[pitched], score.notes.pitch[pitched]):
        return score
    if score.meters:
        words = "is written in 4/4, but its notes come back every three quarters; --meter 3/4 reads"
        return replace(score, notices=(*score.notices, f"{words} it so"))
    words = "has no time signature; its notes come back every three quarters, so it is read in 3/4"
    return replace(score.in_meter(3, 4), notices=(*score.notices, words))


def in_threes(quarters: np.ndarray, pitch: np.ndarray) -> bool:
    """Return whether notes come back every three quarters, and not every four.

    Args:
        quarters: Where they begin, in quarter notes.
        pitch: Their pitches.
    """
    if len(quarters) < FEWEST:
        return False
    note = np.unique(np.floor(quarters * 4 + 0.5).astype(np.int64) * 128 + pitch)
    threes, fours = (np.array([_back(note, lag) for lag in lags]) for lags in ((3, 6, 9), (4, 8)))
    if np.isnan(threes).all() or np.isnan(fours).all():
        return False
    three, four = np.nanmean(threes), np.nanmean(fours)
    return bool(three - four > MORE and three > TIMES * four)


def _back(note: np.ndarray, lag: int) -> float:
    """Return the share of notes, sixteenth * 128 + pitch in order, that come back after quarters.

    NaN if too few could.
    """
    shift = lag * 4 * 128
    could = note[note + shift <= note[-1] | 127]
    return float(np.isin(could + shift, note).mean()) if len(could) >= COMPARED else np.nan


def _from_the_notes(score: Score, start: np.ndarray) -> Score:
    """Return a score whose bars begin a sixteenth earlier or later, if its notes lie there."""
    stretch, sixteenth = score.stretches[-1], np.floor(start * 4 + 0.5)
    near = np.abs(start * 4 - sixteenth) < NEAR  # triplets are not
    count = np.bincount(sixteenth[near].astype(np.int64) % 4, minlength=4)
    if stretch.bars < BARS or count[1] + count[3] < ODD * len(start):
        return score
    shift = 0.25 if count[1] >= count[3] else stretch.bar - 0.25
    begin = float(score.clock.to_seconds(np.array(stretch.begin + shift)))
    when = "after" if shift == 0.25 else "before"
    words = f"has its notes a sixteenth {when} the beats; its bars are read from there"
    notices = (*score.notices, words)
    return replace(score, meters=(Meter(begin, *stretch.metre),), notices=notices)
