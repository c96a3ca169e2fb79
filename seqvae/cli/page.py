"""The verb `page`: a model in one HTML file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from vaecore.cli import options
from vaecore.cli.echo import echo
from vaecore.cli.job import check_files
from vaecore.cli.outputs import Outputs
from vaecore.errors import UsageError, printable


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
    """Put a model into a page: it decodes in the browser, with no server.

    MODEL is a name in the box or a model folder. Up to four MIDI files are the corners of a field
    of blends; the model invents the others. On the page any point of the field is decoded at once,
    with sliders for attributes and temperature, and a visitor's MIDI file can be dropped into a
    corner. Writes MODEL.html, or -o.
    """
    begin = time.monotonic()
    place = output or Path(f"{Path(model).name}.html")
    if place.suffix.lower() != ".html":
        raise UsageError(f"{place}: the output must end in .html")
    check_files(inputs)
    import torch

    from seqvae.domains import DOMAINS
    from seqvae.music.page.blender import blender_page
    from vaecore.domain import find_model

    domain, _ = find_model(DOMAINS, model)
    torch.set_num_threads(domain.threads or torch.get_num_threads())
    space = domain.load(model)
    corners = [(printable(path.stem), space.codec.read(path).first) for path in inputs]
    data = blender_page(space, corners, seed).encode()
    with Outputs(place) as outputs:
        outputs.add(place).write_bytes(data)
    if as_json:
        facts = {"verb": "page", "model": model, "bytes": len(data), "files": [str(place)]}
        echo(json.dumps({**facts, "elapsed_seconds": round(time.monotonic() - begin, 3)}))
    elif not quiet:
        echo(click.style(str(place), bold=True))
        echo(f"  a page with {model} inside, {len(data) / 1e6:.1f} MB")
        echo("  open it in a browser, also offline")
