"""How likely each pitched part of a piece is its melody, and what speaks for it.

The rule, in words: a melody is the highest sounding line, not low, one note at a time; its notes
have several lengths, and one cannot guess the next one; many of its bars are a tune: a few pitches
in a rhythm, mostly steps and small leaps. It is no drone, no ostinato, and not softer than the
rest. A name such as "Melody" counts, and that of a sound ("Sawtooth Lead") does not. Where a file
has words, the part whose notes carry them is the melody.

Each part has traits, numbers that are compared with those of the other parts of the piece only. A
rating is their weighted sum. The weights are those of a conditional logit model (the probability of
a part is the softmax of the ratings), fitted with an L2 penalty to files of which the melody is
known, but for those of "drone", "name" and "words", which were set. docs/parts.md says how often
the rule is right.
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
ENOUGH = 0.3
"""A melody plays in this share of the bars, and this share of its bars is unlike all before."""
BUSY = 14
"""Most notes of a bar that is a tune."""
LONGEST = 40_000
"""Most sixteenths of a piece that are compared: 2,500 bars."""
BLOWN = range(64, 80)
DISTORTED = range(29, 32)
PLUCKED_OR_STRUCK = (*range(8, 16), *range(44, 48), 55, *range(96, 128))
"""Programs that rarely have the melody: bells and mallets, harp, hits, effects, percussion."""


class Trait(NamedTuple):
    """What a number of a part weighs, and for which reason."""

    reason: str
    weight: float


TRAITS: Mapping[str, Trait] = {
    "chords": Trait("one note at a time", -0.88),
    "overlap": Trait("one note at a time", -3.59),
    "presence": Trait("it plays through most of the music", 2.14),
    "new_bars": Trait("varied", 6.62),
    "drone": Trait("varied", -3.0),
    "lengths": Trait("varied", 0.71),
    "surprise": Trait("varied", 1.68),
    "slow": Trait("a singable pace", -0.95),
    "far": Trait("the highest line", -0.48),
    "low": Trait("the highest line", -0.71),
    "covered": Trait("the highest line", -1.19),
    "skyline": Trait("the highest line", 2.79),
    "tunes": Trait("it moves like a tune", 0.96),
    "tunes_of_all": Trait("it moves like a tune", 2.21),
    "loud": Trait("loud", 3.42),
    "name": Trait("its name", 6.0),
    "blown": Trait("its sound", 1.42),
    "distorted": Trait("its sound", 1.26),
    "struck": Trait("its sound", -0.81),
    "words": Trait("it carries the words", 25.0),
}
"""The rule. What each trait is, `traits` says."""


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
    """Return the rating of every pitched part; see `traits` for the arguments."""
    found = []
    for values in traits(parts, words, last):
        terms = dict.fromkeys((trait.reason for trait in TRAITS.values()), 0.0)
        for name, trait in TRAITS.items():
            terms[trait.reason] += trait.weight * values[name]
        found.append(Rating(sum(terms.values()), terms))
    return found


def traits(
    parts: Sequence[tuple[Notes, float, int]], words: np.ndarray, last: float
) -> list[dict[str, float]]:
    """Return the traits of every pitched part. A line is the highest note of every onset.

    chords: log2 of the notes for each onset. overlap: share of the line's notes that sound on into
    the next one. presence: share of the bars with music in which it plays, 1 from 30 % on.
    new_bars: share of its bars that are unlike all before, 30 % at most. drone: 1 with three
    pitches or fewer. lengths: bits of the note lengths, in steps of half an octave. surprise: bits
    of a pitch when the two before it are known, 2 at most. slow: octaves by which its notes are
    longer than two quarters on average. far: octaves of its middle pitch from C5. low: octaves of
    that below E4. covered: share of the other parts that lie higher, bar by bar. skyline: share of
    the time with music in which it is the highest sounding part. tunes: share of its bars that are
    a tune (`_is_tune`), tunes_of_all: those as a share of all bars with music. loud: its mean
    velocity to that of the loudest part. name: what its name says. blown, distorted, struck: its
    sound. words: how much better than `SUNG` its onsets and the words agree.

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
    sung, skyline = _sung(lines, words), _skyline(lines, last)
    found = []
    for k, ((notes, named, program), line) in enumerate(zip(parts, lines, strict=True)):
        own = played[k]
        above = (heights[:, own] > heights[k, own] + 0.01).sum(axis=0).mean()
        values = _of_line(line, song)
        values["chords"] = float(np.log2(len(notes) / len(line)))
        values["presence"] = min(float(own.sum()) / song / ENOUGH, 1.0)
        values["covered"] = float(above) / max(len(parts) - 1, 1)
        values["skyline"] = skyline[k]
        values["loud"] = float(notes.velocity.mean()) / max(loudest, 1.0)
        values["name"] = named
        values["blown"] = float(program in BLOWN)
        values["distorted"] = float(program in DISTORTED)
        values["struck"] = float(program in PLUCKED_OR_STRUCK)
        values["words"] = max(0.0, sung[k] - SUNG)
        found.append(values)
    return found


