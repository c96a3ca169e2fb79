"""Faces with their labels, and the classifiers of the face benchmarks.

The judge is the independent one: all figures are from it. The fitter, of another size and seed and
trained on blurred pictures too, calibrates attribute vectors. The third has the features of a
perceptual loss (`facevae.perception`). Each is trained once on the training part of the faces, with
the best epoch of the validation part, and is kept in a cache folder.

    python benchmarks/judges.py FACES --labels LABELS.csv

trains them and prints, for the test part, what each attribute's precision and accuracy are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from facevae.classifier import (
    FITTER,
    PERCEPTUAL,
    SIZE,
    FaceClassifier,
    Faces,
    average_precision,
    balanced_accuracy,
    classify,
    load_classifier,
    save_classifier,
    train_classifier,
)
from facevae.codec import FaceCodec
from facevae.data.folder import FaceFolder
from facevae.data.labels import read_labels
from facevae.data.loader import FaceLoader

RECIPES: dict[str, dict[str, Any]] = {
    "judge": {"width": 32, "blocks": 1, "epochs": 12, "seed": 1},
    "fitter": FITTER,
    "perceptual": PERCEPTUAL,
}


def data(command: Callable) -> Callable:
    """Add the argument FACES and the options --labels and --cache to a command."""
    path = click.Path(path_type=Path)
    for option in (
        click.option("--cache", type=path, default=Path("runs/judges"), show_default=True,
                     help="Where the classifiers are kept."),
        click.option("--labels", type=path, help="[default: attributes.csv beside FACES]"),
        click.argument("faces", type=click.Path(path_type=Path)),
    ):  # fmt: skip
        command = option(command)
    return command


def read(faces: Path, labels: Path | None, part: str, size: int = SIZE, limit: int = 0) -> Faces:
    """Return the labelled faces of a part of the folder, in memory.

    Args:
        faces: The folder.
        labels: A table of labels; None takes `attributes.csv` beside the folder.
        part: "train", "validation" or "test", as `facevae train` divides it.
        size: Height and width of the pictures.
        limit: At most this many, at even distances; 0 takes every one.
    """
    folder = FaceFolder(faces, FaceCodec(size)).split(part).labelled(_labels(faces, labels))
    if limit and len(folder) > limit:
        folder = folder.select(np.linspace(0, len(folder) - 1, limit).astype(int))
    loader = FaceLoader(folder, 256, training=False)
    batches = [((x * 255).round().byte(), y.bool()) for x, y in loader]
    loader.close()
    return Faces(*(torch.cat(each) for each in zip(*batches, strict=True)))


def names(faces: Path, labels: Path | None) -> list[str]:
    """Return the names of all attributes, in the order of the columns."""
    return list(_labels(faces, labels).attributes)


def classifier(kind: str, faces: Path, labels: Path | None, cache: Path) -> FaceClassifier:
    """Return a classifier of `RECIPES`, trained here if the cache has none."""
    path = cache / f"{kind}.safetensors"
    if not path.exists():
        click.echo(f"training the {kind} (minutes; kept in {path})", err=True)
        train, validation = (read(faces, labels, part) for part in ("train", "validation"))
        trained = train_classifier(
            train, validation, names(faces, labels), progress=True, **RECIPES[kind]
        )
        save_classifier(trained, path)
    return load_classifier(path)


def _labels(faces: Path, labels: Path | None):
    return read_labels(labels or faces.parent / "attributes.csv")


@click.command(help=__doc__)
@data
def main(faces, labels, cache) -> None:
    test = read(faces, labels, "test")
    columns = []
    for kind in RECIPES:
        model = classifier(kind, faces, labels, cache)
        probabilities = classify(model, test.images)[0]
        columns += [
            measure(probabilities, test.labels)
            for measure in (average_precision, balanced_accuracy)
        ]
    share = test.labels.double().mean(0)
    titles = [f"{kind} {what}" for kind in RECIPES for what in ("precision", "accuracy")]
    click.echo(f"{'':22}{'faces':>8}" + "".join(f"{title:>18}" for title in titles))
    for k, name in enumerate(model.names):
        row = "".join(f"{column[k]:18.3f}" for column in columns)
        click.echo(f"{name:22}{share[k]:8.1%}{row}")
    means = "".join(f"{np.nanmean(column):18.3f}" for column in columns)
    click.echo(f"{'mean':22}{'':8}{means}")


if __name__ == "__main__":
    main()
