"""The verb `page` of all packages: a model in one HTML file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.echo import echo, style
from vaecore.cli.outputs import Outputs
from vaecore.errors import UsageError
from vaecore.reading import check_files

if TYPE_CHECKING:
    from vaecore.domain import Domain
    from vaecore.space import LatentSpace

CORNERS = 4

Make = Callable[[Sequence[Path], int], "tuple[Sequence[Domain], Callable[[LatentSpace[Any]], str]]"]
"""From the files of the corners and a seed to the domains that the model may have, and a function
that makes the HTML of the loaded model; imports what it needs."""


def page_command(make: Make, help: str) -> click.Command:
    """Return the verb `page` of a package, with its own HTML and help text."""

    @click.command(help=help)
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
        start = time.monotonic()
        place = output or Path(f"{Path(model).name}.html")
        if place.suffix.lower() != ".html":
            raise UsageError(f"{place}: the output must end in .html")
        if len(inputs) > CORNERS:
            raise UsageError(f"a page has four corners; {len(inputs)} files are too many")
        check_files(inputs)
        from vaecore.domain import find_model
        from vaecore.threads import use_threads

        domains, written = make(inputs, seed)
        domain, _ = find_model(domains, model)
        use_threads(domain.threads)
        data = written(domain.load(model)).encode()
        with Outputs(place) as outputs:
            outputs.add(place).write_bytes(data)
        if as_json:
            facts = {"verb": "page", "model": model, "bytes": len(data), "files": [str(place)]}
            echo(json.dumps({**facts, "elapsed_seconds": round(time.monotonic() - start, 3)}))
        elif not quiet:
            echo(style(place, bold=True))
            echo(f"  a page with {model} inside, {len(data) / 1e6:.1f} MB")
            echo("  open it in a browser, also offline")

    return page
