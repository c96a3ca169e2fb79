"""The command group of a package: the shared verbs over its domains."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import click

from vaecore.cli import blend, share, study, vary
from vaecore.cli.box import models_command
from vaecore.cli.dispatch import Dispatch
from vaecore.cli.main import Group
from vaecore.cli.presentation import Presentation

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


def build(*presentations: Presentation, help: str, names: Mapping[str, str] | None = None) -> Group:
    """Return the command group of a package; it adds verbs of its own with `add_command`.

    Args:
        presentations: One for each of its domains; the first is the default.
        help: The text of `--help`.
        names: The package's own names of shared verbs; the shared names work, too.
    """
    names = names or {}
    dispatch = Dispatch(presentations)
    settings = {"help_option_names": ["-h", "--help"], "obj": dispatch}
    group = Group(presentations[0].domain.name, help=help, context_settings=settings)
    for verb in VERBS:
        own = names.get(verb.name or "", verb.name)
        group.add_command(bind(verb, dispatch, own))
        if own != verb.name:
            group.add_command(bind(verb, dispatch, own, hidden=True), verb.name)
    if any(each.evaluates for each in presentations):
        group.add_command(bind(study.evaluate, dispatch))
    for verb in (share.export, share.push):
        group.add_command(bind(verb, dispatch))
    group.add_command(models_command({each.domain.box for each in presentations}))
    return group


def bind(
    verb: click.Command, dispatch: Dispatch, name: str | None = None, hidden: bool = False
) -> click.Command:
    """Return a verb with the options and the defaults of a package's domains.

    Args:
        verb: A verb whose callback is made by `takes_job`.
        dispatch: The domains.
        name: The package's name of the verb.
        hidden: Whether the list of verbs leaves it out.
    """
    name = name or verb.name or ""
    defaults: dict[str, Any] = {"steps": "9"}
    if verb is blend.interpolate:
        defaults["path"] = "flow where the model has one, else slerp"
    if file := dispatch.presentations[0].outputs.get(name):
        several = len(dispatch.presentations) > 1
        defaults["output"] = file + f" for {dispatch.presentations[0].domain.subject}" * several
    for presentation in reversed(dispatch.presentations):
        defaults |= presentation.defaults.get(name, {})
    params = [_with_default(param, defaults) for param in verb.params]
    params += dispatch.options(name)
    return click.Command(name, params=params, callback=verb.callback, help=verb.help, hidden=hidden)


def _with_default(param: click.Parameter, defaults: Mapping[str, Any]) -> click.Parameter:
    """Return a parameter with the domain's default; a text is added to its help."""
    if param.name not in defaults:
        return param
    param, value = copy(param), defaults[param.name]
    if isinstance(value, str):
        if isinstance(param, click.Option):
            param.help = f"{param.help}  [default: {value}]"
    else:
        param.default = value
    return param
