"""The verb `models`: what is in the box."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import click

from vaecore.cli import options
from vaecore.cli.job import width


def models_command(box: Path) -> click.Command:
    """Return the verb that lists the shipped models in a folder, without loading any."""

    @click.command()
    @options.as_json
    def models(as_json: bool) -> None:
        """List the models in the box."""
        found = [describe(path.parent) for path in sorted(box.glob("*/config.json"))]
        if as_json:
            click.echo(json.dumps({"verb": "models", "models": found}))
            return
        if not found:
            click.echo("There is no model in the box yet.")
        margin = max((len(model["name"]) for model in found), default=0) + 2
        for model in found:
            size = f"{model['megabytes']:.1f} MB"
            room = max(width(), 60) - margin
            what = textwrap.wrap(model["description"], room - len(size) - 2) or [""]
            name = click.style(f"{model['name']:{margin}}", bold=True)
            click.echo(f"{name}{what[0]:{room - len(size)}}{size}")
            for line in what[1:]:
                click.echo(" " * margin + line)
            for line in textwrap.wrap(", ".join(model["attributes"]), room):
                click.echo(click.style(" " * margin + line, dim=True))

    return models


def describe(folder: Path) -> dict[str, Any]:
    """Return name, description, size and attributes of a model folder."""
    # Not vaecore.folder, which imports torch; models in the box are ours and well-formed.
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    files = [path for path in folder.iterdir() if path.is_file()]
    return {
        "name": folder.name,
        "description": config["description"],
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 2),
        "attributes": sorted(config["attributes"]),
    }
