"""The verb `models`: what is in the box."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from vaecore.cli import options
from vaecore.cli.echo import echo
from vaecore.cli.job import width
from vaecore.config import CONFIG, read_config


def models_command(boxes: Iterable[Path]) -> click.Command:
    """Return the verb that lists the models in folders of models, without loading any."""

    @click.command()
    @options.as_json
    def models(as_json: bool) -> None:
        """List the models in the box."""
        folders = [path.parent for box in boxes for path in box.glob(f"*/{CONFIG}")]
        found = [describe(folder) for folder in sorted(folders)]
        if as_json:
            echo(json.dumps({"verb": "models", "models": found}))
            return
        if not found:
            echo("There is no model in the box yet.")
        margin = max((len(model["name"]) for model in found), default=0) + 2
        for model in found:
            size = f"{model['megabytes']:.1f} MB"
            room = max(width(), 60) - margin
            what = textwrap.wrap(model["description"], room - len(size) - 2) or [""]
            name = click.style(f"{model['name']:{margin}}", bold=True)
            echo(f"{name}{what[0]:{room - len(size)}}{size}")
            for line in what[1:]:
                echo(" " * margin + line)
            for line in textwrap.wrap(", ".join(model["attributes"]), room):
                echo(click.style(" " * margin + line, dim=True))

    return models


def describe(folder: Path) -> dict[str, Any]:
    """Return name, description, size and attributes of a model folder."""
    config = read_config(folder)
    files = [path for path in folder.iterdir() if path.is_file()]
    return {
        "name": folder.name,
        "description": config.description,
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 2),
        "attributes": sorted(config.attributes),
    }
