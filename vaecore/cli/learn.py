"""The shared part of the verbs `train`: options, recipe, folder and report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.echo import echo, style
from vaecore.errors import DataError, UsageError
from vaecore.training.ranks import here

if TYPE_CHECKING:
    from vaecore.presets import Preset, Recipe
    from vaecore.training import FitResult

NEEDED = ("lightning", "pydantic", "yaml", "tensorboard")
"""Packages that every training imports beside torch."""


@dataclass(frozen=True)
class TrainingRequest:
    """The shared options of `train`; `changes` is --set, `start` is --from.

    Raises:
        UsageError: --resume comes together with another recipe, or without a folder.
    """

    preset: str | None
    config: Path | None
    changes: tuple[str, ...]
    output: Path | None
    minutes: float | None
    start: str | None
    resume: bool
    seed: int | None
    device: str | None
    as_json: bool
    quiet: bool

    def __post_init__(self) -> None:
        if self.resume and (self.preset or self.config or not self.output):
            raise UsageError("--resume takes the recipe of the folder that -o names, and no other")

    @property
    def verbose(self) -> bool:
        """Whether this process prints text and progress."""
        return here().first and not (self.as_json or self.quiet)

    def recipe(self, kind: type[Recipe], start: str = "") -> Recipe:
        """Return the recipe of --preset, or the first one whose name begins with `start`.

        Raises:
            UsageError: There are several recipes, and none of that name.
            DataError: --resume names a folder without a checkpoint.
        """
        from vaecore.presets import CHECKPOINT, RECIPE, preset_names

        file = self.config or kind.shipped
        if self.resume and self.output:
            file = self.output / RECIPE
            if not (self.output / CHECKPOINT).exists():
                remedy = "leave out --resume to begin anew, or name another folder with -o"
                problem = "has no checkpoint to resume from"
                raise DataError(problem, path=self.output, remedy=remedy)
        names = preset_names(file)
        only = names[0] if len(names) == 1 else None
        name = self.preset or only or next((name for name in names if name.startswith(start)), None)
        if name is None:
            raise UsageError(f"choose a --preset of {', '.join(names)}")
        given = {"max_minutes": self.minutes, "seed": self.seed, "accelerator": self.device}
        short = [f"training.{key}={value}" for key, value in given.items() if value is not None]
        return kind.load(name, [*self.changes, *short], file)

    def place(self, preset: Preset) -> Path:
        """Return the model folder to write.

        A folder of a training that ended before its first checkpoint is used again.

        Raises:
            UsageError: The folder has another training, or another model.
        """
        from vaecore.config import CONFIG
        from vaecore.folder import CARD
        from vaecore.presets import CHECKPOINT, RECIPE

        place = self.output or Path("runs") / preset.name
        # Only the first process checks: it may have created the folder before the others look.
        if not self.resume and here().first:
            begun, other = (place / RECIPE).exists(), (place / CONFIG).exists()
            if (begun and any((place / name).exists() for name in (CHECKPOINT, CARD))) or (
                other and not begun
            ):
                text = f"{place} is there already; go on with --resume, or choose another -o"
                raise UsageError(text)
        return place

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of the domains' `train`."""
        return {"start": self.start, "resume": self.resume, "progress": self.verbose}

    def echo(self, text: str) -> None:
        """Print a line for people."""
        if self.verbose:
            echo(text)

    def begin(self, preset: Preset, about: str) -> None:
        """Print the recipe, and a line about the data."""
        self.echo(f"{style(preset.name, bold=True)}  {preset.description}")
        self.echo(f"  {about}")

    def end(
        self,
        command: str,
        preset: Preset,
        place: Path,
        result: FitResult,
        headline: tuple[str, str] = ("validation/loss", "loss {:.2f} nats"),
        **more: Any,
    ) -> None:
        """Report the training, as text or as JSON.

        Args:
            command: Name of the domain's command.
            preset: The recipe.
            place: The model folder.
            result: How it ended.
            headline: The metric to print of the best validation, and its format.
            more: Further facts for JSON.
        """
        if self.as_json and here().first:
            facts = {**asdict(result), "checkpoint": str(result.checkpoint), **more}
            about = {"verb": "train", "output": str(place), "preset": preset.name}
            echo(json.dumps({**about, **facts}))
        self.echo(style(place, bold=True))
        metric, shape = headline
        best = shape.format(result.best.get(metric, float("nan")))
        self.echo(
            f"  {result.steps:,} steps in {result.minutes:.1f} minutes ({result.stopped}) "
            f"· best at {result.best_step:,}: {best}"
        )
        self.echo(f"  use it: {command} sample --model {place}")


_OPTIONS = (
    click.option("--config", type=options.FILE, help="A YAML file with recipes of your own."),
    click.option(
        "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting of the "
        "recipe, such as training.max_steps=1000 or objective.beta=0.5; may be repeated.",
    ),
    click.option(
        "-o", "--output", type=options.FILE, help="Model folder. [default: runs/PRESET]"
    ),
    click.option(
        "--minutes", type=options.Finite(min=0, min_open=True),
        help="Time limit in minutes; a cosine learning rate ends with it. [default: the recipe's]",
    ),
    click.option("--from", "start", help="Begin with the weights of this model or model folder."),
    click.option(
        "--resume", is_flag=True, help="Continue the training in the output folder."
    ),
    click.option(
        "--seed", type=options.Seed(),
        help="Seed of weights, batches and noise. [default: the recipe's]",
    ),
    click.option(
        "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        help="Device to train on. [default: the recipe's]",
    ),
    options.as_json,
    options.quiet,
)  # fmt: skip


def training_options(preset_help: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the options of a training.

    The decorated function is called as `function(request, **its other options)`.

    Args:
        preset_help: Help text of --preset.
    """
    names = set(TrainingRequest.__dataclass_fields__)

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def run(**values: Any) -> None:
            request = TrainingRequest(**{name: values.pop(name) for name in names})
            function(request, **values)

        for option in reversed((click.option("--preset", help=preset_help), *_OPTIONS)):
            run = option(run)
        return run

    return decorate


def need(*packages: str) -> None:
    """Check that packages are installed.

    Raises:
        DataError: One is not; the remedy names the extra that has it.
    """
    missing = [name for name in packages if not find_spec(name)]
    if missing:
        raise DataError(f"this needs {missing[0]}", remedy="pip install 'seqvae[train]'")
