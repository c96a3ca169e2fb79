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


def runs(starts: np.ndarray, ends: np.ndarray, gap: int | None) -> Iterator[tuple[int, int]]:
    """Yield `(first, stop)` index ranges of notes without a rest of `gap` steps between them."""
    if not len(starts):
        return
    cuts = np.flatnonzero(starts[1:] - ends[:-1] >= gap) + 1 if gap is not None else []
    yield from itertools.pairwise([0, *cuts, len(starts)])


def listed(numbers: np.ndarray) -> str:
    """Return the first few numbers as text ("35, 36, 40, 41, 44, ...")."""
    return ", ".join(map(str, numbers[:5].tolist())) + (", ..." if len(numbers) > 5 else "")
