"""Films: results one after another as a piano roll that moves, with their sound, as MP4."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqvae.music.presentation.mastering import normalize
from seqvae.music.presentation.midi_file import join
from seqvae.music.presentation.rows import Step
from seqvae.music.presentation.scene import RATE, Pixels, Scene
from seqvae.music.presentation.sound import RATE as SOUND_RATE
from seqvae.music.presentation.sound import room_beside, synthesize
from vaecore.files import replacing
from vaecore.film import Sound, check_video, write_mp4

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

    from seqvae.music.reading.score import Score

CORNERS = ((-0.09, -0.06), (0.11, 0.07), (0.02, -0.13), (-0.04, 0.11))
"""Tints of the corners, a and b of OKLab, as in the studio."""
QUALITY, PRESET = 18, "veryfast"


class Shape(NamedTuple):
    """How results lie beside each other: a grid, or a line from one input to the next.

    Attributes:
        rows: How many.
        columns: How many.
    """

    rows: int
    columns: int

    def tint(self, cell: int) -> tuple[float, float]:
        """Return the colour of a cell: that of its place between the four corners."""
        y, x = divmod(cell, self.columns)
        x_part, y_part = x / max(self.columns - 1, 1), y / max(self.rows - 1, 1)
        shares = (
            (1 - x_part) * (1 - y_part),
            x_part * (1 - y_part),
            (1 - x_part) * y_part,
            x_part * y_part,
        )
        a, b = (
            sum(share * corner[k] for share, corner in zip(shares, CORNERS, strict=True))
            for k in (0, 1)
        )
        # A mixture of all is no grey.
        least = max(math.hypot(a, b), 1e-9)
        return (a, b) if least > 0.07 else (a - 0.06 * (1 - least / 0.07), b - 0.045)


def write_film(
    items: Sequence[PrettyMIDI],
    path: str | os.PathLike[str],
    seconds_each: Sequence[float],
    titles: Sequence[str],
    *,
    columns: int | None = None,
    repeat: int = 1,
    soundfont: str | os.PathLike[str] | None = None,
    shown: Callable[[int, int], None] = lambda number, count: None,
) -> float:
    """Write items one after another as a film, and return its length in seconds.

    Its time is that of the MIDI file that `join` makes of them; a note sounds in the frame in which
    it reaches the line.

    Args:
        items: The items, at least one; more than there are titles are further rounds of the same.
        path: The file to write.
        seconds_each: How long each item lasts.
        titles: A name for each item of a round, may be empty.
        columns: Columns of the grid, where the items of a round are one.
        repeat: How often each item is played before the next one.
        soundfont: Another SoundFont 2 bank.
        shown: Called with the number of each frame that is made, from 1, and that of all.

    Raises:
        DataError: PyAV or what makes the sound is missing, the music is too long, or the file
            cannot be written.
    """
    from seqvae.music.reading.midi import read_score

    check_video("write a .mid")
    joined = join(items, seconds_each, repeat=repeat)
    begins = [0.0, *accumulate(repeat * each for each in seconds_each)]
    score = read_score(joined)
    steps, shape = _steps(score, begins, titles, columns)
    return _written(path, joined, score, steps, shape, soundfont, shown)


def write_song_film(
    item: PrettyMIDI,
    score: Score,
    path: str | os.PathLike[str],
    title: str,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    shown: Callable[[int, int], None] = lambda number, count: None,
) -> float:
    """Write a whole song as a film, and return its length in seconds.

    Args:
        item: The song as it is heard.
        score: The same as it is read.
        path: The file to write.
        title: What it is called.
        soundfont: As for `write_film`, and so is `shown`.

    Raises:
        DataError: As for `write_film`.
    """
    check_video("write a .wav")
    shape = Shape(1, 1)
    words = f"{score.tempo:.0f} bpm  ·  {score.bars} {'bar' if score.bars == 1 else 'bars'}"
    step = Step(0.0, score.total_time, shape.tint(0), title, words)
    return _written(path, item, score, [step], shape, soundfont, shown)


def _written(
    path: str | os.PathLike[str],
    item: PrettyMIDI,
    score: Score,
    steps: Sequence[Step],
    shape: Shape,
    soundfont: str | os.PathLike[str] | None,
    shown: Callable[[int, int], None],
) -> float:
    """Write a film, and return its length: that of the sound, with its last echo."""
    with replacing(path) as temporary, ExitStack() as stack:
        heard = synthesize(item, soundfont, room_beside(temporary, stack))
        sound = Sound(normalize(heard, SOUND_RATE, in_place=True), SOUND_RATE)
        seconds = max(steps[-1].end, float(heard.shape[1] / SOUND_RATE))
        scene = Scene(score, steps, shape, seconds)

        def pictures() -> Iterator[Pixels]:
            for number, picture in enumerate(scene):
                shown(number + 1, len(scene))
                yield picture

        write_mp4(temporary, pictures(), Fraction(RATE), sound, quality=QUALITY, preset=PRESET)
    return seconds


def _steps(
    score: Score, begins: Sequence[float], titles: Sequence[str], columns: int | None
) -> tuple[list[Step], Shape]:
    """Return the words under each item, and how the items lie beside each other."""
    count, cells = len(begins) - 1, len(titles)
    if cells == 1 < count:  # a song, window after window
        cells = count
    shape = Shape(math.ceil(cells / columns), columns) if columns else Shape(1, cells)
    found = []
    for k, (begin, end) in enumerate(pairwise(begins)):
        cell = k % cells
        bpm = score.clock.tempo(float(score.clock.to_quarters(np.array(begin))))
        words = [f"{cell + 1} of {cells}"] * (cells > 1) + [f"{bpm:.0f} bpm"]
        if count > cells:
            words.insert(0, f"part {k // cells + 1} of {count // cells}")
        title = _title(titles, cell, columns) if len(titles) == cells else titles[0]
        found.append(Step(begin, end, shape.tint(cell), title, "  ·  ".join(words), cell))
    return found, shape


def _title(titles: Sequence[str], cell: int, columns: int | None) -> str:
    """Return the name of a result: its own, or the names that it lies between."""
    if titles[cell] or not any(titles):
        return titles[cell]
    if columns and columns < len(titles):
        return f"row {cell // columns + 1}, column {cell % columns + 1}"
    before = next((each for each in reversed(titles[:cell]) if each), "")
    after = next((each for each in titles[cell:] if each), "")
    return f"{before} → {after}" if before and after else before or after
