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
"""A name; whoever reads the file says what is wrong with it."""
DIGITS = 40
"""At most so many digits of a seed are read."""
MANY = 1000
"""At most this many results of one command."""


class Finite(click.FloatRange):
    """A number in a range; `nan` is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Seed(click.IntRange):
    """A seed; see `vaecore.seeds`."""

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
    "--device", default="cpu", show_default=True, help="auto, cpu, cuda, cuda:N or mps."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")

steps = click.option(
    "--steps",
    type=click.IntRange(2, MANY),
    help="Number of results, both ends included.",
)
count = click.option(
    "-n", "n", type=click.IntRange(1, MANY), default=4, show_default=True, help="Number of results."
)
temperature = click.option(
    "--temperature",
    type=Finite(0, 10),
    default=0.0,
    show_default=True,
    help="0: the most likely result. 1: as varied as the model thinks real ones are.",
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
    help="From code to code on an arc (slerp), on a straight line (lerp), or on a curve that stays "
    "near real examples as the model's prior learned them (flow).",
)


def timing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that chooses what is even about the steps of a way."""
    return click.option(
        "--timing",
        type=click.Choice(["latent", "perceived"]),
        help="Steps of equal length in the latent space, or of equal change in what is decoded.",
    )(function)


def writes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every verb that loads a model and writes a file; it gets the `Job`."""
    function = takes_job(function)
    for option in (quiet, as_json, device, model, output):
        function = option(function)
    return function


def measures(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every verb that loads a model and prints; it gets the `Job`."""
    function = takes_job(function)
    for option in (quiet, as_json, device):
        function = option(function)
    return function
