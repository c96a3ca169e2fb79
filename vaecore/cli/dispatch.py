"""From a command line to the run of a verb: the choice of the domain, and of its options."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from vaecore.cli.job import Job
from vaecore.cli.presentation import Presentation
from vaecore.config import CONFIG
from vaecore.domain import find_model
from vaecore.errors import DataError, UsageError

_INPUTS = ("inputs", "input_", "having", "lacking")
"""Parameters that hold inputs."""
_OF_JOB = {field.name for field in fields(Job)} - {"presentation", "verb", "options"}


@dataclass(frozen=True)
class Dispatch:
    """The domains of a command; the object of its click context.

    Args:
        presentations: One for each domain of the package; the first one is the default.
        make_job: Makes the job of a command line; the studio's keeps models and collects reports.
    """

    presentations: tuple[Presentation, ...]
    make_job: Callable[..., Job] = Job

    def choose(self, inputs: Sequence[Path], model: str | None) -> Presentation:
        """Return the presentation of the domain of a model or, without one, of the inputs.

        Args:
            inputs: Files, or items themselves; the first may be a model.
            model: The value of --model.

        Raises:
            UsageError: There is no model of the name.
        """
        default = self.presentations[0]
        if len(self.presentations) == 1:
            return default
        domains = [each.domain for each in self.presentations]
        named = model is not None
        if model is None and inputs and _is_model(inputs[0]):
            model = str(inputs[0])
        if model is not None:
            try:
                domain, _ = find_model(domains, model)
            except DataError:
                return default  # loading it will report the problem
            except UsageError:
                if named:  # the message lists the models of all domains
                    raise
                return default
            return self.presentations[domains.index(domain)]
        return next((each for each in self.presentations if each.takes(inputs)), default)

    def options(self, verb: str) -> list[click.Option]:
        """Return the domains' own options of a verb, each once."""
        own = {o.name: o for each in self.presentations for o in each.options(verb)}
        return list(own.values())

    def job(self, command: click.Command, values: dict[str, Any], own: Sequence[str]) -> Job:
        """Return the job of a command line.

        Args:
            command: The verb.
            values: All parameters; those of the job and of the domains are removed.
            own: Names of the verb's own parameters.

        Raises:
            UsageError: An option is of another domain than the inputs.
        """
        shared = {name: values.pop(name) for name in _OF_JOB & set(values)}
        options = {name: values.pop(name) for name in set(values) - set(own)}
        verb = command.name or ""
        presentation = self.choose(_inputs(values), shared.get("model"))
        allowed = {option.name for option in presentation.options(verb)}
        self._refuse(command, set(options) - allowed, presentation)
        options = {name: value for name, value in options.items() if name in allowed}
        return self.make_job(presentation, verb, options, **shared)

    def _refuse(self, command: click.Command, others: set[str], chosen: Presentation) -> None:
        """Raise UsageError for the first option of another domain that was given."""
        context = click.get_current_context()
        for parameter in command.params:
            name = parameter.name
            given = name and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
            if name in others and given:
                theirs = next(
                    each.domain.subject
                    for each in self.presentations
                    if name in {o.name for o in each.options(command.name or "")}
                )
                text = f"{parameter.opts[0]} is for {theirs}, not for {chosen.domain.subject}"
                raise UsageError(text)


def takes_job(function: Callable[..., None]) -> Callable[..., None]:
    """Return a click callback that calls `function(job, **its own parameters)`."""
    own = list(inspect.signature(function).parameters)[1:]

    @wraps(function)
    def run(**values: Any) -> None:
        context = click.get_current_context()
        dispatch = context.find_object(Dispatch)
        if dispatch is None:
            raise UsageError(f"{context.info_name} has no domain; it is a verb of a command group")
        function(dispatch.job(context.command, values, own), **values)

    return run


def _inputs(values: Mapping[str, Any]) -> list[Path]:
    """Return the inputs among the values of a verb's parameters."""
    found: list[Path] = []
    for name in _INPUTS:
        value = values.get(name, ())
        found += value if isinstance(value, tuple) else [value]
    return found


def _is_model(path: Path) -> bool:
    """Return whether an argument may be a model: a bare name that is no file, or a model folder."""
    bare = path.name == str(path) and not path.suffix and " " not in path.name
    # os.path returns False for a text that is too long for a file name; pathlib raises.
    return (bare and not os.path.exists(path)) or os.path.isfile(path / CONFIG)
