"""The verbs of faces alone: attribute (with labels), align and train."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vaecore.cli import learn, options
from vaecore.cli.echo import echo, style
from vaecore.cli.job import Job, counted, left_out
from vaecore.cli.study import vector_place, write_vector
from vaecore.errors import DataError, UsageError

DEFAULT_PRESET = "faces_64_residual"
"""The preset without --preset."""


@click.command()
@click.argument("inputs", nargs=-1, type=options.FILE, metavar="[DIR]...")
@click.option(
    "--with", "having", multiple=True, type=options.FILE,
    help="Files or folders of faces that have the attribute.",
)  # fmt: skip
@click.option(
    "--without", "lacking", multiple=True, type=options.FILE,
    help="Files or folders of faces that lack it.",
)  # fmt: skip
@click.option(
    "--labels", type=options.FILE,
    help="Instead of both: a table like CelebA's, image,Smiling,... with 1 and -1.",
)  # fmt: skip
@click.option(
    "--name", required=True, help="Name of the attribute; with --labels, a column of the table."
)
@options.writes
def attribute(
    job: Job,
    inputs: tuple[Path, ...],
    having: tuple[Path, ...],
    lacking: tuple[Path, ...],
    labels: Path | None,
    name: str,
) -> None:
    """Make an attribute of your own from examples.

    Its vector is the difference between the mean codes of both sets. It is written to
    NAME.safetensors; `edit --vectors NAME.safetensors --add NAME=1` adds it. With --labels, DIR is
    the folder of the images in the table, by default the folder of the table. Faces must be framed:
    `align` does that for a folder of photographs.
    """
    if (labels is None) != bool(having and lacking) or (labels is None and inputs):
        raise UsageError("give --with and --without, or --labels and a folder of images")
    if labels is not None and (having or lacking or len(inputs) > 1):
        raise UsageError("--labels takes one folder of images, and neither --with nor --without")
    path = vector_place(job, name)
    if labels is None:
        space = job.load_for([*having, *lacking])
        sides = [job.posterior(space, paths).mean for paths in (having, lacking)]
    else:
        space = job.load()
        root = inputs[0] if inputs else labels if labels.is_dir() else labels.parent
        sides = [
            job.posterior(space, paths, f"{root} {sign}{name}").mean
            for sign, paths in zip("+-", _labelled(root, labels, name), strict=True)
        ]
    write_vector(job, space, path, name, *sides)


def _labelled(root: Path, table: Path, name: str) -> tuple[list[Path], ...]:
    """Return the images that have an attribute by a table, and those that lack it.

    Raises:
        DataError: The table cannot be used, or all images have the same label.
    """
    from facevae.codec import FaceCodec
    from facevae.data.folder import FaceFolder
    from facevae.data.labels import read_labels

    labels = read_labels(table).select([name])
    folder = FaceFolder(root, FaceCodec()).labelled(labels, strict=True)
    found = folder.label_values[:, 0]
    if found.all() or not found.any():
        text = f"{name} is the same for all {len(folder):,} images"
        raise DataError(text, path=table, remedy="label some with 1 and some with -1")
    return tuple(
        [folder.path(k) for k in range(len(folder)) if found[k] == wanted]
        for wanted in (True, False)
    )


@click.command()
@click.argument("source", metavar="DIR", type=options.FILE)
@click.option("-o", "--output", type=options.FILE, required=True, help="Folder for the faces.")
@click.option(
    "--size", type=click.IntRange(16, 1024), default=128, show_default=True,
    help="Height and width of a face, in pixels.",
)  # fmt: skip
@options.as_json
@options.quiet
def align(source: Path, output: Path, size: int, as_json: bool, quiet: bool) -> None:
    """Frame the faces in a folder of photographs as the models need them.

    In each photograph, the face is found, turned upright and cut out. Framed photographs are only
    resized.
    """
    from facevae.align import align_folder

    report = align_folder(source, output, size)
    done = report.aligned + report.already
    if as_json:
        failed = [{"file": name, "problem": problem} for name, problem in report.failed]
        facts = {"aligned": report.aligned, "already": report.already, "failed": failed}
        echo(json.dumps({"verb": "align", "output": str(output), **facts}))
    elif not quiet:
        echo(f"{style(output, bold=True)}")
        already = f", {report.already} of them framed before" if report.already else ""
        echo(f"  {counted(done, 'face')} of {size} x {size} pixels{already}")
        for line in left_out([f"{name}: {problem}" for name, problem in report.failed]):
            echo(line)
    if not done:
        remedy = "give photographs of faces from the front"
        raise DataError("no face in any photograph", path=source, remedy=remedy)


@click.command()
@click.argument("images", metavar="DIR", type=options.FILE)
@click.option(
    "--labels", type=options.FILE,
    help="A table like CelebA's, or a folder for each label; for attribute vectors.",
)  # fmt: skip
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="Processes that read images. [default: one less than the cores, at most 8]",
)
@learn.training_options(f"A shipped recipe. [default: {DEFAULT_PRESET}]")
def train(
    request: learn.TrainingRequest, images: Path, labels: Path | None, workers: int | None
) -> None:
    """Train a model on a folder of framed faces, searched at any depth.

    The images are streamed, so that their number is not limited by memory. Choose a shipped recipe
    (--preset) or your own (--config), and change it with --set. Ctrl-C saves and ends; --resume -o
    FOLDER continues. To train with several processes:
    torchrun --nproc-per-node 2 -m facevae.cli train ...
    """
    learn.need(*learn.NEEDED)
    from facevae import train as training
    from facevae.data.labels import read_labels
    from facevae.data.parts import Data
    from facevae.presets import Preset

    preset = request.recipe(Preset, DEFAULT_PRESET)
    place = request.place(preset)
    data = Data.of(images, preset.make_codec(), read_labels(labels) if labels else None)
    train_images, validation = len(data.train), len(data.validation)
    request.begin(preset, f"{images}: {train_images:,} images, {validation:,} to validate")
    factor, implied = training.noise(preset.make_model()) or (None, None)
    if implied:
        request.echo(
            f"  reconstruction factor {factor:,.0f}: noise of standard deviation "
            f"{implied.sigma:.3g} (values 0 to 1), beta {implied.beta:.3g}"
        )
        request.echo(
            "  the loss is a negative log density, which may be below 0; PSNR is easier to read"
        )
    done = training.train(preset, data, place, workers=workers, **request.options)
    if done.report:
        request.echo(f"  {done.report}")
    request.end(
        "facevae",
        preset,
        place,
        done.result,
        training.FaceTask.headline,
        reconstruction_factor=factor,
        sigma=implied and implied.sigma,
        beta=implied and implied.beta,
        broken=done.broken,
        attributes=done.attributes,
    )
