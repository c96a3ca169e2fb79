"""What a window of music is like, for benchmarks: its events, its faults, its character.

Words that are used:

- *event*: a drum hit, or the beginning of a note, at its sixteenth.
- *change* of two windows: sixteenths whose melody token differs, drums that are hit in only one; of
  a trio the sum over its voices.
- *changed*: 1 less twice the common events as a share of the events of both.
- *poor* (melodies): two pitches or fewer, a leap of over an octave, less than 0.85 of the notes in
  the best of the twelve major scales, or a mean pitch below E3 (52).
- *consonant*: bass and melody sound on a beat, a unison, third, fifth or sixth apart (mod 12).
- *poor* (chords), *clustered*: see `ChordPerception`.
- *backbeat*: the snare is hit on every 2 and 4.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqvae.music.form import repeated_bars
from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations.alphabet import HITS, NOTES, Alphabet
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.groove.performance import hit_classes
from seqvae.music.representations.measuring import repetition
from seqvae.music.representations.piano.properties import properties
from seqvae.music.representations.piano.texture import rolls

LEAP, LOW, IN_SCALE = 12, 52, 0.85
SHIFT = 3 * STEPS_PER_BAR
CONSONANT = np.isin(np.arange(12), (0, 3, 4, 7, 8, 9))
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_SCALES = np.array([[(k - root) % 12 in _MAJOR for k in range(12)] for root in range(12)])


class View:
    """Windows of one representation as melodies and drums."""

    def __init__(self, codec: SequenceCodec) -> None:
        self.codec = codec

    def voices(self, x: Any) -> dict[str, np.ndarray]:
        """Return the voices by name, class indices `(n, steps)`; of performances the hits."""
        x, several = np.asarray(x), len(self.codec.voices) > 1
        found = {}
        for column, (name, alphabet) in enumerate(self.codec.voices):
            part = x[..., column] if several else x
            part = hit_classes(part) if part.dtype.kind == "f" else part
            found["drums" if alphabet.sets else name] = part
        return found

    def tokens(self, x: Any) -> np.ndarray:
        """Return what is compared to tell a change: `(n, anything)`."""
        parts = [
            (HITS.hits(v) if name == "drums" else v).reshape(len(v), -1)
            for name, v in self.voices(x).items()
        ]
        return np.concatenate([part.astype(np.int16) for part in parts], axis=1)

    def events(self, x: Any) -> np.ndarray:
        """Return which events a window has, `(n, steps * kinds)`."""
        of = {"drums": HITS.hits, "piano": lambda v: rolls(v) > 0}
        parts = [
            of[name](v) if name in of else v[..., None] == np.arange(2, 90)
            for name, v in self.voices(x).items()
        ]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    def notes(self, x: Any) -> np.ndarray:
        """Return how many events each window has, `(n,)`."""
        return self.events(x).sum(1).astype(float)

    def line(self, x: Any) -> np.ndarray | None:
        """Return the melody, if there is one."""
        return self.voices(x).get("melody")


def distances(view: View, a: Any, b: Any) -> np.ndarray:
    """Return how much each row of a changes to be that of b."""
    return (view.tokens(a) != view.tokens(b)).sum(1).astype(float)


def changed(view: View, a: Any, b: Any) -> np.ndarray:
    """Return the share of events that differ, row by row; NaN where neither has one."""
    first, second = view.events(a), view.events(b)
    total = (first.sum(1) + second.sum(1)).astype(float)
    return 1 - 2 * (first & second).sum(1) / np.where(total, total, np.nan)


def kept(view: View, before: Any, after: Any) -> np.ndarray:
    """Return the share of the events before that are there afterwards, row by row."""
    first, second = view.events(before), view.events(after)
    total = first.sum(1).astype(float)
    return (first & second).sum(1) / np.where(total, total, np.nan)


def distinct(view: View, x: Any) -> int:
    """Return how many different windows there are."""
    return len(np.unique(view.tokens(x), axis=0))


def of_melodies(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the figures of melodies `(n, steps)` that make them poor or not, each `(n,)`."""
    onset = x >= 2
    pitch = x - 2 + 21
    number = onset.sum(1).astype(float)
    some = np.where(number, number, np.nan)
    used = np.zeros((len(x), 128), bool)
    rows, columns = np.nonzero(onset)
    used[rows, pitch[rows, columns]] = True
    classes = np.zeros((len(x), 12))
    np.add.at(classes, (rows, pitch[rows, columns] % 12), 1)
    latest = np.maximum.accumulate(np.where(onset, np.arange(x.shape[1]), -1), axis=1)
    before = np.concatenate([np.full((len(x), 1), -1), latest[:, :-1]], axis=1)
    leap = np.abs(pitch - np.take_along_axis(pitch, np.maximum(before, 0), axis=1))
    leaps = np.where(onset & (before >= 0), leap, 0).max(1)
    register = np.where(onset, pitch, 0).sum(1) / some
    scale = (classes @ _SCALES.T).max(1) / some
    high, low = np.where(onset, pitch, -1).max(1), np.where(onset, pitch, 200).min(1)
    figures = {
        "in_scale": scale,
        "range": np.where(number > 0, high - low, np.nan),
        "leap": (leaps > LEAP).astype(float),
        "few_pitches": (used.sum(1) <= 2).astype(float),
        "register": register,
        "low": (register < LOW).astype(float),
    }
    poor = (figures["few_pitches"] > 0) | (figures["leap"] > 0) | (figures["low"] > 0)
    figures["poor"] = (poor | ~(scale >= IN_SCALE)).astype(float)
    return figures


