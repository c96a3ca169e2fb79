"""Printing for people: untrusted names and texts cannot send control codes to the terminal."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Callable
from typing import Any

import click

from vaecore.errors import printable

NOTES = "vaecore.notes"
"""Key of a list in the `meta` of a click context that collects the lines for stderr."""
_OURS = f"\x1b[{secrets.randbelow(10**9):09};"
"""A random prefix marks colours of our own until they are printed, so that no text can forge it."""
_KEPT = re.compile(rf"({re.escape(_OURS)}[0-9;]*m|\n|\t)")
_COLOUR = re.compile(r"\x1b\[([0-9;]*m)")


def echo(text: Any = "", err: bool = False) -> None:
    """Print a line. Tabs, ends of lines, and colours by `style` and `coloured` are kept.

    All other control characters are printed as escapes. If the `meta` of the click context has a
    list under `NOTES`, lines for stderr are appended to it instead.
    """
    context = click.get_current_context(silent=True) if err else None
    notes = context.meta.get(NOTES) if context is not None else None
    parts = _KEPT.split(str(text))
    parts[::2] = [printable(part) for part in parts[::2]]
    parts[1::2] = [part.replace(_OURS, "\x1b[") for part in parts[1::2]]
    if notes is not None:
        notes.append("".join(parts))
    else:
        click.echo("".join(parts), err=err)


def style(text: Any, *, bold: bool = False, dim: bool = False) -> str:
    """Return a text, such as a name, for `echo` to print in bold or dim letters."""
    return coloured(click.style(printable(str(text)), bold=bold or None, dim=dim or None))


def coloured(picture: str) -> str:
    """Return a trusted text with ANSI colours for `echo`; names in it must be `printable`."""
    return _COLOUR.sub(lambda found: _OURS + found[1], picture)


def progress(noun: str) -> Callable[[int, int], None]:
    """Return a function `(number, count)` that shows progress on a terminal, number from 1.

    Args:
        noun: The word before the number ("picture").
    """
    from vaecore.training.status import StatusLine

    context = click.get_current_context(silent=True)
    given = context.params if context is not None else {}
    quiet = bool(given.get("quiet") or given.get("as_json"))
    status = StatusLine(not quiet and sys.stderr.isatty())

    def show(number: int, count: int) -> None:
        status.show(f"  {noun} {number} of {count}", now=False)
        if number == count:
            status.end()

    return show
