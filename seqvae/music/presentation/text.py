"""Piano rolls in text, for the terminal: a row for each drum and for each pair of pitches.

BD │▌·▌   ▌·   ·   │        one column is a 16th; ▌ a hit, ▖ a quiet one
C5 │██▙▄   ▀▀▘     │        one row is two semitones; a note ends half a column early

The bass has rows of its own. For long music a column may be an 8th, each half of it a 16th. In
colour, voices and drums have the colours of `piano_roll`; soft notes and the grid are dim.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from seqvae.music.presentation.grid import LANES, LOOKS, DrawnNote, Grid, grids, pitch_name

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

QUIET = 64
"""Hits below this velocity are drawn small."""

# Block characters by their filled quarters, as bits: top left and right, bottom left and right.
_QUARTERS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_MARGIN = 4
_GRID = 244  # grey, in the palette of 256 colours
_SPACE = "  "

Rows = dict[str, str]


def text_roll(
    pictures: Sequence[PrettyMIDI | Grid] | PrettyMIDI | Grid,
    width: int = 80,
    titles: Sequence[str] | None = None,
    each: int = 1,
    *,
    colour: bool = False,
) -> str:
    """Draw items in text, as many side by side as fit.

    Args:
        pictures: Items or grids of any length; long ones are broken into lines.
        width: Columns of the terminal; below 24 it counts as 24.
        titles: A title above each item.
        each: Steps in a column, 1 or 2.
        colour: Whether to use the colours of terminals (ANSI escape codes).

    Returns:
        Lines joined by newlines, at most `width` wide, without trailing blanks.
    """
    panels = _panels(grids(pictures), max(width, 24), titles, each)
    lines: list[str] = []
    while panels:
        row, used = list[tuple[str, Grid]](), _MARGIN
        while panels and (not row or used + len(_SPACE) + _columns(panels[0][1], each) <= width):
            used += _columns(panels[0][1], each) + (len(_SPACE) if row else 0)
            row.append(panels.pop(0))
        lines += [*_draw(row, each, colour), ""]
    return "\n".join(line.rstrip() for line in lines[:-1])


def tinted(text: str, colour: str | int | None, dim: bool = False) -> str:
    """Return text in one of the 256 colours of terminals.

    Args:
        text: The text.
        colour: A number from 0 to 255, or "#rrggbb" for the nearest one, or None for no colour.
        dim: Whether to make it less bright.
    """
    if colour is None:
        return text
    if isinstance(colour, str):  # the colours from 16 on are a cube of 6 x 6 x 6
        red, green, blue = (round(int(colour[k : k + 2], 16) / 51) for k in (1, 3, 5))
        colour = 16 + 36 * red + 6 * green + blue
    return f"\x1b[{'2;' if dim else ''}38;5;{colour}m{text}\x1b[0m"


def _columns(grid: Grid, each: int) -> int:
    return grid.steps // each + grid.bars + 1


def _panels(
    pictures: list[Grid], width: int, titles: Sequence[str] | None, each: int
) -> list[tuple[str, Grid]]:
    """Cut every picture into panels that fit the width."""
    panels = []
    for k, grid in enumerate(pictures):
        title = titles[k] if titles else ""
        fit = max((width - _MARGIN - 1) // (grid.steps_per_bar // each + 1), 1)
        if grid.bars <= fit:
            panels.append((title, grid))
            continue
        fit = fit if fit < 4 else fit // 4 * 4  # phrases are four bars long
        for line in grid.lines(fit):
            place = f"bar {line.first_bar}"
            panels.append((f"{title} · {place}" if title else place, line))
    return panels


def _draw(row: list[tuple[str, Grid]], each: int, colour: bool) -> list[str]:
    """Draw panels side by side with common rows, whose names are at the left."""
    pitched = [name for name, look in LOOKS.items() if not look.lanes]
    voices = [[getattr(grid, name) for _, grid in row] for name in pitched]
    lanes = sorted({note.row for _, grid in row for note in grid.drums}, reverse=True)
    if not any(map(any, voices)) and not lanes:
        lanes = [1, 0]  # without notes, a drum grid without hits
    lines = []
    if any(title for title, _ in row):
        widths = [_columns(grid, each) for _, grid in row]
        titles = [f"{title[:w]:{w}}" for (title, _), w in zip(row, widths, strict=True)]
        lines.append(" " * _MARGIN + _SPACE.join(titles))
    for name, voice in zip(pitched, voices, strict=True):
        if not any(voice):
            continue
        ink = LOOKS[name].colours[0] if colour else None
        pitches = [note.row for notes in voice for note in notes]
        top, bottom = max(pitches) // 2, min(pitches) // 2
        drawn = [
            _pitches(grid, notes, top, bottom, each, ink)
            for (_, grid), notes in zip(row, voice, strict=True)
        ]
        for pair in range(top, bottom - 1, -1):
            octave = 2 * pair if pair % 6 == 0 else None
            pitch = {bottom: min(pitches), top: max(pitches)}.get(pair, octave)
            label = "" if pitch is None else pitch_name(pitch)
            lines.append(f"{label:>3} " + _SPACE.join(panel[top - pair] for panel in drawn))
    for lane in lanes:
        ink = LOOKS["drums"].colours[lane] if colour else None
        panels = [_lane(grid, lane, each, ink) for _, grid in row]
        lines.append(f"{LANES[lane]:>3} " + _SPACE.join(panels))
    return lines


def _row(cells: Sequence[int], loud: Sequence[int], grid: Grid, each: int, ink: str | None) -> str:
    """Return a row of cells between bar lines.

    Args:
        cells: The filled quarters of each column, as bits; -1 is an empty column with a dot.
        loud: The highest velocity in each column.
        grid: The grid of the row.
        each: Steps in a column.
        ink: Colour of the notes; None without colours.
    """
    grey = None if ink is None else _GRID
    signs = [
        (tinted("·", grey, dim=True) if c < 0 else " ")
        if c < 1
        else tinted(_QUARTERS[c], ink, dim=v < QUIET)
        for c, v in zip(cells, loud, strict=True)
    ]
    bounds = [start // each for start in (*grid.bar_starts, grid.steps + each - 1)]
    bars = ["".join(signs[first:last]) for first, last in pairwise(bounds)]
    line = tinted("│", grey)
    return line + line.join(bars) + line


def _dots(grid: Grid, each: int, dotted: bool = True) -> list[int]:
    """Return the cells of a row without notes, with a dot on every beat."""
    steps, starts = range(0, grid.steps, each), grid.bar_starts
    begun = (starts[bisect_right(starts, step) - 1] for step in steps)
    beats = [(step - start) % grid.beat == 0 for step, start in zip(steps, begun, strict=True)]
    return [-1 if dotted and beat else 0 for beat in beats]


def _lane(grid: Grid, lane: int, each: int, ink: str | None) -> str:
    cells = _dots(grid, each)
    loud = [0] * len(cells)
    for note in grid.drums:
        step = round(note.start)
        if note.row == lane and 0 <= step < grid.steps:
            k = step // each
            half = (5 if note.velocity >= QUIET else 4) << step % each
            cells[k] = max(cells[k], 0) | half
            loud[k] = max(loud[k], note.velocity)
    return _row(cells, loud, grid, each, ink)


def _pitches(
    grid: Grid, notes: Sequence[DrawnNote], top: int, bottom: int, each: int, ink: str | None
) -> list[str]:
    """Draw notes in rows of two semitones, from the top down."""
    rows = [_dots(grid, each, dotted=(top - k) % 6 == 0) for k in range(top - bottom + 1)]
    loud = [[0] * len(cells) for cells in rows]
    for note in notes:
        start = min(max(round(note.start), 0), grid.steps - 1)
        end = min(max(math.ceil(note.end - 0.25), start + 1), grid.steps)
        left, right = (1, 2) if note.row % 2 else (4, 8)
        row = top - note.row // 2
        for step in range(start, end):
            k = step // each
            if each == 1:
                half = left | (right if step < end - 1 else 0)
            else:
                half = right if step % 2 else left
            rows[row][k] = max(rows[row][k], 0) | half
            loud[row][k] = max(loud[row][k], note.velocity)
    return [_row(cells, v, grid, each, ink) for cells, v in zip(rows, loud, strict=True)]
