"""Verbs that measure: attribute, analyze and evaluate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vaecore.cli import options
from vaecore.cli.job import Job, find_files
from vaecore.cli.outputs import Outputs
from vaecore.errors import UsageError


@click.command()
@click.option(
    "--with", "having", multiple=True, required=True, type=options.FILE,
    help="Files or folders that have the attribute.",
)  # fmt: skip
@click.option(
    "--without", "lacking", multiple=True, required=True, type=options.FILE,
    help="Files or folders that lack it.",
)  # fmt: skip
@click.option("--name", required=True, help="What to call it.")
@options.writes
def attribute(job: Job, having: tuple[Path, ...], lacking: tuple[Path, ...], name: str) -> None:
    """Make an attribute of your own from examples.

    Its vector leads from examples that lack it to examples that have it. It is written to
    NAME.safetensors; `edit --vectors NAME.safetensors --add NAME=1` adds it.
    """
    from vaecore.cli.vectors import save_vector

    if not name or any(c in name for c in "=/\\") or name.startswith("."):
        raise UsageError(f"--name {name}: a name must not hold = / or \\, or begin with a dot")
    path = job.output or Path(f"{name}.safetensors")
    if path.suffix != ".safetensors":
        raise UsageError(f"{path}: the output must end in .safetensors")
    space = job.load_for([*having, *lacking])
    x_with, x_without = job.examples(space, having), job.examples(space, lacking)
    from vaecore.attributes import attribute_vector

    z_with, z_without = (space.posterior_of(x).mean for x in (x_with, x_without))
    vector = attribute_vector(z_with, z_without)
    # How far the two sets lie apart along the vector: the share on the right side of the middle.
    middle = (z_with.mean(0) + z_without.mean(0)) / 2 @ vector
    right = (z_with @ vector > middle).float(), (z_without @ vector <= middle).float()
    separated = sum(side.mean().item() for side in right) / 2
    with Outputs(path) as outputs:
        save_vector(outputs.add(path), name, vector, space.name)
    job.done(
        [path],
        f"length {vector.norm():.2f} · tells {separated:.0%} of these examples apart",
        {
            "name": name,
            "with": len(x_with),
            "without": len(x_without),
            "length": vector.norm().item(),
            "separated": separated,
        },
        f"use it: {job.domain.name} edit INPUT --vectors {path} --add {name}=1",
    )


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=options.FILE)
@click.option("--png", "picture", is_flag=True, help="Also draw a histogram of 50 dimensions.")
@options.writes
def analyze(job: Job, inputs: tuple[Path, ...], picture: bool) -> None:
    """Compare the codes of real examples with the prior N(0, I).

    INPUTS are files and folders. With --png, -o/--output names the picture (analysis.png).
    """
    space = job.load_for(inputs)
    report = space.analyse(list(job.examples(space, inputs)))
    path = job.output or Path("analysis.png")
    files = []
    if picture or job.output:
        report.plot(path)
        files.append(path)
    facts = report.to_dict()
    ks = report.ks
    job.say(
        f"  {report.active_units} of {len(report.mean)} dimensions are active "
        f"(their mean varies by more than 0.01)\n"
        f"  KL {report.kl.sum():.1f} nats · standard deviation {report.stddev.mean():.2f} "
        f"(1 under the prior)\n"
        f"  distance to N(0, 1) (Kolmogorov-Smirnov) {ks.mean():.3f} on average, "
        f"{ks.max():.3f} at most"
    )
    job.done(files, "", facts)


def evaluate_command(evaluate: Callable[..., dict[str, Any]]) -> click.Command:
    """Return the verb `evaluate` over a domain's function of that name."""

    @click.command("evaluate")
    @click.argument("model")
    @click.argument("inputs", nargs=-1, required=True, type=options.FILE)
    @options.seed
    @options.measures
    def verb(job: Job, inputs: tuple[Path, ...], seed: int) -> None:
        """Measure a model on files that it never saw.

        MODEL is a name in the box or a model folder, INPUTS are files and folders.
        """
        space = job.load()
        files = find_files(inputs, space.codec.suffixes)
        figures = evaluate(space, files, seed=seed)
        margin = max(map(len, figures)) + 2
        for name, value in figures.items():
            shown = f"{value:.4f}" if isinstance(value, float) else value
            if not isinstance(value, (dict, list)) and name != "model":
                job.say(f"  {name:{margin}}{shown}")
        job.emit({**figures, "model": job.model})

    return verb
