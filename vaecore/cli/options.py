"""The options that verbs share, each defined once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vaecore.cli.dispatch import takes_job
from vaecore.errors import UsageError
from vaecore.seeds import check_seed

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FILE = click.Path(path_type=Path, readable=False)
"""A path that click does not check; its reader does."""
DIGITS = 40
"""Largest number of digits of a seed that are parsed."""
MANY = 1000
"""Largest number of results of one command."""


class Finite(click.FloatRange):
    """A finite number in a range; click's own range accepts `nan`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Seed(click.IntRange):
    """A seed, from 0 to 2**63 - 1."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            whole = len(text := str(value)) <= DIGITS and text.removeprefix("-").isdecimal()
            return check_seed(int(value) if whole else value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


inputs = click.argument("inputs", nargs=-1, required=True, type=FILE)
one_input = click.argument("input_", metavar="INPUT", type=FILE)

output = click.option("-o", "--output", type=FILE, help="File to write.")
model = click.option(
    "--model",
    help="A model that `models` lists, a model folder, or hf://OWNER/NAME on the Hugging Face hub.",
)
device = click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="Device to compute on: auto, cpu, cuda, cuda:N or mps.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")

steps = click.option(
    "--steps",
    type=click.IntRange(2, MANY),
    help="Number of results, both ends included.",
)
temperature = click.option(
    "--temperature",
    type=Finite(0, 10),
    default=0.0,
    show_default=True,
    help="Randomness of decoding. 0: the most likely result. 1: a draw from the distribution.",
)
seed = click.option(
    "--seed",
    type=Seed(),
    default=0,
    show_default=True,
    help="The same seed gives the same result.",
)


path = click.option(
    "--path",
    type=click.Choice(["slerp", "lerp", "flow"]),
    help="Path between codes: an arc (slerp), a straight line (lerp), or a curve through the "
    "model's prior, which stays near real examples (flow).",
)


timing = click.option(
    "--timing",
    type=click.Choice(["latent", "perceived"]),
    help="Steps of equal length in the latent space (latent), or of equal change in the results "
    "(perceived).",
)


def count(default: int) -> Decorator:
    """Return the option -n with a default."""
    kind = click.IntRange(1, MANY)
    text = "Number of results."
    return click.option("-n", "n", type=kind, default=default, show_default=True, help=text)


def _of_job(*added: Decorator) -> Decorator:
    """Return a decorator that adds options to a verb, which gets them in its `Job`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = takes_job(function)
        for option in added:
            function = option(function)
        return function

    return decorate


writes = _of_job(quiet, as_json, device, model, output)
"""The options of every verb that loads a model and writes a file."""
measures = _of_job(quiet, as_json, device)
"""The options of a verb that loads a model and prints."""
