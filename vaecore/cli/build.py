"""The command group of a domain: the shared verbs over its models and its presentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
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

_OF_JOB = {field.name for field in fields(Job)} - {"domain", "presentation", "verb", "options"}


def build(
    domain: Domain,
    presentation: Presentation,
    *,
    help: str,
    evaluate: Callable[..., dict[str, Any]] | None = None,
) -> Group:
    """Return the command group of a domain.

    The domain adds verbs of its own, and other names for shared ones, with `add_command`.

    Args:
        domain: Its models.
        presentation: How its results are written and shown.
        help: What the command is for, the text of `--help`.
        evaluate: `evaluate(space, paths, seed=...)` returns the figures of a model on files; the
            group has the verb `evaluate` only if this is given.
    """
    group = Group(domain.name, help=help, context_settings={"help_option_names": ["-h", "--help"]})
    for verb in VERBS:
        group.add_command(bind(verb, domain, presentation))
    if evaluate:
        verb = study.evaluate_command(evaluate)
        group.add_command(bind(verb, domain, presentation))
    group.add_command(models_command(domain.box))
    return group


def bind(verb: click.Command, domain: Domain, presentation: Presentation) -> click.Command:
    """Return a verb for a domain: `verb(job, **its options)` with the domain's options added."""
    own = list(presentation.options(verb.name))
    names = [option.name for option in own]

    def run(**values: Any) -> None:
        options = {name: values.pop(name) for name in names}
        shared = {name: values.pop(name) for name in _OF_JOB & set(values)}
        job = Job(domain, presentation, verb.name, options, **shared)
        verb.callback(job, **values)

    return click.Command(verb.name, params=[*verb.params, *own], callback=run, help=verb.help)
