"""The verb `page`: a model of faces in one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vaecore.cli.page import page_command
from vaecore.errors import printable

if TYPE_CHECKING:
    from facevae.codec import FaceCodec
    from vaecore.domain import Domain
    from vaecore.space import LatentSpace

HELP = """Put a model into one HTML file that decodes faces in the browser, with no server.

MODEL is one that `models` lists, or a model folder. Up to four photographs are the corners of a
plane of faces; the model invents the others. On the page any point of the plane is decoded at once,
with sliders for attributes. Writes MODEL.html, or -o.
"""


def _make(
    inputs: Sequence[Path], seed: int
) -> tuple[Sequence[Domain], Callable[[LatentSpace[Any]], str]]:
    from facevae.align import frame_image
    from facevae.domain import DOMAIN
    from facevae.images import read_image
    from facevae.page.decoder import decoder_page
    from vaecore.codec import Example

    def written(space: LatentSpace[Any]) -> str:
        framed = [frame_image(read_image(path), path=path).image for path in inputs]
        codec = cast("FaceCodec", space.codec)
        examples = [Example(codec.encode_image(each)) for each in framed]
        names = [printable(path.stem) for path in inputs]
        return decoder_page(space, list(zip(names, examples, strict=True)), seed)

    return (DOMAIN,), written


page = page_command(_make, HELP)
