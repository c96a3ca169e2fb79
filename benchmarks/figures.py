"""The style of the benchmarks' figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaecore.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def pair() -> tuple[Figure, tuple[Axes, Axes]]:
    """Return a figure of two panels side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    return figure, tuple(figure.subplots(1, 2))


def save(figure: Figure, path: Path) -> None:
    """Finish all panels alike and write the figure."""
    for axes in figure.axes:
        axes.legend(frameon=False, fontsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130)
