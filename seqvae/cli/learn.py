"""Verbs to train one's own models: prepare and train."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqvae.cli.reading import GRID_NAMES, grid_name, signature
from seqvae.music.domain import DOMAIN as MUSIC
from vaecore.cli import learn, options
from vaecore.cli.echo import echo, style
from vaecore.cli.job import find_files
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBED = 20
"""Number of files that `prepare` reads to choose the representation of a folder."""


@click.command()
@options.inputs
@click.option("-o", "--output", type=options.FILE, required=True, help="Folder of shards to write.")
@click.option(
    "--representation",
    type=click.Choice(sorted(MUSIC.representations or ())),
    help="Representation of the music. [default: that of most files]",
)
@click.option(
    "--bars", type=click.IntRange(1, 64), help="Bars of a window. [default: 2; 16 for a trio]"
)
@click.option(
    "--grid",
    type=click.Choice(list(GRID_NAMES)),
    default="16",
    callback=grid_name,
    show_default=True,
    help="Steps of a bar: 16 for 4/4; 12 for 3/4, 6/8, 12/8, and 4/4 in triplets.",
)
@click.option(
    "--voices",
    metavar="REGEX",
    help="Use only tracks whose names match; a file without such tracks is used as a whole.",
)
@click.option(
    "--two-four",
    is_flag=True,
    help="Read two bars of 2/4 as one of 4/4, also 6/4 as 3/4, and 3/8 and 9/8 as 6/8.",
)
@click.option("--meter", callback=signature, help="Read all files in this meter, such as 4/4.")
@click.option("--strict", is_flag=True, help="Leave out files whose music is very short or sparse.")
@click.option(
    "--group",
    type=click.Choice(["file", "folder"]),
    default="file",
    show_default=True,
    help="Keep all windows of a file, or of a folder, in the same split.",
)
@click.option("--workers", type=click.IntRange(1), help="Number of processes. [default: cores]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Read on a Dask cluster: tcp://HOST:PORT."
)  # fmt: skip
@click.option(
    "--time-limit",
    type=options.Finite(min=0.01),
    default=20.0,
    show_default=True,
    help="Longest time to read one file, in seconds.",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Largest memory to read one file, in megabytes.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing shards.")
@options.seed
@options.as_json
@options.quiet
def prepare(
    inputs: tuple[Path, ...],
    output: Path,
    representation: str | None,
    bars: int | None,
    grid: str,
    strict: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Turn folders of MIDI files into shards, the files that `train` reads.

    An interrupted run continues when the same command is started again.
    """
    learn.need("pyarrow")
    from seqvae.music.data.prepare import prepare
    from seqvae.music.representations import make_codec

    begin = time.monotonic()

    kind = representation or _most(inputs)
    bars = bars or make_codec({"name": kind}).bars
    summary = prepare(
        inputs,
        output,
        {"name": kind, "bars": bars} | ({} if grid == "16" else {"grid": grid}),
        relaxed=not strict,
        progress=not (as_json or quiet),
        **settings,
    )
    seconds = round(time.monotonic() - begin, 1)
    if as_json:
        report = {"verb": "prepare", "output": str(output), **asdict(summary), "seconds": seconds}
        echo(json.dumps(report))
    elif not quiet:
        echo(f"{style(kind, bold=True)}  windows of {bars} bars\n")
        echo(summary.table())
        echo(f"\n{style(output, bold=True)}  in {seconds:g} s")
        echo(f"  next: seqvae train --data {output}")


@click.command()
@click.argument("texts", nargs=-1, type=options.FILE, metavar="[TEXT.txt...]")
@click.option("--data", type=options.FILE, help="Shards made by `prepare`.")
@click.option(
    "--representation",
    type=click.Choice(["text"]),
    help="Train on text files, with one sentence per line. [default: if TEXT is given]",
)
@learn.training_options("A recipe, such as drums_2bar. [default: by the data]")
def train(
    request: learn.TrainingRequest,
    texts: tuple[Path, ...],
    data: Path | None,
    representation: str | None,
) -> None:
    """Train a model on shards of music, or on text files.

    Choose a shipped recipe (--preset) or your own (--config), and change it with --set. Ctrl-C
    saves and ends; --resume -o FOLDER continues. To train with several processes:
    torchrun --nproc-per-node 2 -m seqvae.cli train ...
    """
    if bool(texts) == (data is not None):
        raise UsageError("train needs --data SHARDS, or text files" + " and not both" * bool(texts))
    if representation and not texts:
        raise UsageError(f"--representation {representation} needs text files")
    learn.need(*learn.NEEDED, *(() if texts else ("pyarrow",)))
    if data is None:
        _train_text(request, texts)
    else:
        _train_music(request, data)


def _train_music(request: learn.TrainingRequest, data: Path) -> None:
    from seqvae.music import train as training
    from seqvae.music.data.shards import read_summary
    from seqvae.music.presets import Preset

    summary = read_summary(data)
    of = summary["representation"]
    ternary = "_ternary" if of.get("grid") == "12" else ""
    preset = request.recipe(Preset, f"{of['name']}_{of['bars']}bar{ternary}")
    place = request.place(preset)
    windows = summary["windows"]
    request.begin(
        preset, f"{data}: {windows['train']:,} windows, {windows['validation']:,} to validate"
    )
    result = training.train(preset, data, place, **request.options)
    request.end("seqvae", preset, place, result)


def _train_text(request: learn.TrainingRequest, texts: Sequence[Path]) -> None:
    from seqvae.text import train as training
    from seqvae.text.data import read_sentences, split
    from seqvae.text.presets import Preset

    parts = split(read_sentences(texts))
    preset = request.recipe(Preset, "sentences")
    place = request.place(preset)
    request.begin(preset, f"{len(parts.train):,} sentences, {len(parts.validation):,} to validate")
    result = training.train(preset, texts, place, **request.options)
    request.end("seqvae", preset, place, result)


def _most(inputs: Sequence[Path]) -> str:
    """Return the representation of most of the first files."""
    from seqvae.music.representations import CODECS, DrumCodec, detect

    kinds: Counter[str] = Counter()
    for path in find_files(inputs, DrumCodec.suffixes)[:PROBED]:
        try:
            kind = detect(path).kind
            kinds[CODECS[kind].prepared_as or kind] += 1
        except DataError:
            continue
    if not kinds:
        raise DataError("no usable MIDI file", path=inputs[0], remedy="choose --representation")
    return kinds.most_common(1)[0][0]
