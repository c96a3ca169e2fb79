"""Reading of MIDI files: the options --meter and --grid, and warnings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaecore.cli.echo import echo

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score

_METER = re.compile(r"([1-9]\d?)/(1|2|4|8|16|32)")
_HELP = "Read the files in this meter, such as 4/4, in place of their own."


def signature(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """Return the numerator and denominator of a time signature such as 4/4.

    Raises:
        click.BadParameter: The text has another form.
    """
    if value is None:
        return None
    match = _METER.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is not a time signature such as 4/4.", ctx, param)
    return int(match[1]), int(match[2])


def _read_in(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    meter = signature(ctx, param, value)
    if meter is not None:
        from seqvae.music.reading.midi import read_in

        ctx.with_resource(read_in(meter))


def meter_option() -> click.Option:
    """Return the option --meter, which holds for all files that a command reads."""
    return click.Option(
        ["--meter"], metavar="N/M", expose_value=False, callback=_read_in, help=_HELP
    )


def sample_meter_option() -> click.Option:
    """Return the option --meter of `sample`, the meter of the written file."""
    text = "Meter of the samples, such as 6/8. [default: 4/4; for models of 12 steps their usual]"
    return click.Option(["--meter"], metavar="N/M", callback=signature, help=text)


GRID_NAMES = {"16": "16", "12": "12", "binary": "16", "ternary": "12"}
_GRID_HELP = (
    "Steps of a bar: 16 for 4/4; 12 for 3/4, 6/8, 12/8, and 4/4 in triplets. [default: by the "
    "time signature and the places of notes]"
)


def grid_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the number of a grid for its name ("binary" is "16", "ternary" "12")."""
    return None if value is None else GRID_NAMES[value]


def _read_on(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    grid = grid_name(ctx, param, value)
    if grid is not None:
        from seqvae.music.reading.midi import read_on

        ctx.with_resource(read_on(grid))


def grid_option() -> click.Option:
    """Return the option --grid, which holds for all files that a command reads."""
    return click.Option(
        ["--grid"],
        type=click.Choice(list(GRID_NAMES)),
        expose_value=False,
        callback=_read_on,
        help=_GRID_HELP,
    )


meter = click.option("--meter", metavar="N/M", expose_value=False, callback=_read_in, help=_HELP)
"""`meter_option` as a decorator."""


def warn(score: Score, path: Path | str) -> None:
    """Print repairs and reinterpretations of a file on stderr, unless --quiet."""
    context = click.get_current_context(silent=True)
    if context is not None and context.params.get("quiet"):
        return
    for notice in score.notices:
        echo(f"{path}: {notice}", err=True)
