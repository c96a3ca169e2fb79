"""Printing for people: names and texts of files never command the terminal."""

from __future__ import annotations

import re
from typing import Any

import click

from vaecore.errors import printable

_COLOURS = re.compile(r"(\x1b\[[0-9;]*m|\n|\t)")


def echo(text: Any = "", err: bool = False) -> None:
    """Print a line; of control characters only colours, tabs and ends of lines are left."""
    parts = _COLOURS.split(str(text))
    parts[::2] = [printable(part) for part in parts[::2]]
    click.echo("".join(parts), err=err)
