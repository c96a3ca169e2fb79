"""The command group of a domain: the shared verbs over its models and its presentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import blend, study, vary
from vaecore.cli.box import models_command
from vaecore.cli.job import Job
from vaecore.cli.main import Group

if TYPE_CHECKING:
    from vaecore.cli.presentation import Presentation
    from vaecore.domain import Domain

VERBS: tuple[click.Command, ...] = (
    blend.interpolate,
    blend.palette,
    vary.sample,
    vary.reconstruct,
    vary.edit,
    vary.similar,
    study.attribute,
    study.analyze,
)

_INPUTS = ("inputs", "input_", "having", "lacking")
"""Parameters that hold inputs."""

_OF_JOB = {field.name for field in fields(Job)} - {"domain", "presentation", "verb", "options"}


def build(
    domain: Domain,
    presentation: Presentation,
    *,
    help: str,
    evaluate: Callable[..., dict[str, Any]] | None = None,
    names: Mapping[str, str] | None = None,
) -> Group:
    """Return the command group of a domain.

    The domain adds verbs of its own, and other names for shared ones, with `add_command`.

    Args:
        domain: Its models.
        presentation: How its results are written and shown.
        help: What the command is for, the text of `--help`.
        evaluate: `evaluate(space, paths, seed=...)` returns the figures of a model on files; the
            group has the verb `evaluate` only if this is given.
        names: The domain's own names of shared verbs; the shared name works, too.
    """
    names = names or {}
    group = Group(domain.name, help=help, context_settings={"help_option_names": ["-h", "--help"]})
    for verb in VERBS:
        own = names.get(verb.name, verb.name)
        group.add_command(bind(verb, domain, presentation, own))
        if own != verb.name:
            group.add_command(bind(verb, domain, presentation, own, hidden=True), verb.name)
    if evaluate:
        verb = study.evaluate_command(evaluate)
        group.add_command(bind(verb, domain, presentation))
    group.add_command(models_command(domain.box))
    return group


def bind(
    verb: click.Command,
    domain: Domain,
    presentation: Presentation,
    name: str | None = None,
    hidden: bool = False,
) -> click.Command:
    """Return a verb for a domain: `verb(job, **its options)` with the domain's options added.

    Args:
        verb: Defined without a domain; its first argument is the `Job`.
        domain: Its models.
        presentation: Knows the domain's own options and defaults.
        name: What the domain calls the verb.
        hidden: Leave it out of the list of verbs.
    """
    name = name or verb.name
    own = list(presentation.options(name))
    names = [option.name for option in own]
    defaults = {"steps": "9", **presentation.defaults.get(name, {})}
    params = [_with_default(param, defaults) for param in verb.params]

    def run(**values: Any) -> None:
        options = {name: values.pop(name) for name in names}
        shared = {name: values.pop(name) for name in _OF_JOB & set(values)}
        medium = presentation.fitting(_inputs(values), shared.get("model"))
        job = Job(domain, medium, name, options, **shared)
        verb.callback(job, **values)

    return click.Command(name, params=[*params, *own], callback=run, help=verb.help, hidden=hidden)


def _inputs(values: Mapping[str, Any]) -> list[Path]:
    """Return the inputs among the values of a verb's parameters."""
    found: list[Path] = []
    for name in _INPUTS:
        value = values.get(name, ())
        found += value if isinstance(value, tuple) else [value]
    return found


def _with_default(param: click.Parameter, defaults: Mapping[str, Any]) -> click.Parameter:
    """Return a parameter with the domain's default, or with its words about the default."""
    if param.name not in defaults:
        return param
    param, value = copy(param), defaults[param.name]
    if isinstance(value, str) and not isinstance(param.type, click.Choice):
        param.help += f"  [default: {value}]"
    else:
        param.default = value
    return param
