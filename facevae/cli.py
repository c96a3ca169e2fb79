"""The `facevae` command: so far it lists the models in its box."""

from __future__ import annotations

from pathlib import Path

from vaecore.cli import Group
from vaecore.cli.box import models_command

BOX = Path(__file__).parent / "models"


def command() -> Group:
    """Return the command group."""
    group = Group("facevae", help="Morph, vary, edit and invent faces. No model is in the box yet.")
    group.add_command(models_command(BOX))
    return group


def main() -> None:
    """Run the command; the console script `facevae`."""
    command().run()