def of_drums(x: np.ndarray, grid: StepGrid = SIXTEEN) -> dict[str, np.ndarray]:
    """Return figures of drums `(n, steps)`, each `(n,)`."""
    hits = HITS.hits(x)
    beats = np.arange(x.shape[1]) % STEPS_PER_BAR
    figures = {"empty": (~hits.any((1, 2))).astype(float)}
    if grid is SIXTEEN:  # twelve steps are of bars with other beats, too
        figures["backbeat"] = hits[:, np.isin(beats, (4, 12)), 1].all(1).astype(float)
    return figures


def of_chords(x: Tensor, codec: SequenceCodec) -> dict[str, np.ndarray]:
    """Return the share of notes in the best major scale of chords, and whether they are poor."""
    perception = codec.voices[0][1].perception(codec.grid)
    notes, outside, clusters = perception.counted(x)
    some = torch.where(notes > 0, notes, torch.nan)
    return {
        "in_scale": (1 - outside / some).numpy(),
        "clustered": (clusters / some).numpy(),
        "poor": perception.poor(x).double().numpy(),
    }


def sounding(x: np.ndarray) -> np.ndarray:
    """Return the pitch that sounds at each step of melodies, -1 for none."""
    at = np.maximum.accumulate(np.where(x > 0, np.arange(x.shape[1]), -1), axis=1)
    token = np.take_along_axis(x, np.maximum(at, 0), axis=1)
    return np.where((at >= 0) & (token >= 2), token - 2 + 21, -1)


def consonance(melody: np.ndarray, bass: np.ndarray, shift: int = 0) -> float:
    """Return the share of beats on which both sound that are consonant."""
    top, low = sounding(melody), np.roll(sounding(bass), shift, axis=1)
    beat = np.arange(melody.shape[1]) % 4 == 0
    both = (top >= 0) & (low >= 0) & beat
    return float(CONSONANT[(top - low)[both] % 12].mean()) if both.any() else float("nan")


def character(view: View, x: Any) -> dict[str, float]:
    """Return what kind of music windows are, in the mean."""
    voices = view.voices(x)
    steps = next(iter(voices.values())).shape[1]
    figures = {"density": float(view.notes(x).mean() / steps)}
    rows: dict[str, np.ndarray] = {}
    grid, bar = view.codec.grid, view.codec.steps_per_bar
    kinds: tuple[tuple[str, Any, Alphabet, Any], ...] = (
        ("melody", of_melodies, NOTES, NOTES.onsets),
        ("drums", partial(of_drums, grid=grid), HITS, HITS.hits),
    )
    for name, of, alphabet, events in kinds:
        if name in voices:
            rows |= of(voices[name])
            rows[f"{name}_bars_repeated"] = repeated_bars(alphabet, voices[name], bar=bar)
            rows[f"{name}_repetition"] = repetition(events(voices[name]), bar)
    if "piano" in voices:
        rows |= {name: each.of(voices["piano"]) for name, each in properties(grid).items()}
        rows |= of_chords(torch.from_numpy(voices["piano"]), view.codec)
    figures |= {name: float(np.nanmean(values)) for name, values in rows.items()}
    if "bass" in voices:
        pair = voices["melody"], voices["bass"]
        figures |= {"consonant": consonance(*pair), "shifted": consonance(*pair, SHIFT)}
    return figures


def stacked(examples: Any) -> Tensor:
    """Return the tensors of examples."""
    return torch.stack([example.x for example in examples])


def chosen(windows: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n windows that are not silent, none of them twice if there are enough."""
    return windows[rng.choice(len(windows), n, replace=len(windows) < n)]


def of_ways(view: View, ways: Tensor) -> dict[str, Any]:
    """Return how evenly ways `(n, steps, ...)` go from one end to the other, and their middles."""
    numbers, largest, back = [], [], []
    for x in ways:
        change = distances(view, x[:-1], x[1:])
        numbers.append(distinct(view, x))
        if change.sum():
            largest.append(change.max() / change.sum())
            back.append(distances(view, x[:1], x[-1:])[0] / change.sum())
    ends, middle = ways[:, [0, -1]].flatten(0, 1), ways[:, ways.shape[1] // 2]
    notes, between = (view.notes(x) for x in (ends, middle))
    return {
        "distinct_of_nine": float(np.mean(numbers)),
        "largest_step": float(np.mean(largest)),
        "straightness": float(np.mean(back)),
        "middle_notes_against_ends": float(between.sum() / (notes.sum() / 2)),
        "ends": character(view, ends),
        "middle": character(view, middle),
    }
