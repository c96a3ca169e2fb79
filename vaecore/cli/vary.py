"""Verbs about one item at a time: sample, reconstruct, edit and similar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.job import Job, flat
from vaecore.cli.presentation import Result
from vaecore.codec import Example
from vaecore.errors import UsageError, printable

if TYPE_CHECKING:
    from vaecore.calibrated import Steered
    from vaecore.space import LatentSpace


@click.command()
@options.count(8)
@click.option(
    "--temperature",
    type=options.Finite(0, 10),
    help="Randomness of the results: below 1 more typical, above 1 more unusual.",
)
@click.option(
    "--prior",
    type=click.Choice(["normal", "mixture", "flow"]),
    help="Draw codes from N(0, I) (normal), or from the prior fitted to the codes of real examples "
    "(mixture, flow). [default: the fitted one, if the model has one]",
)
@click.option(
    "--keep-all",
    is_flag=True,
    help="Take every draw as it comes. By default, results that are empty, nearly empty or chaotic "
    "are drawn again, and of faces the best of eight draws is kept.",
)
@options.seed
@options.writes
def sample(
    job: Job, n: int, temperature: float | None, prior: str | None, keep_all: bool, seed: int
) -> None:
    """Invent something new.

    With the same seed, the first eight results of -n 16 are those of -n 8.
    """
    place = job.place()
    space = job.presentation.limited(job.load().as_examples(), (), job.options)
    temperature = space.codec.default_temperature if temperature is None else temperature
    draws = space.draw(n, temperature, seed, prior, keep_all)
    job.echo(f"  {draws.text}." if draws.text else "")
    job.write(
        Result(job.verb, space.codec, [[Example(x) for x in draws.x]], [""] * n),
        place,
        f"{n} samples",
        {
            "n": n,
            "temperature": temperature,
            "prior": prior,
            "seed": seed,
            "drawn_again": draws.again,
            "still_poor": draws.poor,
        },
    )


@click.command()
@options.inputs
@options.temperature
@options.seed
@options.writes
def reconstruct(job: Job, inputs: tuple[Path, ...], temperature: float, seed: int) -> None:
    """Encode and decode inputs, to show what the model keeps of them."""
    place = job.place(inputs)
    space, rounds = job.space_and_rounds(inputs)
    originals = [source.example for sources in rounds for source in sources]
    every = space.reconstruct(originals, temperature, seed)
    made = [every[k : k + len(inputs)] for k in range(0, len(every), len(inputs))]
    import torch

    x, y = (torch.stack([each.x for each in side]) for side in (originals, every))
    text, kept = job.presentation.fidelity(space.codec, x, y)
    titles = [printable(path.stem) for path in inputs]
    job.write(
        Result(job.verb, space.codec, made, titles, originals=originals),
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
    help="Attribute and strength, from -100 to 100; negative to take it away. May be repeated.",
)
@click.option(
    "--vectors",
    multiple=True,
    type=options.FILE,
    help="A file of `attribute`, with an attribute of your own; may be repeated.",
)
@click.option(
    "--sweep",
    metavar="FROM:TO:STEPS",
    help="A series of results: AMOUNT times STEPS factors from FROM to TO, such as -2:2:7. Several "
    "--add are varied one after the other.",
)
@options.temperature
@options.seed
@options.writes
def edit(
    job: Job,
    input_: Path,
    changes: tuple[str, ...],
    vectors: tuple[Path, ...],
    sweep: str | None,
    temperature: float,
    seed: int,
) -> None:
    """Change a property of an input: --add NAME=1.

    `models` lists the attributes of each model. 1 is a clear change, -1 takes as much away.
    """
    amounts = _amounts(changes)
    times = _times(sweep, len(amounts)) if sweep is not None else []
    from vaecore.cli.vectors import load_vectors

    place = job.place([input_])
    read = job.read([input_])
    space = job.load(read).as_examples()
    for file in vectors:
        space.attributes.update(load_vectors(file, space))
    _check_attributes(job, space, amounts)
    space, rounds = job.take(space, read)
    originals = [sources[0].example for sources in rounds]
    plans = [
        {name: round(time * amount, 6) + 0.0} for name, amount in amounts.items() for time in times
    ] or [amounts]
    # The reconstruction (no change) comes last: draws depend on the index.
    import torch

    steered = [space.steered(item, [*plans, {}]) for item in originals]
    made = [
        space.decode(
            torch.stack([each.z for each in found]), temperature, seed, [item.context] * len(found)
        )
        for item, found in zip(originals, steered, strict=True)
    ]
    titles = [" ".join(f"{name}{amount:+g}" for name, amount in plan.items()) for plan in plans]
    result = Result(
        job.verb,
        space.codec,
        [items[:-1] for items in made],
        titles,
        columns=len(times) or None,
        originals=originals,
        kept=[items[-1] for items in made],
    )
    added = " ".join(f"{name}{amount:+g}" for name, amount in amounts.items())
    job.write(
        result,
        place,
        f"{added}, {sweep.replace(':', ' to ', 1).partition(':')[0]} times" if sweep else added,
        {
            "add": amounts,
            **({"sweep": times} if sweep else {}),
            **_reached(steered),
            "temperature": temperature,
            "seed": seed,
            "windows": flat(rounds),
        },
    )
    for found in steered:
        for title, each in zip(titles, found, strict=False):
            if each.missed():
                job.echo(shortfall(title, each))


@click.command()
@options.one_input
@options.count(4)
@click.option(
    "--amount",
    type=options.Finite(0, 1),
    default=0.3,
    show_default=True,
    help="How much to change: 0 gives the reconstruction, 1 something new.",
)
@options.temperature
@options.seed
@options.writes
def similar(job: Job, input_: Path, n: int, amount: float, temperature: float, seed: int) -> None:
    """Make variations of an input."""
    place = job.place([input_])
    space, rounds = job.space_and_rounds([input_])
    originals = [sources[0].example for sources in rounds]
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


def shortfall(title: str, found: Steered) -> str:
    """Return the line for an edit that missed its aim."""
    if len(found.unmoved()) == len(found.reached):
        return f"{title} changed nothing: the input cannot go further."
    reached = " ".join(f"{name}{amount:+.2g}" for name, amount in found.reached.items())
    return f"{title} was reached in part only: {reached}; it cannot go further."


def _reached(steered: Sequence[Sequence[Steered]]) -> dict[str, Any]:
    """Return the changes that edits reached, for `--json`: for each input, of each edit by name."""
    rows = [
        [{name: round(value, 3) for name, value in each.reached.items()} for each in found[:-1]]
        for found in steered
    ]
    return {"reached": rows} if any(each for row in rows for each in row) else {}


def _amounts(changes: tuple[str, ...]) -> dict[str, float]:
    """Return amounts by name; repeated names add up.

    Raises:
        UsageError: A text is not NAME=AMOUNT, or an amount is out of range.
    """
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


def _check_attributes(job: Job, space: LatentSpace[Any], names: Iterable[str]) -> None:
    """Check that the model has the attributes.

    Raises:
        UsageError: It lacks one; the message names shipped models that have it.
    """
    from vaecore.attributes import unknown

    for name in names:
        if name in space.attributes:
            continue
        others = job.domain.shipped_with(name)
        remedy = f"; --model {' or '.join(others)} has it" if others else ""
        raise unknown(name, space.attributes, remedy)


def _times(sweep: str, attributes: int) -> list[float]:
    """Return the factors of a text such as "-2:2:7".

    Raises:
        UsageError: The text has another form, or a number is out of range.
    """
    try:
        first, last, steps = sweep.split(":")
        low, high, count = float(first), float(last), int(steps)
        usable = abs(low) <= 100 and abs(high) <= 100 and 2 <= count <= options.MANY // attributes
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"--sweep {sweep}: expected FROM:TO:STEPS, such as -2:2:7, from -100 to 100"
        )
    return [round(low + (high - low) * k / (count - 1), 6) for k in range(count)]
