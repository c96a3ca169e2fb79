"""A small picture of many windows: one line of text each, one column per sixteenth.

     1 │▄·▄·█·▄·▄·▄·█·▄·│▄·▄·█·▄·▄·▄·█·▄·│ rock
     2 │▄·▄·█·▄·▄   █·▄·│▄·▄·█·▄·▄   █·▄·│

Lines under each other show what changes from step to step; `text_roll` shows a window in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqvae.presentation import Grid

MOST = 25
"""At most this many lines (a palette of 5 x 5); the rest is counted."""

_LOW, _HIGH, _BOTH, _LIGHT = "▄▀█·"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_KICK, _HANDS = {0}, {1, 4, 5, 6}  # drum classes: the kick; snare and toms


def strip(grids: Sequence[Grid], titles: Sequence[str], width: int, first: int = 1) -> str:
    """Return one numbered line for each grid, and a line that explains the signs.

    Args:
        grids: Windows, all of the same number of steps.
        titles: What follows each line; may be empty.
        width: Columns of the terminal.
        first: Number of the first line.
    """
    shown = grids[:MOST]
    pitches = [note.row for grid in shown for note in grid.melody]
    margin = len(str(len(shown))) + 2
    bars = shown[0].bars
    # Long windows are drawn with several sixteenths to the column.
    each = 1
    while each < 16 and shown[0].steps // each + bars + margin + 2 > width:
        each *= 2
    lines = []
    for number, (grid, title) in enumerate(zip(shown, titles, strict=False), first):
        cells = _contour(grid, each, pitches) if pitches else _beats(grid, each)
        per_bar = max(grid.steps_per_bar // each, 1)
        parts = [cells[k : k + per_bar] for k in range(0, len(cells), per_bar)]
        line = f"{number:>{margin - 1}} │{'│'.join(parts)}│ {title}"
        lines.append(line[:width].rstrip())
    if len(grids) > len(shown):
        lines.append(f"{'':{margin}}and {len(grids) - len(shown)} more")
    legend = "the higher the block, the higher the note"
    if not pitches:
        legend = "▄ kick   ▀ snare, toms   █ both   · hats, cymbals"
    return "\n".join([*lines, " " * (margin + 1) + legend])


def _beats(grid: Grid, each: int) -> str:
    lanes: list[set[int]] = [set() for _ in range(-(-grid.steps // each))]
    for note in grid.drums:
        if 0 <= round(note.start) < grid.steps:
            lanes[round(note.start) // each].add(note.row)
    signs = {(True, True): _BOTH, (True, False): _LOW, (False, True): _HIGH}
    return "".join(
        signs.get((bool(lane & _KICK), bool(lane & _HANDS)), _LIGHT if lane else " ")
        for lane in lanes
    )


def _contour(grid: Grid, each: int, pitches: Sequence[int]) -> str:
    low, high = min(pitches), max(pitches)
    cells = [" "] * -(-grid.steps // each)
    for note in grid.melody:
        level = round((note.row - low) / max(high - low, 1) * (len(_HEIGHTS) - 1))
        first = round(note.start) // each
        last = max(first + 1, round(note.end) // each)
        for cell in range(first, min(last, len(cells))):
            cells[cell] = _HEIGHTS[level]
    return "".join(cells)
