"""A picture of music in text, for the terminal: drum grid and melody contour.

BD │▌·▌   ▌·   ·   │        one column is a 16th; ▌ a hit, ▖ a quiet one
C5 │██▙▄   ▀▀▘     │        one row is two semitones; a note ends half a column early

The bass has rows of its own. For long music a column may be an 8th, each half of it a 16th.
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
"""Hits of a lower velocity are drawn small."""

# Block characters by their filled quarters, as bits: top left and right, bottom left and right.
_QUARTERS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_MARGIN = 4
_SPACE = "  "

Rows = dict[str, str]


def text_roll(
    pictures: Sequence[PrettyMIDI | Grid] | PrettyMIDI | Grid,
    width: int = 80,
    titles: Sequence[str] | None = None,
    each: int = 1,
) -> str:
    """Draw items in text, without colour, as many side by side as fit.

    Args:
        pictures: Items or grids, of any length; long ones are broken into lines.
        width: Columns of the terminal, at least 24.
        titles: A title above each item.
        each: 16ths in a column, 1 or 2.

    Returns:
        Lines joined by newlines, none longer than `width`, without trailing blanks.
    """
    panels = _panels(grids(pictures), max(width, 24), titles, each)
    lines: list[str] = []
    while panels:
        row, used = list[tuple[str, Grid]](), _MARGIN
        while panels and (not row or used + len(_SPACE) + _columns(panels[0][1], each) <= width):
            used += _columns(panels[0][1], each) + (len(_SPACE) if row else 0)
            row.append(panels.pop(0))
        lines += [*_draw(row, each), ""]
    return "\n".join(line.rstrip() for line in lines[:-1])


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


def _draw(row: list[tuple[str, Grid]], each: int) -> list[str]:
    """Draw panels side by side with common rows, which have their names at the left."""
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
    for voice in filter(any, voices):
        pitches = [note.row for notes in voice for note in notes]
        top, bottom = max(pitches) // 2, min(pitches) // 2
        drawn = [
            _pitches(grid, notes, top, bottom, each)
            for (_, grid), notes in zip(row, voice, strict=True)
        ]
        for pair in range(top, bottom - 1, -1):
            octave = 2 * pair if pair % 6 == 0 else None
            pitch = {bottom: min(pitches), top: max(pitches)}.get(pair, octave)
            name = "" if pitch is None else pitch_name(pitch)
            lines.append(f"{name:>3} " + _SPACE.join(panel[top - pair] for panel in drawn))
    for lane in lanes:
        panels = [_lane(grid, lane, each) for _, grid in row]
        lines.append(f"{LANES[lane]:>3} " + _SPACE.join(panels))
    return lines


def _with_bars(grid: Grid, cells: list[str], each: int) -> str:
    bounds = [start // each for start in (*grid.bar_starts, grid.steps + each - 1)]
    bars = ["".join(cells[first:last]) for first, last in pairwise(bounds)]
    return "│" + "│".join(bars) + "│"


def _empty(grid: Grid, each: int, dotted: bool = True) -> list[str]:
    """Return the cells of a row without notes, with a dot on every beat."""
    steps, starts = range(0, grid.steps, each), grid.bar_starts
    begun = (starts[bisect_right(starts, step) - 1] for step in steps)
    beats = [(step - start) % 4 == 0 for step, start in zip(steps, begun, strict=True)]
    return ["·" if dotted and beat else " " for beat in beats]


def _lane(grid: Grid, lane: int, each: int) -> str:
    cells, filled = _empty(grid, each), [0] * len(range(0, grid.steps, each))
    for note in grid.drums:
        step = round(note.start)
        if note.row == lane and 0 <= step < grid.steps:
            half = (5 if note.velocity >= QUIET else 4) << step % each
            filled[step // each] |= half
    chars = [_QUARTERS[f] if f else c for f, c in zip(filled, cells, strict=True)]
    return _with_bars(grid, chars, each)


def _pitches(grid: Grid, notes: Sequence[DrawnNote], top: int, bottom: int, each: int) -> list[str]:
    """Draw notes in rows of two semitones, from the top down."""
    filled = [[0] * len(range(0, grid.steps, each)) for _ in range(top - bottom + 1)]
    for note in notes:
        start = min(max(round(note.start), 0), grid.steps - 1)
        end = min(max(math.ceil(note.end - 0.25), start + 1), grid.steps)
        left, right = (1, 2) if note.row % 2 else (4, 8)
        cells = filled[top - note.row // 2]
        for step in range(start, end):
            if each == 1:
                cells[step] |= left | (right if step < end - 1 else 0)
            else:
                cells[step // 2] |= right if step % 2 else left
    lines = []
    for k, cells in enumerate(filled):
        empty = _empty(grid, each, dotted=(top - k) % 6 == 0)
        chars = [_QUARTERS[c] if c else e for c, e in zip(cells, empty, strict=True)]
        lines.append(_with_bars(grid, chars, each))
    return lines
