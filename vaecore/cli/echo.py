"""Printing for people: names and texts of files never command the terminal."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Callable
from typing import Any

import click

from vaecore.errors import printable

NOTES = "vaecore.notes"
"""See `echo`."""
_OURS = f"\x1b[{secrets.randbelow(10**9):09};"
"""How colours of our own begin until they are printed: no name or text of a file can look so."""
_KEPT = re.compile(rf"({re.escape(_OURS)}[0-9;]*m|\n|\t)")
_COLOUR = re.compile(r"\x1b\[([0-9;]*m)")


def echo(text: Any = "", err: bool = False) -> None:
    """Print a line; of control characters only tabs, ends of lines and our own colours are left.

    Colours are those of `style` and `coloured`; all others are printed as escapes.

    A program that runs verbs puts a list into the `meta` of their context, under `NOTES`: it then
    gets the lines that would go to stderr.
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
    """Return a picture of our own, with the names in it already `printable`, for `echo`."""
    return _COLOUR.sub(lambda found: _OURS + found[1], picture)


def progress(noun: str) -> Callable[[int, int], None]:
    """Return what shows on a terminal how far the writing of many things is.

    It takes the number of the thing that is written, from 1, and that of all.

    Args:
        noun: What the things are.
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
