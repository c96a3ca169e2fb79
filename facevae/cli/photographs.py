"""The face that is taken from a photograph."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from facevae.images import read_image
from vaecore.cli.presentation import Input, Source
from vaecore.codec import Example

if TYPE_CHECKING:
    from PIL import Image

    from facevae.codec import FaceCodec

_UNFRAMED = "not framed as the model's faces are: expect a blurred mixture, not this picture"


def framed(codec: FaceCodec, input_: Input, face: int | None) -> Source:
    """Return the face of a photograph, found, turned and cut out unless it is framed already.

    Args:
        codec: The codec of the model.
        input_: The photograph.
        face: Number of the face from the left, from 1; None for the largest and most central.

    Raises:
        DataError: There is no face, or there are fewer faces.
    """
    from facevae.align import frame_image

    framing = frame_image(_photograph(input_), path=input_.path, face=face)
    facts: dict[str, Any] = {"aligned": not framing.framed_already}
    place = "" if framing.framed_already else "aligned"
    if framing.faces > 1:
        place = f"aligned, face {framing.number} of {framing.faces} from the left"
        facts |= {"face": framing.number, "faces": framing.faces}
    return Source(Example(codec.encode_image(framing.image)), input_, place, facts)


def as_it_is(codec: FaceCodec, input_: Input, face: None) -> Source:
    """Return a photograph as it is, and whether it is framed as the model needs it."""
    from facevae.align import is_framed

    photograph = _photograph(input_)
    framed = is_framed(photograph)
    place = "" if framed else _UNFRAMED
    facts = {"aligned": False, "framed": framed}
    return Source(Example(codec.encode_image(photograph)), input_, place, facts)


def _photograph(input_: Input) -> Image.Image:
    """Return the photograph of an input, read again if it was not kept in memory."""
    kept = input_.content
    return read_image(kept) if isinstance(kept, (str, os.PathLike)) else kept
