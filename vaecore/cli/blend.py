"""Verbs that go from one input to another: interpolate and palette."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.job import Job, flat
from vaecore.cli.presentation import Result, Source
from vaecore.errors import UsageError, printable

if TYPE_CHECKING:
    from vaecore.space import LatentSpace


@click.command()
@options.inputs
@options.steps
@options.path
@options.timing
@options.temperature
@options.seed
@options.writes
def interpolate(
    job: Job,
    inputs: tuple[Path, ...],
    steps: int | None,
    path: str | None,
    timing: str | None,
    temperature: float,
    seed: int,
) -> None:
    """Blend one input into the next, step by step.

    At temperature 0 the first and the last step are the reconstructions of the ends.
    """
    if len(inputs) < 2:
        raise UsageError(f"{job.verb} needs two inputs or more")
    place = job.place(inputs)
    goes_on = steps is None and job.presentation.goes_on(job.options)
    steps = steps or job.presentation.steps(len(inputs), place)
    if steps < len(inputs):
        raise UsageError(f"{steps} steps cannot pass {len(inputs)} inputs; use more --steps")
    space, rounds = job.space_and_rounds(inputs)
    how: dict[str, Any] = {
        "path": path,
        "timing": timing,
        "temperature": temperature,
        "seed": seed,
    }
    if goes_on:
        _go_through(job, space, rounds, place, how)
        return
    made = [
        space.interpolate(*(s.example for s in sources), steps=steps, **how) for sources in rounds
    ]
    how["path"], how["timing"] = space.path_and_timing(path, timing)
    codes = [space.encode([source.example for source in sources]) for sources in rounds]
    facts = flat(rounds)
    for taken, z in zip(facts, codes, strict=True):
        lengths = (z[1:] - z[:-1]).norm(dim=-1).tolist()
        taken["latent_distances"] = [round(length, 4) for length in lengths]
    job.write(
        Result(job.verb, space.codec, made, _titles([printable(p.stem) for p in inputs], steps)),
        place,
        f"{steps} steps",
        {"steps": steps, **how, "windows": facts},
    )


def _go_through(
    job: Job,
    space: LatentSpace[Any],
    rounds: Sequence[Sequence[Source]],
    place: Path | None,
    how: dict[str, Any],
) -> None:
    """Blend every round at its place from the first input to the last, and write them as one."""
    from vaecore.paths import interpolation_weights

    made = space.pass_through([[source.example for source in each] for each in rounds], **how)
    how["path"], how["timing"] = space.path_and_timing(how["path"], how["timing"])
    weights = interpolation_weights(len(rounds[0]), max(len(rounds), 2))
    job.write(
        Result(job.verb, space.codec, [[each] for each in made], [""]),
        place,
        f"{len(made)} windows, from the first input to the last",
        {
            "steps": len(made),
            **how,
            "weights": [[round(w, 4) for w in row] for row in weights[: len(made)].tolist()],
            "windows": flat(rounds),
        },
    )


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="A B [C] [D]", type=options.FILE)
@click.option(
    "--rows",
    type=click.IntRange(2, 32),
    help="Rows of the grid. [default: 5, more on a page; 1 for two inputs]",
)
@click.option(
    "--columns",
    type=click.IntRange(2, 32),
    help="Columns of the grid. [default: 5, more on a page]",
)
@options.path
@options.temperature
@options.seed
@options.writes
def palette(
    job: Job,
    inputs: tuple[Path, ...],
    rows: int | None,
    columns: int | None,
    path: str | None,
    temperature: float,
    seed: int,
) -> None:
    """Blend two to four inputs into a grid.

    A is top left, B top right, C bottom left and D bottom right. With three inputs C is the whole
    bottom row; two make one row. For music and faces, -o palette.html writes an interactive page.
    """
    if not 2 <= len(inputs) <= 4:
        raise UsageError(f"{job.verb} needs two, three or four inputs, not {len(inputs)}")
    if len(inputs) == 2 and rows is not None:
        raise UsageError("two inputs make one row; leave --rows out, or name more inputs")
    place = job.place(inputs)
    usual = job.presentation.grid(place)
    rows, columns = (1 if len(inputs) == 2 else rows or usual[0]), columns or usual[1]
    space, rounds = job.space_and_rounds(inputs)
    path = path or space.plain_path
    made = []
    for sources in rounds:
        corners = [source.example for source in sources]
        grid = space.palette(corners, rows, columns, path, temperature, seed)
        made.append([item for row in grid for item in row])
    titles = [""] * (rows * columns)
    names = [printable(p.stem) for p in inputs]
    last = [-columns, -1] if len(names) == 4 else [columns // 2 - columns]
    for at, name in zip([0, columns - 1, *last], names, strict=False):
        titles[at] = name
    job.write(
        Result(job.verb, space.codec, made, titles, columns=columns),
        place,
        f"{rows} x {columns} steps, row by row",
        {
            "rows": rows,
            "columns": columns,
            "path": path,
            "temperature": temperature,
            "seed": seed,
            "windows": flat(rounds),
        },
    )


def _titles(names: Sequence[str], steps: int) -> list[str]:
    """Return the inputs' names at the steps that are nearest to them."""
    titles = [""] * steps
    for index, name in enumerate(names):
        titles[round(index * (steps - 1) / (len(names) - 1))] = name
    return titles
