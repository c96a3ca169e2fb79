"""The codec of faces: image files or objects to tensors of one size, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from facevae.images import SUFFIXES, central_square, read_image, resized
from vaecore.codec import Codec, build_codec

if TYPE_CHECKING:
    from PIL import Image

NAME = "faces"
SMALLEST, LARGEST = 8, 512
"""Limits of the image size in pixels; sizes are multiples of 8."""
MOST_CLIPPED = 0.12
"""Share of the pixels that an edit may drive to an end of their range; more looks burnt."""


class FaceCodec(Codec["Image.Image"]):
    """RGB images of `size` x `size` pixels; an example is float32 `(3, size, size)` in [0, 1].

    An item is a path, a PIL image or an array (as of `facevae.images.from_array`).

    Args:
        size: Width and height in pixels: a multiple of 8 from 8 to 512.
    """

    suffixes = SUFFIXES
    # In the middle of a line the pixels of both ends are mixed (benchmarks/face_space.py).
    default_path = "flow"
    default_timing = "perceived"

    def __init__(self, size: int = 64) -> None:
        whole = isinstance(size, int) and not isinstance(size, bool)
        if not whole or not SMALLEST <= size <= LARGEST or size % 8:
            text = f"size must be a multiple of 8 from {SMALLEST} to {LARGEST}, got {size!r}"
            raise ValueError(text)
        self.size = size

    @property
    def config(self) -> dict[str, Any]:
        return {"name": NAME, "size": self.size}

    @property
    def sizes(self) -> dict[str, Any]:
        return {"size": self.size}

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.size, self.size)

    @property
    def legend(self) -> dict[str, Any]:
        """The order of the numbers of a picture."""
        about = "red, green and blue, each row by row from the top; 0 is dark, 1 is bright"
        return {"representation": NAME, "size": self.size, "about": about}

    def picture(self, image: Image.Image) -> Image.Image:
        """Return the central square of an image that was read, at this size."""
        if image.size == (self.size, self.size):
            return image
        return resized(central_square(image), self.size)

    def change(self, x: Tensor) -> Tensor:
        """Return the `perceived_change` from each picture to the next, `(n - 1,)`."""
        from facevae.measures import perceived_change

        return perceived_change(x)

    def overdone(self, x: Tensor, origin: Tensor) -> Tensor:
        """Return whether many more pixels are as dark or as bright as can be, `(n,)` bool."""
        from facevae.measures import clipped

        return clipped(x) - clipped(origin) > MOST_CLIPPED

    def pixels(self, item: Any) -> np.ndarray:
        """Return an example before it becomes floating point: uint8 `(size, size, 3)`."""
        # A JPEG decoded at reduced scale is averaged over blocks; decoded at twice the size or
        # more, it still gets its last reduction by the resampling, as all others do.
        return np.asarray(self.picture(read_image(item, at_least=2 * self.size)))

    def encode(self, item: Any) -> Tensor:
        """Return an item as an example, float32 `(3, size, size)` in [0, 1].

        Raises:
            DataError: The item cannot be used; the message gives the reason.
        """
        return self._example(self.pixels(item))

    def encode_image(self, image: Image.Image) -> Tensor:
        """Return an image of `read_image` as an example, float32 `(3, size, size)` in [0, 1]."""
        return self._example(np.asarray(self.picture(image)))

    def _example(self, pixels: np.ndarray) -> Tensor:
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous().float() / 255

    def decode(self, x: Tensor, context: Any = None) -> Image.Image:
        """Return the RGB image of an example `(3, height, width)`.

        Values outside [0, 1] are clamped; no context is needed.

        Raises:
            ValueError: It is not floating point of this shape.
        """
        from PIL import Image

        if x.ndim != 3 or x.shape[0] != 3 or not x.is_floating_point():
            raise ValueError(f"an example is float (3, size, size), got {x.dtype} {tuple(x.shape)}")
        values = x.detach().cpu().float().nan_to_num().clamp(0, 1) * 255
        return Image.fromarray(values.round().byte().permute(1, 2, 0).contiguous().numpy())


def make_codec(config: Mapping[str, Any]) -> FaceCodec:
    """Build a codec from its `config`; see `vaecore.codec.build_codec`."""
    return build_codec({NAME: FaceCodec}, config)
