"""Verbs for drum performances: humanize and drumify."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.job import Job, check_files
from vaecore.cli.presentation import Result

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations import Context

MODEL = "groove_2bar"
"""The model in the box for both."""

temperature = click.option(
    "--temperature",
    type=options.Finite(0, 10),
    default=0.5,
    show_default=True,
    help="0: as most would play it. 1: as varied as drummers are.",
)


@click.command()
@options.one_input
@temperature
@options.seed
@options.writes
def humanize(job: Job, input_: Path, temperature: float, seed: int) -> None:
    """Give a stiff beat a drummer's feel: its hits stay, velocities and timing are new."""
    from seqvae.music.reading.midi import read_score

    check_files([input_])
    read_score(input_)  # what is broken is answered before torch is imported

    def play(*args: Any) -> tuple[Tensor, Context]:
        from seqvae.music.representations.groove.feel import humanize

        return humanize(*args)

    _play(job, input_, temperature, seed, play, "humanized")


@click.command()
@options.one_input
@temperature
@options.seed
@options.writes
def drumify(job: Job, input_: Path, temperature: float, seed: int) -> None:
    """Make drums of a tapped rhythm, or of the rhythm of any part."""
    from seqvae.music.reading.midi import read_score

    check_files([input_])
    read_score(input_)

    def play(*args: Any) -> tuple[Tensor, Context]:
        from seqvae.music.representations.groove.feel import drumify

        return drumify(*args)

    _play(job, input_, temperature, seed, play, "drums")


def _play(
    job: Job,
    input_: Path,
    temperature: float,
    seed: int,
    play: Callable[..., tuple[Tensor, Context]],
    title: str,
) -> None:
    """Play the whole input, and write it.

    Args:
        job: What was asked for.
        input_: The input.
        temperature: Of the draws.
        seed: Of the draws.
        play: Returns a performance.
        title: What to call the result.
    """
    place = job.place([input_])
    job.model = job.model or MODEL
    space = job.load([input_])
    x, context = play(space, input_, temperature, seed)
    from pretty_midi import PrettyMIDI

    from seqvae.music.representations import GrooveCodec
    from seqvae.music.representations.groove.performance import blocks

    codec = GrooveCodec(len(x) // space.codec.steps_per_bar)
    hits, velocity, offset = (each.double() for each in blocks(x))
    count = int(hits.sum())
    loudness = 127 * float(velocity.sum()) / max(count, 1)
    late = -float(offset.sum()) / 2 / max(count, 1) * 15_000 / context.tempo_bpm
    job.write(
        Result(
            job.verb,
            codec,
            [[codec.decode(x, context)]],
            [title],
            originals=[PrettyMIDI(str(input_))],
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
