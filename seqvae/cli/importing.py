"""The verb `import`: models that Magenta trained."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vaecore.cli import options
from vaecore.cli.echo import echo, style


@click.command("import")
@click.argument("checkpoint", type=options.FILE)
@click.option(
    "--config", metavar="NAME", help="Magenta's name of the configuration, as hierdec-mel_16bar."
)
@click.option("-o", "--output", type=options.FILE, help="Model folder to write. [default: NAME]")
@click.option(
    "--drum-table",
    type=click.Choice(["2018", "2019"]),
    help="Magenta's table of drum pitches: that until April 2019, or the later one. "
    "[default: 2018 for the released archives and magenta.js, else 2019]",
)
@click.option(
    "--bars", type=click.IntRange(1, 64), help="Bars of a window. [default: that of --config]"
)
@options.as_json
@options.quiet
def import_(
    checkpoint: Path,
    config: str | None,
    output: Path | None,
    drum_table: str | None,
    bars: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Convert a checkpoint of Magenta's MusicVAE or GrooVAE to a model folder.

    CHECKPOINT is one of TensorFlow (the files' name without .index, their folder, or the released
    .tar), or a folder of magenta.js, which needs no --config. TensorFlow is not needed. All
    commands then work with --model FOLDER.
    """
    from seqvae.music.magenta.importing import import_checkpoint

    place = output or Path(config or checkpoint.resolve().name)
    facts = import_checkpoint(checkpoint, place, config, drum_table, bars)
    if as_json:
        echo(json.dumps({"verb": "import", "output": str(place), **facts}))
    elif not quiet:
        echo(f"{style(place, bold=True)}  {facts['description']}")
        echo(f"  {facts['weights']:,} weights, all names and shapes as expected")
        echo(f"  use it: seqvae sample --model {place}")
