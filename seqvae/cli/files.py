"""Verbs that look at MIDI files without a model: show and render."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaecore.cli import options
from vaecore.cli.job import check_files, width
from vaecore.cli.outputs import Outputs
from vaecore.errors import UsageError

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

BARS = 16
"""A picture shows this many bars if nobody asks for more."""


@click.command()
@options.one_input
@click.option("--bar", type=click.IntRange(min=1), default=1, help="First bar to show.")
@click.option("--all", "all_bars", is_flag=True, help=f"Show the whole file, not {BARS} bars.")
@click.option("--png", is_flag=True, help="Draw a picture file, INPUT.png, instead.")
@click.option("-o", "--output", type=options.FILE, help="Picture file to write; implies --png.")
def show(input_: Path, bar: int, all_bars: bool, png: bool, output: Path | None) -> None:
    """Show a MIDI file as a piano roll in text, or as a picture."""
    from seqvae.presentation import grid_of_item, piano_roll, text_roll

    grid = grid_of_item(_read(input_))
    if bar > grid.bars:
        raise UsageError(f"--bar {bar}: {input_} has {grid.bars} bars")
    last = grid.bars if all_bars else min(bar + BARS - 1, grid.bars)
    part = grid.cut(bar - 1, last)
    click.echo(f"{click.style(input_.name, bold=True)}  bars {bar}-{last} of {grid.bars}")
    if png or output:
        path = output or input_.with_suffix(".png")
        with Outputs(path) as outputs:
            piano_roll(part, outputs.add(path))
        click.echo(path)
        return
    click.echo()
    click.echo(text_roll(part, width()))
    if last < grid.bars:
        click.echo(f"\nmore: --bar {last + 1}, or --all")


@click.command()
@options.one_input
@click.option("-o", "--output", type=options.FILE, help="WAV file to write. [default: INPUT.wav]")
@click.option("--soundfont", type=options.FILE, help="Another SoundFont (.sf2, .sf3).")
@options.quiet
def render(input_: Path, output: Path | None, soundfont: Path | None, quiet: bool) -> None:
    """Render a MIDI file as sound."""
    from seqvae.presentation import render as play

    item = _read(input_)
    path = output or input_.with_suffix(".wav")
    if path.suffix.lower() != ".wav":
        raise UsageError(f"{path}: the output must end in .wav")
    with Outputs(path) as outputs:
        play(item, outputs.add(path), soundfont=soundfont)
    if not quiet:
        click.echo(f"{click.style(str(path), bold=True)}  {item.get_end_time():.1f} s")


def _read(path: Path) -> PrettyMIDI:
    from pretty_midi import PrettyMIDI

    from seqvae.midi import read_score

    check_files([path])
    read_score(path)  # refuses what is broken or too long
    return PrettyMIDI(str(path))
