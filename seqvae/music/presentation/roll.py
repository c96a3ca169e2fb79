"""Piano rolls as PNG, SVG or PDF: small multiples on common axes, so that steps can be compared."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqvae.music.presentation.grid import (
    LANE_NAMES,
    LOOKS,
    DrawnNote,
    Grid,
    grids,
    pitch_name,
    pitch_range,
)
from vaecore.files import replacing

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from pretty_midi import PrettyMIDI

INK, SOFT, LINE, PAPER, SHADE = "#22303c", "#75828e", "#cfd6dc", "#ffffff", "#f5f7f9"

_WHITE_KEYS = (0, 2, 4, 5, 7, 9, 11)
_DPI = 150
_BARS_A_LINE = 16
_UNDATED: dict[str, tuple[str, ...]] = {
    "png": ("Software",),
    "svg": ("Date", "Creator"),
    "pdf": ("CreationDate", "Creator", "Producer"),
}
"""File formats, with the metadata of each that would differ from run to run or name versions."""

PICTURES = tuple(f".{kind}" for kind in _UNDATED)
"""Endings of the files that `piano_roll` can write."""


def piano_roll(
    pictures: Sequence[PrettyMIDI | Grid] | PrettyMIDI | Grid,
    path: str | os.PathLike[str],
    titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
) -> Path:
    """Draw items, one panel each, as PNG, or as vector graphics for print.

    Args:
        pictures: Items or grids. In the panel of an item, the bass is below the melody, and the
            drums are below the bass; after 16 bars an item continues in the next panel.
        path: The file to write: .svg or .pdf for vectors, PNG with any other ending.
        titles: A name for each item.
        columns: Panels side by side; by default a number that makes the page about square.

    Returns:
        The path.

    Raises:
        ValueError: There is no item.
        DataError: The file cannot be written.
    """
    from matplotlib import rc_context

    figure = _figure(pictures, titles, columns)
    kind = Path(path).suffix.lower()[1:]
    kind = kind if kind in _UNDATED else "png"
    with replacing(path) as temporary, rc_context({"svg.hashsalt": "", "pdf.fonttype": 42}):
        # Without date and version inside, equal pictures are equal files.
        figure.savefig(temporary, format=kind, metadata=dict.fromkeys(_UNDATED[kind]))
    return Path(path)


def piano_roll_pixels(
    pictures: Sequence[PrettyMIDI | Grid] | PrettyMIDI | Grid,
    titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
) -> NDArray[np.uint8]:
    """Draw items like `piano_roll`, and return the picture as uint8 `(height, width, 3)`."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(_figure(pictures, titles, columns))  # without type annotations
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _figure(
    pictures: Sequence[PrettyMIDI | Grid] | PrettyMIDI | Grid,
    titles: Sequence[str] | None,
    columns: int | None,
) -> Figure:
    """Return the figure of items; arguments as for `piano_roll`."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    drawn, names = [], []
    for k, grid in enumerate(grids(pictures)):
        lines = grid.lines(_BARS_A_LINE)
        drawn += lines
        names += [titles[k] if titles else "", *[""] * (len(lines) - 1)]
    if not drawn:
        raise ValueError("there is no item to draw")
    lanes = sorted({n.row for g in drawn for n in g.drums})
    ranges = {
        name: pitch_range([n.row for g in drawn for n in getattr(g, name)] or [61, 70])
        for name, look in LOOKS.items()
        if not look.lanes
    }
    pitched = [name for name in ranges if any(getattr(g, name) for g in drawn)]
    if not pitched and not lanes:
        lanes = [0, 1, 2]  # without notes the grid is drawn
    longest = max(g.steps for g in drawn)
    columns = min(columns or _columns(len(drawn), longest), len(drawn))
    rows = math.ceil(len(drawn) / columns)

    height_of = {name: 0.35 + 0.062 * (high - low + 1) for name, (low, high) in ranges.items()} | {
        "drums": 0.155 * len(lanes)
    }
    # A row of panels has a part for each voice with notes in it, and at least one part.
    parts: list[tuple[int, str]] = []
    for row in range(rows):
        shown = drawn[row * columns : (row + 1) * columns]
        there = [name for name in height_of if any(getattr(g, name) for g in shown)]
        parts += [(row, name) for name in there or ["drums" if lanes else pitched[0]]]
    heights = [height_of[name] for _, name in parts]
    panel_width = min(max(0.095 * longest, 2.4), 14.0 / columns)
    figure = Figure(
        figsize=(columns * (panel_width + 0.22) + 0.75, sum(heights) + rows * 0.42 + 0.35),
        dpi=_DPI,
        facecolor=PAPER,
        layout=ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.06, wspace=0.02, hspace=0.02),
    )
    axes = figure.subplots(len(parts), columns, squeeze=False, height_ratios=heights)
    for (row, name), line in zip(parts, axes, strict=True):
        here = [n for r, n in parts if r == row]
        for column, ax in enumerate(line):
            k = row * columns + column
            if k >= len(drawn):
                ax.set_axis_off()
                continue
            ax.set_xlim(0, longest)
            if LOOKS[name].lanes:
                _draw_drums(ax, drawn[k], lanes, named=column == 0)
            else:
                notes = getattr(drawn[k], name)
                _draw_pitches(ax, notes, ranges[name], LOOKS[name].colours[0], column == 0)
            _draw_bars(ax, drawn[k], numbered=name == here[-1])
            if names[k] and name == here[0]:
                ax.set_title(names[k], fontsize=8.5, color=INK, loc="left", pad=4)
    return figure


def _columns(count: int, steps: int) -> int:
    """Return the number of panels in a row: for a square page, and if possible for full rows."""
    most = max(1, 144 // max(steps, 1))
    if count <= most and count <= 4:
        return count if count < 4 else min(2, most)
    wished = min(most, max(1, round(math.sqrt(count))))
    exact = [c for c in range(wished, 0, -1) if count % c == 0]
    return exact[0] if exact[0] * 2 > wished else wished


def _bars(
    ax: Axes, notes: Iterable[DrawnNote], colour: str, height: float, centre: Any, gap: float
) -> None:
    """Draw notes as rounded bars; soft notes are paler."""
    from matplotlib.patches import FancyBboxPatch

    aspect = _aspect(ax)
    for note in notes:
        length = max(note.end - note.start - gap, 0.45)
        # `add_patch` would compute new limits of the axes; they are fixed.
        ax.add_artist(
            FancyBboxPatch(
                (note.start + 0.06, centre(note.row) - height / 2),
                length,
                height,
                boxstyle="round,pad=0,rounding_size=0.18",
                mutation_aspect=aspect,
                facecolor=colour,
                edgecolor="none",
                alpha=0.35 + 0.65 * min(note.velocity / 96, 1.0),
                zorder=3,
            )
        )


def _aspect(ax: Axes) -> float:
    """Return the number of units of y that are as long as one unit of x."""
    box = ax.get_window_extent()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    return (abs(top - bottom) / box.height) / (abs(right - left) / box.width)


def _draw_pitches(
    ax: Axes, notes: Iterable[DrawnNote], pitches: tuple[int, int], colour: str, named: bool
) -> None:
    low, high = pitches
    ax.set_ylim(low - 0.5, high + 0.5)
    for pitch in range(low, high + 1):
        if pitch % 12 not in _WHITE_KEYS:  # rows of black keys are shaded, as on the keyboard
            ax.axhspan(pitch - 0.5, pitch + 0.5, color=SHADE, lw=0, zorder=0)
        if pitch % 12 == 0:
            ax.axhline(pitch - 0.5, color=LINE, lw=0.6, zorder=1)
    _bars(ax, notes, colour, 0.86, float, gap=0.16)
    chord = (0, 7) if high - low < 30 else (0,)
    ticks = [p for p in range(low, high + 1) if p % 12 in chord]
    ax.set_yticks(ticks, [pitch_name(p) for p in ticks] if named else [""] * len(ticks))


def _draw_drums(ax: Axes, grid: Grid, lanes: list[int], named: bool) -> None:
    ax.set_ylim(-0.6, len(lanes) - 0.4)
    for k in range(0, len(lanes), 2):
        ax.axhspan(k - 0.5, k + 0.5, color=SHADE, lw=0, zorder=0)
    for k, lane in enumerate(lanes):
        hits = [n._replace(end=n.start + 1) for n in grid.drums if n.row == lane]
        _bars(ax, hits, LOOKS["drums"].colours[lane], 0.66, lambda _, k=k: k, gap=0.3)
    names = [LANE_NAMES[lane] for lane in lanes] if named else [""] * len(lanes)
    ax.set_yticks(range(len(lanes)), names)


def _draw_bars(ax: Axes, grid: Grid, numbered: bool) -> None:
    """Mark beats and bars, and write the number of a bar at its middle."""
    bars = [*grid.bar_starts, grid.steps]
    beats = [beat for first, last in pairwise(bars) for beat in range(first, last, grid.beat)]
    if grid.bars <= 4:
        ax.vlines([*beats, grid.steps], *ax.get_ylim(), color=LINE, lw=0.35, zorder=1)
    ax.vlines(bars, *ax.get_ylim(), color=SOFT, lw=0.7, zorder=2)
    ax.set_facecolor(PAPER)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0, labelsize=7, colors=SOFT, pad=3)
    if numbered and grid.bars + grid.first_bar > 2:
        middles = [(first + last) / 2 for first, last in pairwise(bars)]
        numbers = [str(grid.first_bar + k) for k in range(len(middles))]
        ax.set_xticks(middles, numbers, fontsize=6.5)
    else:
        ax.set_xticks([])
