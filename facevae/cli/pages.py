"""The arrangement of pictures on a sheet, for each verb."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

    from vaecore.cli.presentation import Result

ROW = 9
"""Largest number of pictures of a morph in a row."""
PAIRS = 8
"""Largest number of originals in a row."""


def page(result: Result, side: int | None = None) -> Image.Image:
    """Return the sheet of a result.

    Args:
        result: A verb's result.
        side: Height and width of each picture on the sheet, in pixels; by default see `side_for`.
    """
    from facevae.presentation import contact_sheet

    return contact_sheet(side=side, **_layout(result))


def _layout(result: Result) -> dict[str, Any]:
    if result.verb in ("morph", "palette"):
        columns = result.columns or ROW
        return {"pictures": result.items, "columns": columns, "captions": result.titles}
    if result.verb == "reconstruct":
        return _pairs(result.decoded(result.originals), result.items, result.titles)
    if result.verb == "edit":
        return _sweep(result, result.columns) if result.columns else _edit(result)
    if result.verb == "similar":
        return _variations(result.decoded(result.originals)[0], result.items)
    from facevae.presentation.sheet import square

    return {"pictures": result.items, "columns": square(len(result.items))}


def _pairs(originals: Sequence[Any], kept: Sequence[Any], titles: Sequence[str]) -> dict[str, Any]:
    """Return originals above their reconstructions."""
    columns = min(len(originals), PAIRS)
    pictures: list[Any] = []
    captions: list[str] = []
    rows: list[str] = []
    for first in range(0, len(originals), columns):
        part = slice(first, first + columns)
        missing = columns - len(originals[part])
        pictures += [*originals[part], *[None] * missing, *kept[part], *[None] * missing]
        captions += [*[""] * columns, *titles[part], *[""] * missing]
        rows += ["original", "reconstruction"]
    return {"pictures": pictures, "columns": columns, "captions": captions, "rows": rows}


def _edit(result: Result) -> dict[str, Any]:
    return {
        "pictures": result.decoded([*result.originals, *result.kept, *result.examples]),
        "columns": 3,
        "captions": ["original", "reconstruction", *map(_lines, result.titles)],
        "gaps": (1,),
    }


def _lines(title: str) -> str:
    """Return a title with each attribute in a line of its own."""
    return "\n".join(" ".join(_parts(part)) for part in title.split(" "))


def _parts(title: str) -> tuple[str, str]:
    """Return the name and the amount of an attribute, of a title such as "Blond_Hair+0.6667"."""
    _, name, amount, _ = re.split(r"^(.*?)([+-][\d.e+-]+)$", title)
    return name.replace("_", " "), f"{float(amount):+.3g}" if float(amount) else "0"


def _sweep(result: Result, columns: int) -> dict[str, Any]:
    """Return a row for each attribute, which begins with the original."""
    pictures: list[Any] = []
    captions: list[str] = []
    rows: list[str] = []
    originals = result.decoded(result.originals)
    for first in range(0, len(result.items), columns):
        part = slice(first, first + columns)
        parsed = [_parts(title) for title in result.titles[part]]
        pictures += [*originals, *result.items[part]]
        captions += ["original", *(amount for _, amount in parsed)]
        rows.append(parsed[0][0])
    return {
        "pictures": pictures,
        "columns": columns + 1,
        "captions": captions,
        "rows": rows,
        "gaps": (1,),
    }


def _variations(original: Any, items: Sequence[Any]) -> dict[str, Any]:
    """Return variations, with the original at their left."""
    from facevae.presentation.sheet import square

    columns = square(len(items))
    pictures: list[Any] = []
    for first in range(0, len(items), columns):
        pictures += [None if first else original, *items[first : first + columns]]
    return {"pictures": pictures, "columns": columns + 1, "rows": ["original"], "gaps": (1,)}
