"""The layout of a film's piano roll: rows in pixels for pitches and drums, beats in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqvae.music.presentation.grid import basses, pitch_range
from seqvae.music.reading.score import Score
from seqvae.music.representations.alphabet import CLASS_OF_PITCH
from vaecore.page import screen_colour

Colour = tuple[int, int, int]
_DRUM_ROW, _SPACE = 1.7, 1.5  # height of a drum's row and between voices, in rows of a pitch


class Step(NamedTuple):
    """A part of the film: one result, or a whole song.

    Attributes:
        begin: Its begin in seconds.
        end: Its end in seconds.
        tint: Its colour: a and b of OKLab.
        title: Its title.
        words: The text below the title.
        cell: Its cell in the grid of results, row by row, from 0.
    """

    begin: float
    end: float
    tint: tuple[float, float]
    title: str
    words: str = ""
    cell: int = 0


class Band(NamedTuple):
    """The rows of one voice.

    Attributes:
        drums: Whether its rows are drums instead of pitches.
        rows: Drum classes or pitches, from below.
        top: Its upper edge in pixels below the top of the roll.
        height: Height of a row in pixels.
    """

    drums: bool
    rows: Sequence[int]
    top: float
    height: float

    def y(self, row: int) -> float:
        """Return the upper edge of a row, in pixels below the top of the roll."""
        return self.top + (len(self.rows) - 1 - self.rows.index(row)) * self.height


class Drawn(NamedTuple):
    """A note: start and end in seconds, edges in pixels, RGB colour, and loudness from 0 to 1."""

    start: float
    end: float
    top: float
    bottom: float
    colour: Colour
    loud: float
    drum: bool


def laid_out(score: Score, steps: Sequence[Step], height: int) -> tuple[list[Band], list[Drawn]]:
    """Return the rows of all voices, melody above bass above drums, and the notes in them.

    Args:
        score: The music.
        steps: The parts of the film, in order.
        height: Height of all rows together in pixels.
    """
    notes = score.notes
    bass = np.isin(notes.instrument, basses(score)) & ~notes.is_drum
    rows = np.where(notes.is_drum, CLASS_OF_PITCH[notes.pitch], notes.pitch)
    voices = [~notes.is_drum & ~bass, bass, notes.is_drum & (rows >= 0)]
    shown = []
    for voice, drums in zip(voices, (False, False, True), strict=True):
        if voice.any():
            found = sorted(set(rows[voice].tolist()))
            if not drums:
                low, high = pitch_range(found)
                found = list(range(low, high + 1))
            shown.append((voice, drums, found))
    units = [len(found) * (_DRUM_ROW if drums else 1) for _, drums, found in shown]
    total = sum(units) + _SPACE * (len(units) - 1)
    unit = height / max(total, 1)
    begins = np.array([step.begin for step in steps])
    bands, drawn, top = [], [], 0.0
    for (voice, drums, found), size in zip(shown, units, strict=True):
        # One drum alone does not fill the screen.
        each = min(unit * (_DRUM_ROW if drums else 1), 96.0 if drums else 40.0)
        band = Band(drums, found, top + (unit * size - each * len(found)) / 2, each)
        top += unit * (size + _SPACE)
        bands.append(band)
        gap = min(2.0, each / 6)
        for k in np.flatnonzero(voice).tolist():
            start, loud = float(notes.start[k]), min(1.0, float(notes.velocity[k]) / 112)
            step = steps[max(int(np.searchsorted(begins, start + 1e-4, side="right")) - 1, 0)]
            y = band.y(int(rows[k]))
            # A hit has no length; it is drawn as a tenth of a second.
            end = start + 0.1 if drums else max(float(notes.end[k]) - 0.012, start + 0.04)
            colour = screen_colour(0.5 + 0.28 * loud, step.tint)
            drawn.append(Drawn(start, end, y + gap, y + each - gap, colour, loud, drums))
    return bands, sorted(drawn, key=lambda note: note.start)


def beats(score: Score, seconds: float) -> list[tuple[float, bool]]:
    """Return the time of each beat up to `seconds`, and whether it begins a bar."""
    found = []
    for stretch in score.stretches:
        numerator, denominator = stretch.metre
        beat = 1.5 if denominator == 8 and numerator % 3 == 0 else 4 / denominator
        count = round(stretch.bar / beat)
        last = stretch is score.stretches[-1]
        bars = stretch.bars + (64 if last else 0)  # beyond the last notes
        places = stretch.begin + beat * np.arange(bars * count)
        for k, time in enumerate(score.clock.to_seconds(places).tolist()):
            if time <= seconds and (last or places[k] < stretch.stop):
                found.append((time, k % count == 0))
    return found
