"""Verbs that look at MIDI files without a model: show and render."""

from __future__ import annotations

from pathlib import Path

import click

from seqvae.cli.reading import meter, warn
from seqvae.cli.writing import FILM, SOUNDFONT
from vaecore.cli import options
from vaecore.cli.echo import coloured, echo, progress, style
from vaecore.cli.job import width
from vaecore.cli.outputs import Outputs
from vaecore.errors import UsageError, printable
from vaecore.reading import check_files

BARS = 16
"""Number of bars that are shown at once."""

MOST_BARS = 1024
"""Largest number of bars that are drawn in one PNG."""


@click.command()
@options.one_input
@meter
@click.option(
    "--bar", type=click.IntRange(min=1), default=1, help=f"Show the {BARS} bars with this one."
)
@click.option("--all", "all_bars", is_flag=True, help=f"Show all bars, not {BARS} of them.")
@click.option("--tracks", is_flag=True, help="List the parts, and the uses of each.")
@click.option("--png", is_flag=True, help="Write a picture, INPUT.png, instead.")
@click.option("-o", "--output", type=options.FILE, help="Picture to write: .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="With --tracks: print the list as JSON.")
def show(
    input_: Path,
    bar: int,
    all_bars: bool,
    tracks: bool,
    png: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show a MIDI file as a piano roll in text, or as a picture; or list its parts."""
    if as_json and not tracks:
        raise UsageError("--json goes with --tracks")
    check_files([input_])
    from seqvae.music.reading.midi import read_score

    score = read_score(input_)
    if tracks:
        from seqvae.cli.parts import show_tracks

        show_tracks(input_, score, as_json)
        return
    from seqvae.cli.music import LONG
    from seqvae.music.presentation import grid_of_item, piano_roll, text_roll
    from seqvae.music.presentation.roll import PICTURES

    warn(score, input_)
    grid = grid_of_item(score)
    if bar > grid.bars:
        raise UsageError(f"--bar {bar}: {input_} has {grid.bars} bars")
    part = grid if all_bars else grid.lines(BARS)[(bar - 1) // BARS]
    last = part.first_bar + part.bars - 1
    name = style(input_.name, bold=True)
    echo(f"{name}  bars {part.first_bar}-{last} of {grid.bars}")
    if png or output:
        path = output or input_.with_suffix(".png")
        if path.suffix.lower() not in PICTURES:
            raise UsageError(f"{path}: a picture must end in {' or '.join(PICTURES)}")
        if part.bars > MOST_BARS:
            raise UsageError(f"--png draws at most {MOST_BARS} bars, not {part.bars}")
        with Outputs(path) as outputs:
            piano_roll(part, outputs.add(path))
        echo(path)
        return
    echo()
    # With several voices, eighths in place of sixteenths make the picture fit the terminal.
    even = not any(start % 2 for start in (*part.bar_starts, part.steps))
    small = part.bass and part.bars >= LONG and even
    echo(coloured(text_roll(part, width(), each=2 if small else 1, colour=True)))
    if last < grid.bars:
        echo(f"\nmore: --bar {last + 1}, or --all")


@click.command()
@options.one_input
@meter
@click.option(
    "-o", "--output", type=options.FILE, help="File to write: .wav, or .mp4 for a film. "
    "[default: INPUT.wav]",
)  # fmt: skip
@click.option("--soundfont", type=options.FILE, help=f"{SOUNDFONT}.")
@options.quiet
def render(input_: Path, output: Path | None, soundfont: Path | None, quiet: bool) -> None:
    """Render a MIDI file as sound, or as a film of its piano roll."""
    from seqvae.music.presentation import render as play
    from seqvae.music.presentation.film import write_song_film
    from seqvae.music.reading.midi import read_score
    from seqvae.music.reading.playing import playable

    check_files([input_])
    path = output or input_.with_suffix(".wav")
    film = path.suffix.lower() == FILM
    if not film and path.suffix.lower() != ".wav":
        raise UsageError(f"{path}: the output must end in .wav or {FILM}")
    score = read_score(input_, beats=False)
    warn(score, input_)
    item = playable(input_)
    seconds = item.get_end_time()
    with Outputs(path) as outputs:
        place = outputs.add(path)
        if film:
            title, shown = printable(input_.stem), progress("picture")
            seconds = write_song_film(item, score, place, title, soundfont=soundfont, shown=shown)
        else:
            play(item, place, soundfont=soundfont)
    if not quiet:
        echo(f"{style(path, bold=True)}  {seconds:.1f} s")
