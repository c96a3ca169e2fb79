"""Contact sheets: many small pictures on one page, side by side, with captions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

from vaecore.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAGE, INK, QUIET = "#ffffff", "#22262b", "#6b737c"
GAP, MARGIN = 6, 14
"""Pixels between pictures, and around all of them."""
TEXT, LINE = 14, 17
"""Height of captions, and from line to line, in pixels."""

MOST_PIXELS = 150_000_000
"""Of a whole sheet: beyond that, many programs do not open it."""
WIDTH, LARGEST, SMALLEST = 1280, 192, 64
"""Pixels: the width that a sheet should not exceed, and limits of the pictures on it."""


def enlarge(image: Image.Image, side: int) -> Image.Image:
    """Return a square picture at another size, smoothly resampled."""
    from PIL import Image

    if image.size == (side, side):
        return image
    return image.resize((side, side), Image.Resampling.LANCZOS)


def side_for(columns: int, size: int) -> int:
    """Return the side at which pictures of `size` pixels are shown, so many in a row.

    Where it enlarges them, it is a multiple of half their size, so that all pixels grow alike.
    """
    available = (WIDTH - 2 * MARGIN) // columns - GAP
    side = min(max(available, SMALLEST), LARGEST)
    return 2 * side // size * size // 2 if side >= size else side


def contact_sheet(
    pictures: Sequence[Image.Image | None],
    columns: int,
    *,
    side: int | None = None,
    captions: Sequence[str] = (),
    rows: Sequence[str] = (),
    gaps: Sequence[int] = (),
) -> Image.Image:
    """Return a page of pictures, row by row.

    Args:
        pictures: Square RGB images; None leaves a place empty.
        columns: How many side by side.
        side: Height and width of each on the page, in pixels; by default see `side_for`.
        captions: A line or more below each picture, may be empty. Lines that are too long are cut.
        rows: A name at the left of each row; none without it.
        gaps: Columns before which there is more space, to separate groups.

    Raises:
        UsageError: The page would have more than `MOST_PIXELS`.
    """
    from PIL import Image, ImageDraw

    columns = max(1, min(columns, len(pictures)))
    size = next((picture.width for picture in pictures if picture is not None), SMALLEST)
    side = side or side_for(columns, size)
    font = _font()
    count = -(-len(pictures) // columns)
    lines = [_lines(captions[k * columns : (k + 1) * columns]) for k in range(count)]
    below = [each * LINE + GAP * (each > 0) for each in lines]
    tops = [MARGIN + k * (side + GAP) + sum(below[:k]) for k in range(count + 1)]
    left = MARGIN + (max(ceil(font.getlength(row)) for row in rows) + 12 if any(rows) else 0)
    extra = [3 * GAP * sum(gap <= column for gap in gaps) for column in range(columns)]
    width = left + columns * (side + GAP) - GAP + extra[-1] + MARGIN
    height = tops[-1] - GAP + MARGIN
    if width * height > MOST_PIXELS:
        raise UsageError(
            f"a sheet of {len(pictures):,} pictures of {side} pixels would have {width:,} x "
            f"{height:,}: use a smaller --size or fewer pictures, or -o FOLDER"
        )
    page = Image.new("RGB", (width, height), PAGE)
    draw = ImageDraw.Draw(page)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        x, y = left + column * (side + GAP) + extra[column], tops[row]
        if picture is not None:
            page.paste(enlarge(picture, side), (x, y))
        if place < len(captions) and captions[place]:
            for number, line in enumerate(captions[place].split("\n")):
                text, at = _fitted(line, side, font), y + side + 4 + number * LINE
                draw.text((x + side / 2, at), text, QUIET, font, anchor="ma")
    for name, y in zip(rows, tops, strict=False):
        draw.text((left - 12, y + side / 2), name, INK, font, anchor="rm")
    return page


def square(n: int) -> int:
    """Return how many columns a page of n pictures has: few are in one row, more about square.

    A little wider where that fills the last row.
    """
    if n <= 5:
        return max(n, 1)
    near = ceil(n**0.5)
    return next((wide for wide in range(near, int(1.7 * n**0.5) + 1) if n % wide == 0), near)


def _lines(captions: Sequence[str]) -> int:
    return max((caption.count("\n") + 1 for caption in captions if caption), default=0)


@lru_cache(maxsize=1)
def _font() -> Font:
    from PIL import ImageFont

    return ImageFont.load_default(TEXT)


def _fitted(text: str, width: int, font: Font) -> str:
    """Return a text cut to a width in pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
