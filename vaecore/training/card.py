"""The model card of a trained model: its data, measured quality and recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from vaecore.config import ModelConfig
from vaecore.presets import RECIPE

FACTS = {"preset", "recipe", "best", "steps", "minutes", "prior", "start", "sources"}
"""Entries of `training` in config.json that have places of their own; the others describe data."""


def model_card(
    config: ModelConfig,
    model: nn.Module,
    prior: str,
    command: str,
    measured: int | None = None,
) -> str:
    """Return the README.md of a model folder.

    Args:
        config: Configuration of the model, with the best validation.
        model: The network, whose weights are counted.
        prior: Kind of the fitted prior: "mixture" or "flow".
        command: The command that trains it again, without -o and --config.
        measured: Number of examples of the validation.
    """
    return "\n".join(_lines(config, model, prior, command, measured)) + "\n"


def _lines(
    config: ModelConfig, model: nn.Module, prior: str, command: str, measured: int | None
) -> Iterator[str]:
    training = config.training
    values = [t for t in model.state_dict().values() if t.is_floating_point()]
    count = sum(value.numel() for value in values)
    yield f"# {config.name}\n"
    if config.description:
        yield f"{config.description}\n"
    begun = f", begun with the weights of `{training['start']}`" if "start" in training else ""
    yield f"Recipe `{training['preset']}`{begun}. {count:,} weights, stored in {config.bits} bits:"
    yield f"{config.bits * count / 8e6:.1f} MB. Codes are drawn from a {prior}."
    if "steps" in training:
        yield f"Trained for {training['steps']:,} steps in {training['minutes']:g} minutes."
    best = dict(training.get("best", {}))
    if best:
        on = f" of {measured:,} examples" if measured else ""
        yield "\n## Measured\n"
        step = best.pop("step")
        yield f"On the validation part{on}, at step {step:,}, the best one:\n"
        yield "| figure | value |\n|---|---:|"
        for name, value in best.items():
            yield f"| {name.removeprefix('validation/').replace('_', ' ')} | {value:g} |"
        yield "\nLoss, reconstruction, KL, NLL and ELBO are nats per example."
    if config.attributes:
        yield "\n## Attributes\n"
        for name, about in config.attributes.items():
            yield f"- `{name}`: {about.get('description', '')} (1 is {about.get('unit', 'a step')})"
    yield "\n## Data\n"
    yield f"Sources: {', '.join(training.get('sources', [])) or 'not named'}."
    for name, value in training.items():
        if name not in FACTS and value:
            yield f"- {name.replace('_', ' ')}: {_plain(value)}"
    yield "\nThe licence of the weights depends on that of the data."
    yield "\n## Recipe\n"
    yield f"All of it is in `{RECIPE}`, the architecture and the versions used in `config.json`.\n"
    sections = {"objective": config.objective, "training": training["recipe"]}
    for name, section in {**sections, "prior": training.get("prior", {})}.items():
        yield from (f"- {name}.{key}: {_plain(value)}" for key, value in section.items())
    yield "\n## Train it again\n"
    yield f"    {command} --config {RECIPE} -o ../again"


def _plain(value: Any) -> str:
    """Return a value as text without quotes, braces and brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    return f"{value:,}" if type(value) is int else json.dumps(value).strip('"')
