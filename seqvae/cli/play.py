"""Verbs for drum performances: humanize and drumify."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from vaecore.cli import options
from vaecore.cli.job import Job
from vaecore.cli.presentation import Result
from vaecore.codec import Example
from vaecore.errors import DataError

MODEL = "groove_2bar"
"""The default model of both."""

temperature = click.option(
    "--temperature",
    type=options.Finite(0, 10),
    default=0.5,
    show_default=True,
    help="0: the most typical feel. 1: as varied as drummers play.",
)


@click.command()
@options.one_input
@temperature
@options.seed
@options.writes
def humanize(job: Job, input_: Path, temperature: float, seed: int) -> None:
    """Give a stiff beat a drummer's feel: the same hits, with new velocities and timing."""
    _play(job, input_, "humanize", "humanized", temperature, seed)


@click.command()
@options.one_input
@temperature
@options.seed
@options.writes
def drumify(job: Job, input_: Path, temperature: float, seed: int) -> None:
    """Make drums from a tapped rhythm, or from the rhythm of any part."""
    _play(job, input_, "drumify", "drums", temperature, seed)


def _play(
    job: Job,
    input_: Path,
    function: str,
    title: str,
    temperature: float,
    seed: int,
) -> None:
    """Perform the whole input with a function of `groove.feel`, and write the result."""
    place = job.place([input_])
    read = job.read([input_])
    job.model = job.model or MODEL
    space = job.load(read)
    import torch

    from seqvae.music.representations import GrooveCodec
    from seqvae.music.representations.groove import feel
    from seqvae.music.representations.groove.performance import blocks

    score = read[0].content.score
    played = Example(*getattr(feel, function)(space, score, temperature, seed))
    of_model = cast("GrooveCodec", space.codec)
    try:
        given, context = of_model.whole(score)
    except DataError:  # no drums: a rhythm of another instrument
        given, context = of_model.taps(score)
    codec = GrooveCodec(len(played.x) // of_model.steps_per_bar)
    hits, velocity, offset = (each.double() for each in blocks(played.x))
    count = int(hits.sum())
    # Magenta's models give velocities and timings also without a hit.
    loudness = 127 * float((hits * velocity).sum()) / max(count, 1)
    late = -float((hits * offset).sum()) / 2 / max(count, 1) * 15_000 / played.context.tempo_bpm
    job.write(
        Result(
            job.verb,
            codec,
            [[played]],
            [title],
            originals=[Example(torch.from_numpy(given), context)],
        ),
        place,
        f"{count} hits · mean velocity {loudness:.0f}",
        {
            "input": str(input_),
            "hits": count,
            "mean_velocity": round(loudness, 1),
            "mean_lateness_ms": round(late, 2),
            "temperature": temperature,
            "seed": seed,
        },
    )
