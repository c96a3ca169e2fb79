"""Images that tell which one they are, and whether they are mirrored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

COUNT = 40
ALL = set(range(1, COUNT + 1))


def write_numbered(root: Path) -> None:
    """Write forty images to two folders; image k is k on its left half and k + 100 on its right."""
    for number in range(1, COUNT + 1):
        pixels = np.full((8, 8, 3), number, np.uint8)
        pixels[:, 4:] += 100
        place = root / ("low" if number <= COUNT // 2 else "high/er")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number:02}.png")
    (root / "table.csv").write_text("image,Odd\n")
    (root / ".hidden.png").write_text("a preview of some file manager")
    (root / "._00.png").write_text("a resource fork")


def numbers(x: Tensor) -> list[int]:
    """Return which images are in a batch, negative where they are mirrored."""
    left, right = ((x[:, 0, 0, column] * 255).round().int().tolist() for column in (0, 7))
    return [a if a < b else -b for a, b in zip(left, right, strict=True)]
