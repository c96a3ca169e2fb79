"""A picture of music in text, for the terminal: drum grid and melody contour.

BD │▌·▌   ▌·   ·   │        one column is a 16th; ▌ a hit, ▖ a quiet one
C5 │██▙▄   ▀▀▘     │        one row is two semitones; a note ends half a column early
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqvae.presentation.grid import LANES, Grid, grids, pitch_name

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

QUIET = 64
"""Hits of a lower velocity are drawn small."""

# Which quarters of a character cell are filled, as bits: top left, top right, bottom left,
# bottom right.
_QUARTERS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_MARGIN = 4
_SPACE = "  "

Rows = dict[str, str]


def text_roll(
    pictures: Sequence[PrettyMIDI | Grid] | PrettyMIDI | Grid,
    width: int = 80,
    titles: Sequence[str] | None = None,
) -> str:
    """Draw items in text, without colour, as many side by side as fit.

    Args:
        pictures: Items or grids, of any length; long ones go on in the next line.
        width: Columns of the terminal, at least 24.
        titles: A line above each item.

    Returns:
        Lines joined by newlines, none longer than `width`, without trailing blanks.
    """
    panels = _panels(grids(pictures), max(width, 24), titles)
    lines: list[str] = []
    while panels:
        row, used = [], _MARGIN
        while panels and (not row or used + len(_SPACE) + _columns(panels[0][1]) <= width):
            used += _columns(panels[0][1]) + (len(_SPACE) if row else 0)
            row.append(panels.pop(0))
        lines += [*_draw(row), ""]
    return "\n".join(line.rstrip() for line in lines[:-1])


def _columns(grid: Grid) -> int:
    return grid.steps + grid.bars + 1


def _panels(
    pictures: list[Grid], width: int, titles: Sequence[str] | None
) -> list[tuple[str, Grid]]:
    """Cut every picture into panels that fit the width."""
    panels = []
    for k, grid in enumerate(pictures):
        title = titles[k] if titles else ""
        fit = max((width - _MARGIN - 1) // (grid.steps_per_bar + 1), 1)
        if grid.bars <= fit:
            panels.append((title, grid))
            continue
        fit = fit if fit < 4 else fit // 4 * 4  # phrases are four bars long
        for line in grid.lines(fit):
            place = f"bar {line.first_bar}"
            panels.append((f"{title} · {place}" if title else place, line))
    return panels


def _draw(row: list[tuple[str, Grid]]) -> list[str]:
    """Draw panels side by side on common rows, named at the left."""
    pitches = [note.row for _, grid in row for note in grid.melody]
    lanes = sorted({note.row for _, grid in row for note in grid.drums}, reverse=True)
    if not pitches and not lanes:
        lanes = [1, 0]  # silence is a drum grid without hits
    lines = []
    if any(title for title, _ in row):
        titles = [f"{title[: _columns(grid)]:{_columns(grid)}}" for title, grid in row]
        lines.append(" " * _MARGIN + _SPACE.join(titles))
    if pitches:
        top, bottom = max(pitches) // 2, min(pitches) // 2
        drawn = [_melody(grid, top, bottom) for _, grid in row]
        for pair in range(top, bottom - 1, -1):
            octave = 2 * pair if pair % 6 == 0 else None
            pitch = {bottom: min(pitches), top: max(pitches)}.get(pair, octave)
            name = "" if pitch is None else pitch_name(pitch)
            lines.append(f"{name:>3} " + _SPACE.join(panel[top - pair] for panel in drawn))
    for lane in lanes:
        lines.append(f"{LANES[lane]:>3} " + _SPACE.join(_lane(grid, lane) for _, grid in row))
    return lines


def _with_bars(cells: list[str], steps_per_bar: int) -> str:
    bars = ["".join(cells[k : k + steps_per_bar]) for k in range(0, len(cells), steps_per_bar)]
    return "│" + "│".join(bars) + "│"


def _lane(grid: Grid, lane: int) -> str:
    cells = ["·" if k % grid.steps_per_bar % 4 == 0 else " " for k in range(grid.steps)]
    for note in grid.drums:
        step = round(note.start)
        if note.row == lane and 0 <= step < grid.steps:
            cells[step] = "▌" if note.velocity >= QUIET else "▖"
    return _with_bars(cells, grid.steps_per_bar)


def _melody(grid: Grid, top: int, bottom: int) -> list[str]:
    """Draw the melody in rows of two semitones, from the top down."""
    filled = [[0] * grid.steps for _ in range(top - bottom + 1)]
    for note in grid.melody:
        start = min(max(round(note.start), 0), grid.steps - 1)
        end = min(max(math.ceil(note.end - 0.25), start + 1), grid.steps)
        left, right = (1, 2) if note.row % 2 else (4, 8)
        cells = filled[top - note.row // 2]
        for step in range(start, end):
            cells[step] |= left | (right if step < end - 1 else 0)
    lines = []
    for k, cells in enumerate(filled):
        octave = (top - k) % 6 == 0
        empty = ["·" if octave and s % grid.steps_per_bar % 4 == 0 else " "
                 for s in range(grid.steps)]  # fmt: skip
        chars = [_QUARTERS[c] if c else e for c, e in zip(cells, empty, strict=True)]
        lines.append(_with_bars(chars, grid.steps_per_bar))
    return lines
