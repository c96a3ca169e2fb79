"""What the verb `page` of all packages does: a model in one HTML file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.cli.echo import echo, style
from vaecore.cli.outputs import Outputs
from vaecore.errors import UsageError
from vaecore.reading import check_files

if TYPE_CHECKING:
    from vaecore.domain import Domain
    from vaecore.space import LatentSpace

CORNERS = 4


def write_page(
    model: str,
    inputs: Sequence[Path],
    output: Path | None,
    loud: tuple[bool, bool],
    make: Callable[[], tuple[Sequence[Domain], Callable[[LatentSpace[Any]], str]]],
) -> None:
    """Write MODEL.html, or another file, and tell of it.

    Args:
        model: A name in the box, or a folder.
        inputs: The files of the corners.
        output: Where to write.
        loud: Whether to tell as JSON, and whether to tell nothing.
        make: Imports what is needed, and returns the domains that the model may be of, and what
            makes the page of it.

    Raises:
        UsageError, DataError: As for every verb.
    """
    begin = time.monotonic()
    place = output or Path(f"{Path(model).name}.html")
    if place.suffix.lower() != ".html":
        raise UsageError(f"{place}: the output must end in .html")
    if len(inputs) > CORNERS:
        raise UsageError(f"a page has four corners; {len(inputs)} files are too many")
    check_files(inputs)
    import torch

    from vaecore.domain import find_model

    domains, written = make()
    domain, _ = find_model(domains, model)
    torch.set_num_threads(domain.threads or torch.get_num_threads())
    data = written(domain.load(model)).encode()
    with Outputs(place) as outputs:
        outputs.add(place).write_bytes(data)
    as_json, quiet = loud
    if as_json:
        facts = {"verb": "page", "model": model, "bytes": len(data), "files": [str(place)]}
        echo(json.dumps({**facts, "elapsed_seconds": round(time.monotonic() - begin, 3)}))
    elif not quiet:
        echo(style(place, bold=True))
        echo(f"  a page with {model} inside, {len(data) / 1e6:.1f} MB")
        echo("  open it in a browser, also offline")
