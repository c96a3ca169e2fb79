"""Measurable properties of melodies, after MusicVAE (Roberts et al. 2018, arXiv 1803.05428)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.alphabet import NOTES, NoteAlphabet
from seqvae.music.representations.measuring import mean, repetition, share, syncopated
from seqvae.sequences.property import Property

if TYPE_CHECKING:
    from seqvae.music.representations.measuring import Floats, Ints

_C_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))


def properties(notes: NoteAlphabet = NOTES, grid: StepGrid = SIXTEEN) -> dict[str, Property]:
    """Return what can be measured of melodies `(n, steps)` in an alphabet, by name.

    Syncopation is measured on a grid of sixteen steps alone: on twelve, which serve many metres,
    windows do not tell where the beats are.
    """

    def syncopation(grid: int) -> Property:
        name = "16th" if grid == 1 else "8th"
        return Property(
            f"notes on an odd {name} with none on the {name} before",
            "share of notes",
            lambda x: share(syncopated(notes.onsets(x), grid), notes.onsets(x)),
        )

    def pitch_range(x: Ints) -> Floats:
        onsets, pitch = notes.onsets(x), notes.pitches(x)
        highest = np.where(onsets, pitch, -1).max(1)
        lowest = np.where(onsets, pitch, 128).min(1)
        return np.where(highest >= lowest, highest - lowest, np.nan)

    def average_interval(x: Ints) -> Floats:
        onsets = notes.onsets(x)
        latest = np.maximum.accumulate(np.where(onsets, np.arange(x.shape[1]), -1), axis=1)
        before = np.concatenate([np.full((len(x), 1), -1), latest[:, :-1]], axis=1)
        pitch = notes.pitches(x)
        step = np.abs(pitch - np.take_along_axis(pitch, np.maximum(before, 0), axis=1))
        return mean(step, onsets & (before >= 0))

    syncopations = {"syncopation": syncopation(1), "syncopation_8th": syncopation(2)}
    if grid is not SIXTEEN:
        syncopations = {}
    return {
        "note_density": Property(
            f"notes per {grid.step}", "notes per step", lambda x: notes.onsets(x).mean(1)
        ),
        **syncopations,
        "repetition": Property(
            "notes struck at the same place in one bar and the next",
            "share of notes",
            lambda x: repetition(notes.onsets(x), grid.steps_per_bar),
        ),
        "pitch_range": Property("highest less lowest note", "semitones", pitch_range),
        "average_interval": Property(
            "mean distance between successive notes", "semitones", average_interval
        ),
        "average_pitch": Property(
            "mean pitch", "MIDI pitch", lambda x: mean(notes.pitches(x), notes.onsets(x))
        ),
        "in_c_major": Property(
            "notes of the C major scale",
            "share of notes",
            lambda x: share(_C_MAJOR[notes.pitches(x) % 12], notes.onsets(x)),
        ),
    }
