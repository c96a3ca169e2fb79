"""How MIDI files are read: the options --meter and --grid, and warnings about what was read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaecore.cli.echo import echo

if TYPE_CHECKING:
    from seqvae.music.reading.score import Score

_METER = re.compile(r"([1-9]\d?)/(1|2|4|8|16|32)")
_HELP = "Read the files in this meter from their beginning, such as 4/4, whatever they say."


def signature(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """Return the numerator and denominator of a time signature such as 4/4.

    Raises:
        click.BadParameter: It is none.
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
    """Return the option --meter of `sample`: what is written has these bars."""
    text = "Bars of the samples, such as 6/8. [default: 4/4, or what a model of 12 steps has most]"
    return click.Option(["--meter"], metavar="N/M", callback=signature, help=text)


GRID_NAMES = {"16": "16", "12": "12", "binary": "16", "ternary": "12"}
_GRID_HELP = (
    "Steps of a bar: 16 are the sixteenths of 4/4; 12 those of 3/4 and 6/8, and triplets in 4/4. "
    "[default: by the time signature and where notes lie]"
)


def grid_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the name of a grid; the two also have names in words."""
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
"""The same as a decorator."""


def warn(score: Score, path: Path | str) -> None:
    """Tell on stderr what was not read as the file has it, but for --quiet."""
    context = click.get_current_context(silent=True)
    if context is not None and context.params.get("quiet"):
        return
    for notice in score.notices:
        echo(f"{path}: {notice}", err=True)
