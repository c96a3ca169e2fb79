"""A picture of many windows in text: one line each, one column per sixteenth.

     1 │▄·▄·█·▄·▄·▄·█·▄·│▄·▄·█·▄·▄·▄·█·▄·│ rock
     2 │▄·▄·█·▄·▄   █·▄·│▄·▄·█·▄·▄   █·▄·│

Trios have a line for each voice. `text_roll` shows a single window in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqvae.music.presentation.grid import LOOKS
from seqvae.music.presentation.text import tinted
from seqvae.music.representations.alphabet import (
    CLOSED_HAT,
    HIGH_TOM,
    KICK,
    LOW_TOM,
    MID_TOM,
    SNARE,
)

if TYPE_CHECKING:
    from seqvae.music.presentation.grid import DrawnNote, Grid

MOST, MOST_OF_VOICES = 25, 12
"""Largest numbers of windows that are shown: of one voice (5 x 5), and of several voices."""

_LOW, _HIGH, _BOTH, _LIGHT = "▄▀█·"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_HANDS = {SNARE, LOW_TOM, MID_TOM, HIGH_TOM}


def strip(
    grids: Sequence[Grid],
    titles: Sequence[str],
    width: int,
    first: int = 1,
    *,
    colour: bool = False,
) -> str:
    """Return one numbered line for each voice of each grid, and a legend.

    Args:
        grids: Windows, all of the same number of steps.
        titles: A text after the line of each window; may be empty.
        width: Number of columns of the terminal.
        first: Number of the first line.
        colour: Whether to use ANSI colours.
    """
    voices = [name for name in LOOKS if any(getattr(grid, name) for grid in grids)] or ["drums"]
    shown = grids[: MOST if len(voices) == 1 else MOST_OF_VOICES]
    pitches = {
        name: [note.row for grid in shown for note in getattr(grid, name)] for name in voices
    }
    margin = len(str(len(shown))) + 2
    each, group = _scale(shown[0], width - margin - 2)
    lines = []
    for number, (grid, title) in enumerate(zip(shown, titles, strict=False), first):
        for voice in voices:
            if LOOKS[voice].lanes:
                cells = _beats(grid, each)
            else:
                cells = _contour(grid, getattr(grid, voice), each, pitches[voice])
            parts = [cells[k : k + group] for k in range(0, len(cells), group)]
            name, end = (number, f" {title}") if voice == voices[0] else ("", "")
            line = f"{name:>{margin - 1}} │{'│'.join(parts)}│{end}"[:width].rstrip()
            if colour:
                edge = margin + len("│".join(parts)) + 2
                line = line[:margin] + _coloured(line[margin:edge], voice) + line[edge:]
            lines.append(line)
    if len(grids) > len(shown):
        lines.append(f"{'':{margin}}and {len(grids) - len(shown)} more")
    named = len(voices) > 1
    for voice in voices:
        legend = f"{voice}: {LOOKS[voice].legend}" if named else LOOKS[voice].legend
        lines.append(" " * (margin + 1) + legend)
    return "\n".join(lines)


def _coloured(cells: str, voice: str) -> str:
    """Return characters with colours: those of kick, snare and hat, or that of the voice."""
    look = LOOKS[voice]
    inks = {_LOW: KICK, _BOTH: KICK, _HIGH: SNARE, _LIGHT: CLOSED_HAT} if look.lanes else {}
    return "".join(
        sign
        if sign == " "
        else tinted(sign, "#808080")
        if sign == "│"
        else tinted(sign, look.colours[inks.get(sign, 0)])
        for sign in cells
    )


def _scale(grid: Grid, width: int) -> tuple[int, int]:
    """Return the number of steps in a column, and of columns between bar lines.

    Long windows have several steps in a column, and a line only every four bars.
    """
    for each in (1, 2, 4, 8, 16):
        columns = -(-grid.steps // each)
        for bars in (1, 4):
            group = max(bars * grid.steps_per_bar // each, 1)
            if columns + -(-columns // group) <= width:
                return each, group
    return each, group


def _beats(grid: Grid, each: int) -> str:
    lanes: list[set[int]] = [set() for _ in range(-(-grid.steps // each))]
    for note in grid.drums:
        if 0 <= round(note.start) < grid.steps:
            lanes[round(note.start) // each].add(note.row)
    signs = {(True, True): _BOTH, (True, False): _LOW, (False, True): _HIGH}
    return "".join(
        signs.get((KICK in lane, bool(lane & _HANDS)), _LIGHT if lane else " ") for lane in lanes
    )


def _contour(grid: Grid, notes: Sequence[DrawnNote], each: int, pitches: Sequence[int]) -> str:
    low, high = min(pitches), max(pitches)
    cells = [" "] * -(-grid.steps // each)
    for note in notes:
        level = round((note.row - low) / max(high - low, 1) * (len(_HEIGHTS) - 1))
        first = round(note.start) // each
        last = max(first + 1, round(note.end) // each)
        for cell in range(first, min(last, len(cells))):
            cells[cell] = _HEIGHTS[level]
    return "".join(cells)
