"""The verb `models`: lists the shipped models."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from vaecore.cli import options
from vaecore.cli.echo import echo, style
from vaecore.cli.job import width
from vaecore.config import CONFIG, read_config
from vaecore.errors import DataError


def models_command(boxes: Iterable[Path]) -> click.Command:
    """Return the verb that lists models, without loading any.

    Args:
        boxes: Folders of model folders, listed by default.
    """

    @click.command()
    @click.argument("folders", nargs=-1, type=options.FILE, metavar="[FOLDER]...")
    @options.as_json
    def models(folders: tuple[Path, ...], as_json: bool) -> None:
        """List the shipped models, or those in FOLDERs.

        A FOLDER is a model folder, or a folder of model folders.
        """
        inside = [path.parent for box in boxes for path in box.glob(f"*/{CONFIG}")]
        found = [describe(folder) for folder in sorted(inside)]
        if folders:
            own = dict.fromkeys(each for folder in folders for each in _models_in(folder))
            found = [{**describe(each), "name": str(each)} for each in own]
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
            name = style(f"{model['name']:{margin}}", bold=True)
            echo(f"{name}{what[0]:{room - len(size)}}{size}")
            for line in what[1:]:
                echo(" " * margin + line)
            for line in textwrap.wrap(", ".join(model["attributes"]), room):
                echo(style(" " * margin + line, dim=True))

    return models


def _models_in(folder: Path) -> list[Path]:
    """Return a model folder itself, or the model folders in a folder.

    Raises:
        DataError: It is neither.
    """
    if (folder / CONFIG).exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))
    if not found:
        raise DataError("has no model", path=folder, remedy="name a model folder")
    return found


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
