"""The verb `page`: a model of music in one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.cli.page import page_command
from vaecore.errors import printable

if TYPE_CHECKING:
    from vaecore.domain import Domain
    from vaecore.space import LatentSpace

HELP = """Put a model into one HTML file that decodes in the browser, with no server.

MODEL is one that `models` lists, or a model folder. Up to four MIDI files are the corners of a
field of blends; the model invents the others. On the page any point of the field is decoded at
once, with sliders for attributes and temperature, and a visitor's MIDI file can be dropped into a
corner. Writes MODEL.html, or -o.
"""


def _make(
    inputs: Sequence[Path], seed: int
) -> tuple[Sequence[Domain], Callable[[LatentSpace[Any]], str]]:
    from seqvae.domains import DOMAINS
    from seqvae.music.page.blender import blender_page

    def written(space: LatentSpace[Any]) -> str:
        corners = [(printable(path.stem), space.codec.read(path).first) for path in inputs]
        return blender_page(space, corners, seed)

    return DOMAINS, written


page = page_command(_make, HELP)
