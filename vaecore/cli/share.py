"""Verbs that give a model to others: export, push."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.dispatch import takes_job
from vaecore.cli.job import Job
from vaecore.cli.outputs import Outputs

if TYPE_CHECKING:
    from vaecore.export.check import Differences

model = click.argument("model")


@click.command()
@model
@click.option(
    "-o", "--output", type=options.FILE,
    help="File to write: .onnx, .pt2 (torch.export) or .ts (TorchScript).  [default: MODEL.onnx]",
)  # fmt: skip
@options.as_json
@options.quiet
@takes_job
def export(job: Job) -> None:
    """Write a model for other programs: web pages, C++, plug-ins.

    MODEL is one that `models` lists, a model folder, or hf://OWNER/NAME. Decoder, encoder and prior
    are written as files of their own, with a JSON file of shapes, meanings of classes and attribute
    vectors. The files are run and compared with Python. docs/export.md shows how to use them.
    """
    from vaecore.export.writing import export, format_of

    assert job.model is not None
    path = job.output or Path(f"{Path(job.model).name}.onnx")
    format_of(path)
    space = job.load()
    with Outputs(path) as outputs:
        facts, differences = export(space, path, outputs)
    megabytes = sum(file.stat().st_size for file in outputs.written) / 1e6
    text = f"{megabytes:.1f} MB · {_checked(differences)}"
    measured = None if differences is None else vars(differences)
    graphs = {role: graph["file"] for role, graph in facts["graphs"].items()}
    job.done(outputs.written, text, {"graphs": graphs, "differences": measured})


def _checked(differences: Differences | None) -> str:
    """Return how the exported files compare with Python, in a line."""
    if differences is None:
        return "not checked: pip install onnxruntime"
    named: Mapping[str, Any] = vars(differences)
    numbers = [named[name] for name in ("logits", "values", "mean", "stddev") if named[name]]
    off = differences.greedy + (differences.drawn or 0)
    same = "decodes as Python does" if not off else f"{off} examples are decoded differently"
    found = f"{differences.codes} codes: {same}, numbers within {max(numbers, default=0.0):.0e}"
    large = [
        f"; {name} are up to {most:.0f} and may differ by {differences.limit(name):.0e}"
        for name, most in differences.largest.items()
    ]
    return found + "".join(large)


@click.command()
@model
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Make a new repository visible to its owner only.")
@options.as_json
@options.quiet
@takes_job
def push(job: Job, repository: str, private: bool) -> None:
    """Upload a model to the Hugging Face hub, with its card as the README.

    MODEL is a model folder, or one that `models` lists. Others can then use it as hf://OWNER/NAME.
    Log in first: hf auth login, or set HF_TOKEN.
    """
    from vaecore.config import read_config
    from vaecore.hub import Reference, checked, push

    assert job.model is not None
    reference = Reference(checked(repository))
    job.load()  # fails for a broken model
    folder = job.domain.folder(job.model)
    with TemporaryDirectory() as temporary:
        if read_config(folder).shares_with:  # the hub has no folder beside it
            complete = Path(temporary) / folder.name
            job.domain.complete(folder, complete)
            folder = complete
        place = push(folder, repository, private, _front(job))
    job.echo(f"{place}\n  use it: {job.domain.name} sample --model {reference}")
    job.emit({"model": job.model, "repository": repository, "url": place})


def _front(job: Job) -> str:
    """Return the metadata by which the hub finds and lists a model."""
    return f"---\nlibrary_name: seqvae\ntags:\n- vae\n- {job.domain.name}\n---\n"
