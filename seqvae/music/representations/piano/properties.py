"""Measurable properties of chords and piano."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.alphabet import LOWEST_PITCH
from seqvae.music.representations.measuring import mean, repetition
from seqvae.music.representations.piano.texture import blocks, rolls, sounding
from seqvae.sequences.property import Property

if TYPE_CHECKING:
    from seqvae.music.representations.measuring import Floats, Ints

MIDDLE_C = 60 - LOWEST_PITCH + 1
"""Its key; those from it on are the right hand's."""
ROUGH = np.array([0.0, 1.0, 0.65, 0.25, 0.15, 0.1, 0.6, 0.0, 0.1, 0.1, 0.25, 0.4])
"""How rough two notes sound together, by the semitones between them modulo 12: seconds, sevenths
and the tritone more, thirds, fifths and sixths less."""


def properties(grid: StepGrid = SIXTEEN) -> dict[str, Property]:
    """Return what can be measured of windows `(n, steps, 2 notes)`, by name."""
    return {
        "note_density": Property(
            f"notes per {grid.step}", "notes per step", lambda x: (blocks(x)[0] > 0).sum(2).mean(1)
        ),
        "chord_size": Property("notes that are struck together, on average", "notes", _chord_size),
        "register": Property("mean pitch", "MIDI pitch", _register),
        "spread": Property("standard deviation of the pitches", "semitones", _spread),
        "roughness": Property(
            "how rough the notes are that sound together: seconds, sevenths, tritones",
            "0 to 1, mean over pairs",
            _roughness,
        ),
        "arpeggiation": Property(
            "notes that are struck alone while others sound", "share of notes", _arpeggiation
        ),
        "right_hand": Property("notes from middle C on", "share of notes", _right_hand),
        "sustain": Property("mean length of a note", "steps", _sustain),
        "repetition": Property(
            "notes struck at the same place in one bar and the next",
            "share of notes",
            lambda x: repetition(rolls(np.asarray(x)) > 0, grid.steps_per_bar),
        ),
    }


def _chord_size(x: Ints) -> Floats:
    count = (blocks(x)[0] > 0).sum(2)
    return mean(count, count > 0)


def _register(x: Ints) -> Floats:
    pitch = blocks(x)[0]
    return mean(pitch + LOWEST_PITCH - 1, pitch > 0)


def _spread(x: Ints) -> Floats:
    pitch = blocks(x)[0].astype(np.float64)
    note = pitch > 0
    square = mean(pitch**2, note) - mean(pitch, note) ** 2
    return np.sqrt(np.maximum(square, 0))


def _right_hand(x: Ints) -> Floats:
    pitch = blocks(x)[0]
    return mean(pitch >= MIDDLE_C, pitch > 0)


def _sustain(x: Ints) -> Floats:
    pitch, length = blocks(x)
    return mean(length, pitch > 0)


def _arpeggiation(x: Ints) -> Floats:
    x = np.asarray(x)
    struck, sounds = rolls(x) > 0, sounding(rolls(x))
    alone = (struck.sum(2) == 1) & (sounds.sum(2) > 1)
    count = struck.sum((1, 2))
    found: Floats = alone.sum(1) / np.where(count, count, np.nan)
    return found


def _roughness(x: Ints) -> Floats:
    """Return the mean over pairs of notes that sound together, at each step with an onset."""
    x = np.asarray(x)
    roll = rolls(x)
    sounds = (sounding(roll) & (roll > 0).any(2, keepdims=True)).astype(np.float32)
    total, pairs = np.zeros(len(x)), np.zeros(len(x))
    for interval in range(1, sounds.shape[2]):
        both = (sounds[..., interval:] * sounds[..., :-interval]).sum((1, 2))
        total += ROUGH[interval % 12] * both
        pairs += both
    found: Floats = total / np.where(pairs, pairs, np.nan)
    return found
