"""Bars, rests and small words on the sixteenth grid."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from seqvae.score import STEPS_PER_BAR


def bar_floor(step: int) -> int:
    """Return the first step of the bar that a step lies in."""
    return step - step % STEPS_PER_BAR


def bar_ceil(step: int) -> int:
    """Return the first bar line at or after a step."""
    return step + -step % STEPS_PER_BAR


def runs(starts: np.ndarray, ends: np.ndarray, relaxed: bool) -> Iterator[tuple[int, int]]:
    """Yield `(first, stop)` index ranges of notes without a rest of a bar between them.

    By the relaxed rules no rest is too long.
    """
    if not len(starts):
        return
    cuts = [] if relaxed else np.flatnonzero(starts[1:] - ends[:-1] >= STEPS_PER_BAR) + 1
    yield from itertools.pairwise([0, *cuts, len(starts)])


def frame(first: int, last: int, shortest: int) -> tuple[int, int]:
    """Return the first step of a phrase and its length, in whole bars.

    Args:
        first: Step of the first onset.
        last: Step where the last note ends.
        shortest: Fill up to this many steps, and begin at step 0 if the music ends within them;
            0 by the reference's rules.
    """
    begin = 0 if last <= shortest else bar_floor(first)
    return begin, max(shortest, bar_ceil(last) - begin)


def listed(numbers: np.ndarray) -> str:
    """Return the first few numbers as text ("35, 36, 40, 41, 44, ...")."""
    return ", ".join(map(str, numbers[:5].tolist())) + (", ..." if len(numbers) > 5 else "")
