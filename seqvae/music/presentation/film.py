"""Films as MP4: results one after another as a moving piano roll, with their sound."""

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
    """The layout of results: a grid, or one row from one input to the next."""

    rows: int
    columns: int

    def tint(self, cell: int) -> tuple[float, float]:
        """Return the colour of a cell, mixed from those of the corners: a and b of OKLab.

        Args:
            cell: Its number, row by row, from 0.
        """
        row, column = divmod(cell, self.columns)
        x, y = column / max(self.columns - 1, 1), row / max(self.rows - 1, 1)
        weights = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
        corners = list(zip(weights, CORNERS, strict=True))
        a, b = (sum(weight * tint[k] for weight, tint in corners) for k in (0, 1))
        # The middle of all corners would be grey.
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

    The items are played as in the MIDI file of `join`. A note sounds in the frame in which it
    reaches the line.

    Args:
        items: The items, at least one. With more items than titles, the titles are used again for
            each further round.
        path: The file to write.
        seconds_each: Length of each item in seconds.
        titles: A name for each item of a round; may be empty.
        columns: Number of columns, where the items of a round are a grid.
        repeat: How often each item is played before the next one.
        soundfont: Another SoundFont 2 bank.
        shown: Called for each frame with its number, from 1, and with the number of frames.

    Raises:
        DataError: PyAV or a package for sound is missing, the music is too long, or the file cannot
            be written.
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
        item: The song, whose sound is rendered.
        score: The song, whose notes are drawn.
        path: The file to write.
        title: Name of the song.
        soundfont: As for `write_film`.
        shown: As for `write_film`.

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
    """Write a film, and return its length in seconds, with the release of the last notes."""
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
    """Return the title and the text of each item with its time, and the layout of the items."""
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
    """Return the title of a result: its own, or the titles of the inputs that it lies between."""
    if titles[cell] or not any(titles):
        return titles[cell]
    if columns and columns < len(titles):
        return f"row {cell // columns + 1}, column {cell % columns + 1}"
    before = next((each for each in reversed(titles[:cell]) if each), "")
    after = next((each for each in titles[cell:] if each), "")
    return f"{before} → {after}" if before and after else before or after
