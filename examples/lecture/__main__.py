"""`python -m examples.lecture`: remake the figures of docs/lecture.md."""

from __future__ import annotations

import json
import time
from importlib import import_module
from pathlib import Path

import click

from examples.lecture.figures import FIGURES, Setting
from vaecore.cli.main import Group
from vaecore.errors import UsageError

CHAPTERS = ("diagram", "digits", "networks", "faces", "music", "text")
"""Modules of this package that have figures, in the order of the lecture."""
FILE = click.Path(path_type=Path)


@click.group(cls=Group, invoke_without_command=True, subcommand_metavar="")
@click.option("-o", "--output", type=FILE, default="figures", show_default=True, help="Folder.")
@click.option("--only", multiple=True, help="Draw this figure alone; may be given again.")
@click.option("--small", is_flag=True, help="Train for a few steps only, as a check.")
@click.option(
    "--faces",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of framed faces, in place of faces that the model invents.",
)
@click.option("--mnist", type=FILE, help="MNIST's npz file, in place of the bundled digits.")
def lecture(
    output: Path, only: tuple[str, ...], small: bool, faces: Path | None, mnist: Path | None
) -> None:  # fmt: skip
    """Remake the figures of docs/lecture.md, and print what is measured on the way."""
    for chapter in CHAPTERS:
        import_module(f"examples.lecture.{chapter}")
    unknown = [name for name in only if name not in FIGURES]
    if unknown:
        raise UsageError(f"no figure {unknown[0]!r}; known are {', '.join(FIGURES)}")
    output.mkdir(parents=True, exist_ok=True)
    setting = Setting(output, small, faces, mnist)
    for name, draw in FIGURES.items():
        if only and name not in only:
            continue
        begin = time.monotonic()
        found = draw(setting)
        click.echo(f"{click.style(name, bold=True)}  {time.monotonic() - begin:.1f} s")
        for what, value in found.items():
            click.echo(f"  {what}: {json.dumps(value)}")


if __name__ == "__main__":
    lecture.run()
