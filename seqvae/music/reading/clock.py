"""Musical time: from seconds to quarter notes through changes of tempo, and the bars of a metre."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

NEAR = 1 / 8
"""Quarters (half a sixteenth) by which a change of metre may miss a bar line, or a note exceed it,
and not begin another bar."""


class Clock:
    """Converts seconds to quarter notes and back, through changes of tempo.

    Args:
        tempos: `(seconds, quarter notes per minute)`, in order of time.
        initial: The tempo before the first of them.

    Attributes:
        seconds: Where each tempo begins, the first at 0.
        quarters: The same in quarter notes.
        bpm: The tempos.
    """

    def __init__(self, tempos: Sequence[tuple[float, float]], initial: float = 120.0) -> None:
        changes = sorted(dict([(0.0, initial), *tempos]).items())
        self.seconds = np.array([time for time, _ in changes])
        self.bpm = np.array([tempo for _, tempo in changes])
        passed = np.diff(self.seconds) * self.bpm[:-1] / 60.0
        self.quarters = np.concatenate([[0.0], np.cumsum(passed)])

    def __len__(self) -> int:
        return len(self.bpm)

    def to_quarters(self, seconds: np.ndarray) -> np.ndarray:
        """Return the positions of times `(n,)` in quarter notes, `(n,)`."""
        k = np.searchsorted(self.seconds, seconds, side="right") - 1
        return np.asarray(self.quarters[k] + (seconds - self.seconds[k]) * self.bpm[k] / 60.0)

    def to_seconds(self, quarters: np.ndarray) -> np.ndarray:
        """Return the times of positions `(n,)` in seconds, `(n,)`."""
        k = np.searchsorted(self.quarters, quarters, side="right") - 1
        return np.asarray(self.seconds[k] + (quarters - self.quarters[k]) * 60.0 / self.bpm[k])

    def tempo(self, quarters: float) -> float:
        """Return the tempo at a position; a change within half a sixteenth after it counts."""
        k = int(np.searchsorted(self.quarters, quarters + NEAR, side="right")) - 1
        return float(self.bpm[max(k, 0)])


class Stretch(NamedTuple):
    """A stretch of music in one metre, whole bars but for the last one.

    Attributes:
        begin: Where it begins, in quarter notes.
        stop: Where the next one begins, or the music ends.
        metre: Numerator and denominator of its time signature.
        bars: The number of its bars, a short one at its end included.
        first_bar: The number of its first bar; the music begins with 1.
    """

    begin: float
    stop: float
    metre: tuple[int, int]
    bars: int
    first_bar: int

    @property
    def bar(self) -> float:
        """Length of a bar in quarter notes."""
        return bar_quarters(*self.metre)


def bar_quarters(numerator: int, denominator: int) -> float:
    """Return the length of a bar in quarter notes."""
    return 4.0 * max(1, numerator) / max(1, denominator)


def stretches(
    metres: Sequence[tuple[float, tuple[int, int]]], end: float, regroup: bool = False
) -> Iterator[Stretch]:
    """Yield the stretches of music from its beginning to its end.

    A change of metre begins a new bar. One that misses a bar line by less than half a sixteenth is
    moved there. Before the first time signature the metre is 4/4; if the first is 4/4 as well and
    stands within a bar, what is before it is a pick-up.

    Args:
        metres: Time signatures with their places in quarter notes, in order.
        end: Where the music ends, in quarter notes.
        regroup: Read bars as `regrouped` says. What is over before another metre stays as it is.
    """
    begin, metre, implied, bar = 0.0, (4, 4), True, 1
    found: list[tuple[float, float, tuple[int, int]]] = []
    for at, changed in metres:
        if at >= end:
            break
        length = bar_quarters(*metre)
        lines = round((at - begin) / length)
        on_line = abs(at - begin - lines * length) < NEAR
        at = begin + lines * length if on_line else at
        if changed == metre and (on_line or not implied):
            implied = False
            continue
        if at > begin:
            found.append((begin, at, metre))
        begin, metre, implied = at, changed, False
    found.append((begin, max(end, begin), metre))
    for number, (first, stop, signature) in enumerate(found):
        is_last = number == len(found) - 1
        parts = (
            _regrouped(first, stop, signature, is_last) if regroup else [(first, stop, signature)]
        )
        for part_first, part_stop, part in parts:
            length = bar_quarters(*part)
            bars = max(1, math.ceil((part_stop - part_first - NEAR) / length))
            yield Stretch(part_first, part_stop, part, bars, bar)
            bar += bars


def _regrouped(
    begin: float, stop: float, metre: tuple[int, int], is_last: bool
) -> list[tuple[float, float, tuple[int, int]]]:
    """Return a stretch in bars that models know, if they can be had; what is over, apart."""
    found = regrouped(metre)
    if found is None:
        return [(begin, stop, metre)]
    as_metre, _ = found
    length = bar_quarters(*as_metre)
    whole = begin + math.floor((stop - begin + NEAR) / length) * length
    if is_last:
        return [(begin, stop, as_metre)]
    over = [(whole, stop, metre)] if stop - whole > NEAR else []
    return ([(begin, whole, as_metre)] if whole > begin else []) + over


def regrouped(metre: tuple[int, int]) -> tuple[tuple[int, int], str] | None:
    """Return the metre that bars are read in, and how, if there is one that models know better.

    Bars of one, two and eight quarters are read as 4/4, 6/4 and 3/2 as 3/4, 3/8 and 9/8 as 6/8.
    """
    length, compound = bar_quarters(*metre), metre[1] >= 8 and metre[0] % 3 == 0
    if length == 1:
        return (4, 4), "four bars as one"
    if length in (2, 8):
        return (4, 4), "two bars as one" if length == 2 else "a bar as two"
    if length == 6 and not compound:
        return (3, 4), "a bar as two"
    if length in (1.5, 4.5) and compound:
        return (6, 8), "two bars as one" if length == 1.5 else "two bars as three"
    return None
