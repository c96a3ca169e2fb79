"""Diagrams: boxes, trapezoids and arrows, drawn with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon
from PIL import Image

from vaecore.files import replacing

INK, QUIET, LINE = "#22262b", "#5d656e", "#9aa3ad"
BLUE, GREEN, ORANGE, GREY, RED = "#dbe7f6", "#dcefe2", "#fbe6d0", "#eef0f2", "#d1495b"

Point = tuple[float, float]


class Canvas:
    """A page on which x goes from 0 to `width` and y from 0, the bottom, to `height`, in inches."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height))
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()

    def box(
        self, at: Point, size: Point, text: str = "", *, fill: str = GREY, title: str = "",
        fontsize: float = 9, bold: bool = False, edge: str = LINE,
    ) -> None:  # fmt: skip
        """Draw a box with its lower left corner at a point; its title stands in its upper left."""
        shape = FancyBboxPatch(
            at, *size, boxstyle="round,pad=0,rounding_size=0.07", facecolor=fill, edgecolor=edge,
            linewidth=0.9,
        )  # fmt: skip
        self.axes.add_patch(shape)
        middle = (at[0] + size[0] / 2, at[1] + size[1] / 2 - (0.11 if title and text else 0))
        self.text(middle, text, fontsize=fontsize, weight="bold" if bold else "normal")
        if title:
            place = (at[0] + 0.12, at[1] + size[1] - 0.09)
            self.text(place, title, ha="left", va="top", weight="bold", fontsize=fontsize + 1)

    def trapezoid(self, left: float, right: float, middle: float, heights: Point, text: str,
                  fill: str) -> None:  # fmt: skip
        """Draw a network that narrows or widens from left to right."""
        first, last = heights[0] / 2, heights[1] / 2
        corners = [
            (left, middle - first), (left, middle + first),
            (right, middle + last), (right, middle - last),
        ]  # fmt: skip
        self.axes.add_patch(Polygon(corners, facecolor=fill, edgecolor=LINE, linewidth=0.9))
        self.text(((left + right) / 2, middle), text, fontsize=10)

    def arrow(
        self, start: Point, end: Point, text: str = "", *, colour: str = QUIET, bend: float = 0,
        dashed: bool = False, offset: Point = (0, 0.1),
    ) -> None:  # fmt: skip
        """Draw an arrow, with a text at its middle."""
        self.axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>",
                mutation_scale=11,
                linewidth=1.2,
                color=colour,
                connectionstyle=f"arc3,rad={bend}",
                linestyle="--" if dashed else "-",
                shrinkA=0,
                shrinkB=0,
            )
        )
        place = ((start[0] + end[0]) / 2 + offset[0], (start[1] + end[1]) / 2 + offset[1])
        self.text(place, text, fontsize=8.5, color=colour)

    def text(self, at: Point, text: str, **style: Any) -> None:
        """Write text, by default in the middle of a point."""
        style = {"ha": "center", "va": "center", "fontsize": 9, "color": INK, **style}
        self.axes.text(*at, text, linespacing=1.35, **style)

    def picture(self, at: Point, side: float, pixels: Any) -> None:
        """Put a grey picture with its lower left corner at a point, 0 for paper and 1 for ink."""
        extent = (at[0], at[0] + side, at[1], at[1] + side)
        self.axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, extent=extent, aspect="auto")
        self.axes.set(xlim=(0, self.figure.get_figwidth()), ylim=(0, self.figure.get_figheight()))

    def save(self, path: Path, dpi: int = 150) -> None:
        """Write the page as PNG, in few colours."""
        with replacing(path) as temporary:
            self.figure.savefig(temporary, format="png", dpi=dpi)
            with Image.open(temporary) as page:
                few = page.convert("RGB").quantize(128)
            few.save(temporary, format="png", optimize=True)
