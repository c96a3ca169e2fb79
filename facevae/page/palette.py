"""The page of a grid of faces: a plane on which the face follows the pointer."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from vaecore.errors import UsageError
from vaecore.page import corners as corners_of
from vaecore.page import filled, page

if TYPE_CHECKING:
    from PIL import Image

HERE = Path(__file__).parent
LARGEST = 4096
"""Largest width and height in pixels of a picture that browsers of phones decode."""
QUALITY = 82


def palette_page(
    faces: Sequence[Image.Image], columns: int, corners: Sequence[tuple[int, str]]
) -> str:
    """Return the HTML of the page of a grid of faces.

    Args:
        faces: The faces row by row, all of one size.
        columns: Number of columns of the grid.
        corners: The cell of each input, from 0 row by row, and its name.

    Raises:
        UsageError: The faces together are larger than browsers show.
    """
    rows, names = len(faces) // columns, [name for _, name in corners]
    data = {
        "columns": columns,
        "rows": rows,
        "side": faces[0].width,
        "names": names,
        "sheet": f"data:image/webp;base64,{base64.b64encode(sprites(faces, columns)).decode()}",
    }
    about = f"{len(faces)} faces, and all between them"
    fields = {
        **corners_of(names, rows),
        "about": escape(about),
        "kind": "faces row" if rows == 1 else "faces",
    }
    body = filled(HERE / "palette.html", fields)
    title = f"{' · '.join(names)} – a palette of faces"
    return page(title, body, HERE / "palette.js", data, [HERE / "style.css"], about)


def sprites(faces: Sequence[Image.Image], columns: int) -> bytes:
    """Return the faces of a grid as one WebP picture.

    Raises:
        UsageError: The picture would be larger than browsers show.
    """
    from PIL import Image

    side, rows = faces[0].width, -(-len(faces) // columns)
    if max(columns, rows) * side > LARGEST:
        text = f"{rows} x {columns} faces of {side} pixels are more than a page shows"
        raise UsageError(f"{text}; use fewer --rows and --columns, or a smaller --size")
    sheet = Image.new("RGB", (columns * side, rows * side))
    for place, face in enumerate(faces):
        row, column = divmod(place, columns)
        sheet.paste(face, (column * side, row * side))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=QUALITY, method=6)
    return buffer.getvalue()
