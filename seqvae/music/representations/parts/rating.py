"""How likely each pitched part of a piece is its melody, and what speaks for it.

The rule, in words: a melody plays through much of the music, one note at a time, above the others,
at a singable pace and mostly by steps; it is varied, not an ostinato or a drone, and it is not
softer than the rest. A name such as "Melody" counts, and that of a sound ("Sawtooth Lead") does
not. Where a file has words, the part whose notes carry them is the melody. The weights were found
on files of which the melody is known (docs/parts.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from seqvae.music.reading.score import Notes

QUARTERS_PER_BAR = 4
SIXTEENTHS = 16
SUNG = 0.6
"""Words and onsets agree by this much, at least, where a part carries the words."""
FEWEST_WORDS = 8
SOME = 0.25
"""A line meets at least this share of the words, or they are those of another song."""
NEAR = 0.1
"""Words and onsets fall together within so many quarter notes."""
HIGHEST_SPAN = 36


class Rating(NamedTuple):
    """How likely a part is the melody; parts are compared by it within one piece.

    Attributes:
        total: The sum of all terms.
        terms: What speaks for or against it, by reason; a part is liked for what it has more of
            than others.
    """

    total: float
    terms: Mapping[str, float]


def rate(parts: Sequence[tuple[Notes, float, int]], words: np.ndarray, last: float) -> list[Rating]:
    """Return the rating of every pitched part.

    Args:
        parts: Notes in quarter notes, in order of their start; what the name says (see
            `tells_melody`); and the program.
        words: Where the words of a song are sung, in quarter notes.
        last: Where the music ends, in quarter notes.
    """
    bars = int(last // QUARTERS_PER_BAR) + 1
    lines = [_line(notes) for notes, _, _ in parts]
    heights = np.array([_heights(line, bars) for line in lines]).reshape(len(parts), bars)
    played = np.isfinite(heights)
    song = max(int(played.any(axis=0).sum()), 1)
    loudest = max((float(notes.velocity.mean()) for notes, _, _ in parts), default=1.0)
    sung = _sung(lines, words)
    found = []
    for k, ((notes, named, program), line) in enumerate(zip(parts, lines, strict=True)):
        own = played[k]
        above = (heights[:, own] > heights[k, own] + 0.01).sum(axis=0).mean()
        terms = _terms(line, notes, int(own.sum()), song)
        terms["the highest line"] -= 2.6 * float(above) / max(len(parts) - 1, 1)
        terms["loud"] = 2.2 * float(notes.velocity.mean()) / max(loudest, 1.0)
        terms["its name"] = 7.0 * named
        terms["its sound"] = -2.6 * (32 <= program < 40)
        terms["it carries the words"] = 25.0 * max(0.0, sung[k] - SUNG)
        found.append(Rating(sum(terms.values()), terms))
    return found


def _line(notes: Notes) -> Notes:
    """Return the highest note of every onset."""
    order = np.lexsort((-notes.pitch, notes.start))
    return notes[order[np.flatnonzero(np.diff(notes.start[order], prepend=-np.inf))]]


def _heights(line: Notes, bars: int) -> np.ndarray:
    """Return the mean pitch of a line in every bar, by duration; -inf where it does not play."""
    bar = (line.start // QUARTERS_PER_BAR).astype(int)
    weight = np.clip(line.end - line.start, 1e-3, QUARTERS_PER_BAR)
    total, count = np.zeros(bars), np.zeros(bars)
    np.add.at(total, bar, line.pitch * weight)
    np.add.at(count, bar, weight)
    return np.where(count > 0, total / np.maximum(count, 1e-9), -np.inf)


def _terms(line: Notes, notes: Notes, bars: int, song: int) -> dict[str, float]:
    """Return the terms that a part decides by itself.

    Args:
        line: Its highest notes.
        notes: All its notes.
        bars: In how many bars it plays.
        song: In how many bars anything pitched plays.
    """
    pitch = line.pitch
    chord = len(notes) / len(line)
    pace = len(line) / bars
    middle = float(np.median(pitch))
    moves = np.abs(np.diff(pitch)) if len(pitch) > 1 else np.zeros(1)
    low, high = np.percentile(pitch, [10, 90])
    share = np.bincount(pitch % 12, minlength=12) / len(pitch)
    entropy = -float((share[share > 0] * np.log2(share[share > 0])).sum())
    return {
        "one note at a time": -1.8 * np.log2(chord),
        "it plays through most of the music": 6.7 * (bars / song) ** 0.5,
        "varied": 21.6 * min(_distinct(line), 0.3)
        - 1.8 * max(0.0, 1.6 - entropy)
        - 2.2 * (len(np.unique(pitch)) <= 3),
        "a singable pace": -0.9 * max(0.0, np.log2(pace / 8)) - 1.9 * max(0.0, np.log2(3 / pace)),
        "the highest line": -0.2 * abs(middle - 72) / 12 - 0.6 * max(0.0, 64 - middle) / 12,
        "it moves by steps": 1.7 * min(float((moves == 0).mean()), 0.5)
        + 3.6 * float(((moves > 0) & (moves <= 2)).mean())
        - 2.1 * float((moves > 7).mean())
        - 0.55 * max(0.0, min(high - low, HIGHEST_SPAN) - 12) / 12,
    }


def _distinct(line: Notes) -> float:
    """Return the share of a line's bars that are unlike all bars before, on the 16th grid."""
    bar = (line.start // QUARTERS_PER_BAR).astype(int)
    place = ((line.start % QUARTERS_PER_BAR) * SIXTEENTHS // QUARTERS_PER_BAR).astype(int)
    edges = np.flatnonzero(np.diff(bar, prepend=-1, append=-1))
    events = place * 128 + line.pitch
    bars = [events[a:b].tobytes() for a, b in pairwise(edges)]
    return len(set(bars)) / len(bars)


def _sung(lines: Sequence[Notes], words: np.ndarray) -> list[float]:
    """Return how well the onsets of each line and the words fall together, 0 to 1: the F1 measure.

    Files may have several events of text for a note. So the share of words that a line meets counts
    beside that of the line which meets most of them.
    """
    if len(words) < FEWEST_WORDS or not lines:
        return [0.0] * len(lines)
    precision = [_near(line.start, words) for line in lines]
    recall = [_near(words, np.unique(line.start)) for line in lines]
    most = max(recall)
    if most < SOME:
        return [0.0] * len(lines)
    return [2 * p * r / max(p * most + r, 1e-9) for p, r in zip(precision, recall, strict=True)]


def _near(times: np.ndarray, others: np.ndarray) -> float:
    """Return the share of times that have one of the others, in order, beside them."""
    after = np.searchsorted(others, times)
    right = others[np.minimum(after, len(others) - 1)]
    left = others[np.maximum(after - 1, 0)]
    return float((np.minimum(abs(right - times), abs(left - times)) <= NEAR).mean())
