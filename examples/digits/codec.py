"""The codec of digits: picture files or objects to tensors of one size, and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vaecore.codec import Codec
from vaecore.errors import DataError

LARGEST = 4096
"""Pixels each way of the largest picture that is read."""


@dataclass(frozen=True)
class DigitCodec(Codec[Image.Image]):
    """Dark ink on light paper, `side` x `side` pixels; an example is the share of ink in each.

    An example is float32 `(side, side)`, 0 for paper and 1 for ink. An item is a path or a PIL
    image; one of another size is averaged over blocks, as the bundled digits were made.

    Args:
        side: Width and height in pixels, at least 1.
    """

    side: int = 8
    suffixes = (".png", ".jpg", ".jpeg", ".bmp")

    def __post_init__(self) -> None:
        if not 1 <= self.side <= LARGEST:
            raise ValueError(f"side must be from 1 to {LARGEST}, got {self.side}")

    @property
    def config(self) -> dict[str, Any]:
        """The fields of this codec."""
        return asdict(self)

    @property
    def sizes(self) -> dict[str, Any]:
        """What a network must have in common with this codec."""
        return {"side": self.side}

    def encode(self, item: Any) -> Tensor:
        """Return the share of ink in each pixel, float32 `(side, side)` in [0, 1].

        Raises:
            DataError: The file is no picture, or too large a one.
        """
        picture = _read(Path(item)) if isinstance(item, str | Path) else item
        grey = picture.convert("L").resize((self.side, self.side), Image.Resampling.BOX)
        return 1 - torch.from_numpy(np.array(grey)).float() / 255

    def decode(self, x: Tensor, context: Any = None) -> Image.Image:
        """Return the grey picture of an example; no context is needed."""
        return Image.fromarray((255 * (1 - x)).round().byte().numpy())


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            if max(picture.size) > LARGEST:
                problem = f"has {picture.width} x {picture.height} pixels"
                raise DataError(problem, path=path, remedy=f"{LARGEST} each way is the limit")
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        remedy = "name a picture of one digit"
        raise DataError("is no picture that can be read", path=path, remedy=remedy) from error
    return picture
