"""Verbs for models of one's own: prepare and train."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.job import find_files
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBED = 20
"""Files that are looked at to find out what a folder holds."""


@click.command()
@options.inputs
@click.option("-o", "--output", type=options.FILE, required=True, help="Folder of shards to make.")
@click.option(
    "--representation",
    type=click.Choice(["drums", "melody"]),
    help="What to take from the files. [default: what most of them are]",
)
@click.option("--bars", type=click.IntRange(1, 64), default=2, show_default=True, help="Window.")
@click.option("--voices", metavar="REGEX", help="Take only tracks of such names, where there are.")
@click.option("--strict", is_flag=True, help="Leave out music too short or too sparse.")
@click.option(
    "--group",
    type=click.Choice(["file", "folder"]),
    default="file",
    show_default=True,
    help="What is never divided between training and test.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes. [default: all cores]")
@click.option("--overwrite", is_flag=True, help="Replace shards that are there.")
@options.seed
@options.as_json
@options.quiet
def prepare(
    inputs: tuple[Path, ...],
    output: Path,
    representation: str | None,
    bars: int,
    strict: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Turn folders of MIDI files into shards to train on."""
    _need("pyarrow")
    from seqvae.data.prepare import prepare

    kind = representation or _most(inputs)
    summary = prepare(
        inputs,
        output,
        {"name": kind, "bars": bars},
        relaxed=not strict,
        progress=not (as_json or quiet),
        **settings,
    )
    if as_json:
        click.echo(json.dumps({"verb": "prepare", "output": str(output), **asdict(summary)}))
    elif not quiet:
        click.echo(f"{click.style(kind, bold=True)}  windows of {bars} bars\n")
        click.echo(summary.table())
        click.echo(f"\n{click.style(str(output), bold=True)}")
        click.echo(f"  next: seqvae train --data {output}")


@click.command()
@click.option("--preset", help="A recipe, such as drums_2bar. [default: by the data]")
@click.option("--config", type=options.FILE, help="A YAML file of recipes instead of the shipped.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the recipe: "
    "training.max_steps=1000, objective.beta=0.5; may be given again.",
)  # fmt: skip
@click.option("--data", type=options.FILE, required=True, help="Shards made by `prepare`.")
@click.option("-o", "--output", type=options.FILE, help="Model folder. [default: runs/PRESET]")
@click.option("--minutes", type=options.Finite(min=0, min_open=True), help="Time to train.")
@click.option("--from", "start", help="Begin with the weights of this model.")
@click.option("--resume", is_flag=True, help="Go on with the training in the output folder.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of weights and batches.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), help="Where.")
@options.as_json
@options.quiet
def train(
    preset: str | None,
    config: Path | None,
    changes: tuple[str, ...],
    data: Path,
    output: Path | None,
    minutes: float | None,
    start: str | None,
    resume: bool,
    seed: int | None,
    device: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a model on shards.

    The recipe is one of the box (--preset), your own (--config), or a changed one (--set).
    Ctrl-C saves and ends; --resume -o FOLDER goes on from there.
    """
    _need("lightning", "pyarrow", "pydantic", "yaml", "tensorboard")
    from seqvae import train as training
    from seqvae.data.shards import read_summary
    from seqvae.presets import PRESETS, load_preset, preset_names

    if resume and (preset or config or not output):
        raise UsageError("--resume takes the recipe of the folder that -o names, and no other")
    file = output / training.RECIPE if resume else config or PRESETS
    names = preset_names(file)
    summary = read_summary(data)
    if preset is None:
        kind = summary["representation"]["name"]
        fitting = [name for name in names if len(names) == 1 or name.startswith(f"{kind}_")]
        if not fitting:
            raise UsageError(f"choose a --preset of {', '.join(names)}")
        preset = fitting[0]
    given = {"max_minutes": minutes, "seed": seed, "accelerator": device}
    short = [f"training.{key}={value}" for key, value in given.items() if value is not None]
    recipe = load_preset(preset, [*changes, *short], file)
    place = output or Path("runs") / preset
    if (place / training.RECIPE).exists() and not resume:
        raise UsageError(f"{place} is there already; go on with --resume, or choose another -o")
    if not (as_json or quiet):
        windows = summary["windows"]
        click.echo(f"{click.style(preset, bold=True)}  {recipe.description}")
        click.echo(f"  {data}: {windows['train']:,} windows, {windows['validation']:,} to validate")
    result = training.train(
        recipe, data, place, start=start, resume=resume, progress=not (as_json or quiet)
    )
    if as_json:
        facts = {**asdict(result), "checkpoint": str(result.checkpoint)}
        click.echo(json.dumps({"verb": "train", "output": str(place), "preset": preset, **facts}))
    elif not quiet:
        click.echo(f"{click.style(str(place), bold=True)}")
        loss = result.best.get("validation/loss", float("nan"))
        click.echo(
            f"  {result.steps:,} steps in {result.minutes:.1f} minutes ({result.stopped}) "
            f"· best at {result.best_step:,}: loss {loss:.2f} nats"
        )
        click.echo(f"  use it: seqvae sample --model {place}")


def _need(*packages: str) -> None:
    missing = [name for name in packages if not find_spec(name)]
    if missing:
        raise DataError(f"this needs {missing[0]}", remedy="pip install 'seqvae[train]'")


def _most(inputs: Sequence[Path]) -> str:
    """Return whether most of the first files are drums or melodies."""
    from seqvae.codecs import DrumCodec, detect

    kinds: Counter[str] = Counter()
    for path in find_files(inputs, DrumCodec.suffixes)[:PROBED]:
        try:
            kinds[detect(path).kind] += 1
        except DataError:
            continue
    if not kinds:
        raise DataError("no usable MIDI file", path=inputs[0], remedy="choose --representation")
    return kinds.most_common(1)[0][0]