def _of_line(line: Notes, song: int) -> dict[str, float]:
    """Return the traits of a line by itself.

    Args:
        line: It.
        song: In how many bars anything pitched plays.
    """
    pitch = line.pitch
    gaps = np.diff(line.start)
    length = np.minimum(np.append(gaps, QUARTERS_PER_BAR), line.end - line.start)
    middle = float(np.median(pitch))
    bar = (line.start // QUARTERS_PER_BAR).astype(int)
    edges = np.flatnonzero(np.diff(bar, prepend=-1, append=-1)).tolist()
    steps = np.append(np.round(gaps * 4).clip(0, SIXTEENTHS), 0).tolist()
    pitches = pitch.tolist()
    tunes = sum(_is_tune(pitches[a:b], steps[a : min(b, len(gaps))]) for a, b in pairwise(edges))
    return {
        "overlap": float((line.end[:-1] > line.start[1:] + 0.1).mean()) if len(gaps) else 0.0,
        "new_bars": min(_distinct(line), ENOUGH),
        "drone": float(len(set(pitches)) <= 3),
        "lengths": min(_bits(np.round(np.log2(np.maximum(length, 0.06)) * 2)), 3.0),
        "surprise": _surprise(pitch),
        "slow": max(0.0, float(np.log2(max(float(length.mean()), 0.02) / 2))),
        "far": abs(middle - 72) / 12,
        "low": max(0.0, 64 - middle) / 12,
        "tunes": tunes / (len(edges) - 1),
        "tunes_of_all": tunes / song,
    }


def _is_tune(pitches: Sequence[int], steps: Sequence[float]) -> bool:
    """Return whether a bar is a tune: 3 to 14 notes of three pitches or more.

    Either it has a rhythm, and 40 % of its intervals are of four semitones or less; or half of them
    are of one or two semitones.

    Args:
        pitches: Of its notes, in order.
        steps: From each note to the next, in sixteenths.
    """
    if not 3 <= len(pitches) <= BUSY or len(set(pitches)) < 3:
        return False
    moves = [abs(b - a) for a, b in pairwise(pitches)]
    if len(set(steps)) > 1 and sum(move <= 4 for move in moves) >= 0.4 * len(moves):
        return True
    return sum(0 < move <= 2 for move in moves) >= 0.5 * len(moves)


def _bits(values: np.ndarray) -> float:
    """Return the entropy of some values."""
    share = np.unique(values, return_counts=True)[1] / len(values)
    return -float((share * np.log2(share)).sum())


def _surprise(pitch: np.ndarray) -> float:
    """Return the bits of a pitch when the two before it are known, 2 at most."""
    if len(pitch) <= 4:
        return 0.0
    two = pitch[:-2] * 128 + pitch[1:-1]
    return min(_bits(two * 128 + pitch[2:]) - _bits(two), 2.0)


def _skyline(lines: Sequence[Notes], last: float) -> list[float]:
    """Return in which share of the time with music each line is the highest, in sixteenths."""
    step = np.arange(min(int(last * 4) + 2, LONGEST))
    heights = np.full((len(lines), len(step)), -1)
    for row, line in zip(heights, lines, strict=True):
        begin = (line.start * 4 + 0.25).astype(int)
        end = np.minimum(line.end, np.append(line.start[1:], np.inf))
        stop = np.maximum(np.ceil(end * 4 - 0.25), begin + 1)
        note = np.searchsorted(begin, step, side="right") - 1
        sounds = (note >= 0) & (step < stop[note])
        row[sounds] = line.pitch[note[sounds]]
    highest = heights.max(axis=0, initial=-1)
    music = max(int((highest >= 0).sum()), 1)
    return [float(((row >= highest) & (row >= 0)).sum()) / music for row in heights]


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
