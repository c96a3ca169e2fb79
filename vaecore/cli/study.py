"""Verbs that measure: attribute, analyze and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaecore.cli import options
from vaecore.cli.job import Job
from vaecore.cli.outputs import Outputs
from vaecore.config import CONFIG
from vaecore.errors import UsageError, printable

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.space import LatentSpace

LONGEST_NAME = 100
"""Largest number of characters of an attribute's name."""
PREPARED = "summary.json"
"""The file that marks a folder of prepared data, which has splits."""


@click.command()
@click.option(
    "--with", "having", multiple=True, required=True, type=options.FILE,
    help="Files or folders that have the attribute.",
)  # fmt: skip
@click.option(
    "--without", "lacking", multiple=True, required=True, type=options.FILE,
    help="Files or folders that lack it.",
)  # fmt: skip
@click.option("--name", required=True, help="Name of the attribute, for --add.")
@options.writes
def attribute(job: Job, having: tuple[Path, ...], lacking: tuple[Path, ...], name: str) -> None:
    """Make an attribute of your own from examples.

    Its vector is the difference between the mean codes of both sets. It is written to
    NAME.safetensors; `edit --vectors NAME.safetensors --add NAME=1` adds it.
    """
    path = vector_place(job, name)
    space = job.load_for([*having, *lacking])
    z_with, z_without = (job.posterior(space, paths).mean for paths in (having, lacking))
    write_vector(job, space, path, name, z_with, z_without)


def vector_place(job: Job, name: str) -> Path:
    """Return the file for an attribute of one's own.

    Raises:
        UsageError: The name cannot be used with `edit --add`, or the file is of another kind.
    """
    if not name or any(c in name for c in "=/\\") or name.startswith("."):
        text = f"--name {name}: a name must not contain = / or \\, or begin with a dot"
        raise UsageError(text)
    if printable(name) != name or len(name) > LONGEST_NAME:
        text = f"--name {name}: a name has at most {LONGEST_NAME} printable characters"
        raise UsageError(text)
    path = job.output or Path(f"{name}.safetensors")
    if path.suffix != ".safetensors":
        raise UsageError(f"{path}: the output must end in .safetensors")
    return path


def write_vector(
    job: Job, space: LatentSpace[Any], path: Path, name: str, z_with: Tensor, z_without: Tensor
) -> None:
    """Write the vector from codes that lack an attribute to codes that have it; report it.

    Args:
        job: The run.
        space: The model of the codes.
        path: From `vector_place`.
        name: Name of the attribute.
        z_with: Codes of examples that have it, `(n, latent_dim)`.
        z_without: Codes of examples that lack it, `(m, latent_dim)`.
    """
    from vaecore.attributes import attribute_vector
    from vaecore.calibration import separability
    from vaecore.folder import write_exactly

    vector = attribute_vector(z_with, z_without)
    separated = separability(z_with, z_without, vector)
    with Outputs(path) as outputs:
        write_exactly(outputs.add(path), {name: vector.float()}, {"model": space.name})
    job.done(
        [path],
        f"length {vector.norm():.2f} · separates {separated:.0%} of these examples",
        {
            "name": name,
            "with": len(z_with),
            "without": len(z_without),
            "length": vector.norm().item(),
            "separated": separated,
        },
        f"use it: {job.domain.name} edit INPUT --vectors {path} --add {name}=1",
    )


@click.command()
@options.inputs
@click.option("--png", "picture", is_flag=True, help="Also draw histograms of 50 dimensions.")
@options.writes
def analyze(job: Job, inputs: tuple[Path, ...], picture: bool) -> None:
    """Compare the codes of real examples with the prior N(0, I).

    INPUTS are files and folders. -o/--output draws the picture, too, and names it (.png, .pdf or
    .svg).
    """
    path = job.output or Path("analysis.png")
    space = job.load_for(inputs)
    posterior = job.posterior(space, inputs)
    from vaecore.analysis import analyse

    report = analyse(posterior)
    files = []
    if picture or job.output or job.presentation.draws:
        report.plot(path)
        files.append(path)
    facts = report.to_dict()
    ks = report.ks
    job.echo(
        f"  {report.active_units} of {len(report.mean)} dimensions are active "
        f"(their mean varies by more than 0.01)\n"
        f"  KL {report.kl.sum():.1f} nats · standard deviation {report.stddev.mean():.2f} "
        f"(1 under the prior)\n"
        f"  distance to N(0, 1) (Kolmogorov-Smirnov) {ks.mean():.3f} on average, "
        f"{ks.max():.3f} at most"
    )
    job.done(files, "", facts)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="[MODEL] INPUTS...", type=options.FILE)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    help="Measure on this part of the INPUTS, split as `train` splits them. [default for shards: "
    "test]",
)
@options.seed
@options.model
@options.measures
def evaluate(job: Job, inputs: tuple[Path, ...], seed: int, split: str | None) -> None:
    """Measure a model on files that it was not trained on.

    INPUTS are files and folders. MODEL is one that `models` lists, or a model folder; without it,
    and without --model, one that fits is chosen. A folder of shards is measured on its test split.
    For the images or texts that MODEL was trained on, choose a --split.
    """
    if job.model is None and len(inputs) > 1 and not _is_data(job, inputs[0]):
        job.model, inputs = str(inputs[0]), inputs[1:]
    if split or any((path / PREPARED).is_file() for path in inputs):
        if job.model is None:
            raise UsageError("a split needs a MODEL: evaluate MODEL FOLDER")
        space = job.load()
        figures = job.presentation.evaluate(space, inputs, seed, split or "test")
    else:
        space = job.load_for(inputs)
        files = job.files(inputs, space.codec.suffixes)
        figures = job.presentation.evaluate(space, files, seed)
    margin = max(map(len, figures)) + 2
    for name, value in figures.items():
        shown = f"{value:.4f}" if isinstance(value, float) else value
        if not isinstance(value, (dict, list)) and name != "model":
            job.echo(f"  {name:{margin}}{shown}")
    job.emit({**figures, "model": job.model})


def _is_data(job: Job, path: Path) -> bool:
    """Return whether the first argument of `evaluate` is data, not a model."""
    if str(path) in job.domain.shipped() or not path.exists():
        return False
    return not (path / CONFIG).is_file()
