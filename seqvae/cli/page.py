"""The verb `page`: a model in one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.page import write_page
from vaecore.errors import printable

if TYPE_CHECKING:
    from vaecore.space import LatentSpace


@click.command()
@click.argument("model")
@click.argument("inputs", nargs=-1, metavar="[A] [B] [C] [D]", type=options.FILE)
@options.output
@options.seed
@options.as_json
@options.quiet
def page(
    model: str,
    inputs: tuple[Path, ...],
    output: Path | None,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Put a model into one HTML file that decodes in the browser, with no server.

    MODEL is one that `models` lists, or a model folder. Up to four MIDI files are the corners of a
    field of blends; the model invents the others. On the page any point of the field is decoded at
    once, with sliders for attributes and temperature, and a visitor's MIDI file can be dropped into
    a corner. Writes MODEL.html, or -o.
    """

    def make() -> Any:
        from seqvae.domains import DOMAINS
        from seqvae.music.page.blender import blender_page

        def written(space: LatentSpace[Any]) -> str:
            corners = [(printable(path.stem), space.codec.read(path).first) for path in inputs]
            return blender_page(space, corners, seed)

        return DOMAINS, written

    write_page(model, inputs, output, (as_json, quiet), make)
