"""Verbs about one item at a time: sample, reconstruct, edit and similar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vaecore.cli import options
from vaecore.cli.job import Job, flat
from vaecore.cli.presentation import Result
from vaecore.errors import UsageError


@click.command()
@click.option(
    "-n", "n", type=click.IntRange(1, options.MANY), default=8, show_default=True, help="How many."
)
@click.option(
    "--temperature",
    type=options.Finite(0, 10),
    default=1.0,
    show_default=True,
    help="Below 1 safer, above 1 wilder.",
)
@click.option(
    "--prior",
    type=click.Choice(["normal", "mixture"]),
    help="Where codes are drawn from: N(0, I), or a mixture fitted to real ones, which is the "
    "default where the model has one.",
)
@options.seed
@options.writes
def sample(job: Job, n: int, temperature: float, prior: str | None, seed: int) -> None:
    """Invent something new."""
    place = job.place()
    space = job.load()
    made = [space.sample(n, temperature, seed, prior)]
    job.write(
        Result(job.verb, space.codec, made, [""] * n),
        place,
        f"{n} samples",
        {"n": n, "temperature": temperature, "prior": prior, "seed": seed},
    )


@click.command()
@options.one_input
@options.temperature
@options.seed
@options.writes
def reconstruct(job: Job, input_: Path, temperature: float, seed: int) -> None:
    """Show what the model keeps of an input."""
    place = job.place([input_])
    space = job.load([input_])
    rounds = job.sources(space.codec, [input_])
    originals = [sources[0].item for sources in rounds]
    import torch

    x = torch.stack([space.codec.encode(item) for item in originals])
    y = space.decode_to_examples(space.posterior_of(x).mean, temperature, seed)
    made = [
        [space.codec.decode(row, space.codec.context(item))]
        for row, item in zip(y, originals, strict=True)
    ]
    text, kept = job.presentation.fidelity(x, y)
    job.write(
        Result(job.verb, space.codec, made, [input_.stem], originals=originals),
        place,
        text,
        {"temperature": temperature, "seed": seed, "windows": flat(rounds), **kept},
    )


@click.command()
@options.one_input
@click.option(
    "--add",
    "changes",
    multiple=True,
    required=True,
    metavar="NAME=AMOUNT",
    help="Attribute and how much of it to add; may be given again. Negative amounts take away.",
)
@click.option(
    "--vectors",
    multiple=True,
    type=options.FILE,
    help="A file of the `attribute` verb, with attributes of your own; may be given again.",
)
@options.temperature
@options.seed
@options.writes
def edit(
    job: Job,
    input_: Path,
    changes: tuple[str, ...],
    vectors: tuple[Path, ...],
    temperature: float,
    seed: int,
) -> None:
    """Change a property of an input: --add note_density=1.

    The names that a model knows are listed by `models`; -1 takes away as much as 1 adds.
    """
    from vaecore.cli.vectors import load_vectors

    amounts = _amounts(changes)
    place = job.place([input_])
    space = job.load([input_])
    for file in vectors:
        space.attributes.update(load_vectors(file, space))
    rounds = job.sources(space.codec, [input_])
    originals = [sources[0].item for sources in rounds]
    made = [[space.edit(item, amounts, temperature, seed)] for item in originals]
    title = " ".join(f"{name}{amount:+g}" for name, amount in amounts.items())
    job.write(
        Result(job.verb, space.codec, made, [title], originals=originals),
        place,
        title,
        {"add": amounts, "temperature": temperature, "seed": seed, "windows": flat(rounds)},
    )


@click.command()
@options.one_input
@options.count
@click.option(
    "--amount",
    type=options.Finite(0, 1),
    default=0.3,
    show_default=True,
    help="How far to go: 0 is the input itself, 1 something new.",
)
@options.temperature
@options.seed
@options.writes
def similar(job: Job, input_: Path, n: int, amount: float, temperature: float, seed: int) -> None:
    """Vary an input."""
    place = job.place([input_])
    space = job.load([input_])
    rounds = job.sources(space.codec, [input_])
    originals = [sources[0].item for sources in rounds]
    made = [space.similar(item, n, amount, seed, temperature) for item in originals]
    job.write(
        Result(job.verb, space.codec, made, [""] * n, originals=originals),
        place,
        f"{n} variations",
        {
            "n": n,
            "amount": amount,
            "temperature": temperature,
            "seed": seed,
            "windows": flat(rounds),
        },
    )


def _amounts(changes: tuple[str, ...]) -> dict[str, float]:
    """Return amounts by name; a name given twice counts twice."""
    amounts: dict[str, Any] = {}
    for change in changes:
        name, _, number = change.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not name or not abs(value) <= 100:
            raise UsageError(f"--add {change}: expected NAME=AMOUNT, an amount from -100 to 100")
        amounts[name] = amounts.get(name, 0.0) + value
    return amounts
