"""What does each attribute vector do to every attribute, by an independent classifier, the judge?

    python benchmarks/face_edits.py FACES faces_64
    python benchmarks/face_edits.py FACES faces_64 --ways

To up to 500 test faces that lack an attribute (by their label, and by the judge on their
reconstruction) its vector is added at strength 1, and at strength -1 to those that have it. `flips`
is the share in which the judge's decision about the attribute changes; `own` the mean absolute
change of its probability, `others` the mean of the other attributes that have a vector, relative to
`own`. The matrix has the mean change of each attribute's probability in percentage points.

Attributes are added as the model does it: by its directions, which depend on the face, where it has
any, and by its vectors elsewhere; nothing is shortened.

`--ways` fits vectors anew by all methods (difference of means, regression, and eased, a mean of the
two), with the fitter to calibrate their lengths; `--save FOLDER` keeps the eased ones in a model
folder, and `--directions STEPS` trains and keeps directions there, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from judges import classifier, data, read

import facevae
from facevae.attributes import METHODS, NAMES, describe, fit_attributes, steps_back
from facevae.classifier import FaceClassifier
from facevae.directions import DirectionSettings, fit_directions
from facevae.domain import DOMAIN
from facevae.effects import Effects, effects
from vaecore.directions import Directions
from vaecore.space import LatentSpace


def show(title: str, names: list[str], judge: FaceClassifier, added: Effects, taken: Effects,
         everything: bool) -> None:  # fmt: skip
    """Print how often each vector flips its attribute, and the matrix, as Markdown."""
    own = [judge.names.index(name) for name in names]
    click.echo(f"\n**{title}**\n\n| vector | faces | flips | own | others | taken away: flips |")
    click.echo("|---|---:|---:|---:|---:|---:|")
    ratios = added.others(own)
    for row, name in enumerate(names):
        click.echo(
            f"| `{name}` | {added.faces[row]} | {added.flips[row]:.0%} | "
            f"{added.change[row, own[row]]:.2f} | {ratios[row]:.2f} | {taken.flips[row]:.0%} |"
        )
    columns = range(len(judge.names)) if everything else own
    heads = [judge.names[column].replace("_", " ") for column in columns]
    click.echo("\n| added | " + " | ".join(heads) + " |\n|---|" + "---:|" * len(heads))
    for row, name in enumerate(names):
        cells = (f"{100 * added.shift[row, column]:+.0f}" for column in columns)
        marked = (
            f"**{cell}**" if column == own[row] else cell
            for cell, column in zip(cells, columns, strict=True)
        )
        click.echo(f"| `{name}` | " + " | ".join(marked) + " |")


def codes_of(space: LatentSpace, images: torch.Tensor) -> torch.Tensor:
    """Return posterior means of uint8 images."""
    return torch.cat([space.posterior_of(part.float() / 255).mean for part in images.split(256)])


def keep(
    place: Path,
    vectors: dict[str, torch.Tensor],
    back: dict[str, dict],
    directions: Directions | None,
) -> None:
    """Put vectors, what is known of steps back, and directions into a model folder."""
    space = facevae.load(place)
    config = replace(space.config, attributes=describe(vectors, back))
    DOMAIN.save(place, space.model, config, attributes=vectors, directions=directions)


@click.command(help=__doc__)
@data
@click.argument("model")
@click.option("--ways", is_flag=True, help="Fit vectors by all methods, and show each.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    help="Fit eased vectors into a model folder.",
)
@click.option("--directions", default=0, help="Train directions for so many steps.")
@click.option("--only", multiple=True, help="This attribute alone; may be given again.")
@click.option("--limit", default=20_000, help="Training faces to fit on.")
@click.option("--all", "everything", is_flag=True, help="The matrix with every attribute.")
def main(faces, labels, cache, model, ways, save, directions, only, limit, everything) -> None:
    judge = classifier("judge", faces, labels, cache)
    space = facevae.load(model)
    test = read(faces, labels, "test", space.codec.size)
    codes = codes_of(space, test.images)
    if ways or save:
        fitter = classifier("fitter", faces, labels, cache)
        known = read(faces, labels, "train", space.codec.size, limit)
        names = list(only or NAMES)
        columns = [judge.names.index(name) for name in names]
        z = codes_of(space, known.images)
        made = {
            method: fit_attributes(space, z, known.labels[:, columns], names, fitter, method)
            for method in (METHODS if ways else METHODS[:1])
        }
        if save:
            vectors = made[METHODS[0]]
            back = steps_back(space, z, known.labels[:, columns], names, vectors, fitter)
            bent = None
            if directions:
                others = classifier("perceptual", faces, labels, cache)
                settings = DirectionSettings(steps=directions)
                bent = fit_directions(
                    space, z, known.labels[:, columns], names, vectors, back, [fitter, others],
                    settings,
                    lambda step, loss: click.echo(f"step {step:,} · loss {loss:.3f}", err=True),
                )  # fmt: skip
            keep(save, vectors, back, bent)
    else:
        made = {"as the model adds them": dict.fromkeys(only or space.attributes)}
    for kind, vectors in made.items():
        added, taken = (
            effects(space, vectors, codes, judge, labels=test.labels, strength=strength)
            for strength in (1.0, -1.0)
        )
        show(kind, list(vectors), judge, added, taken, everything)
        own = [judge.names.index(name) for name in vectors]
        click.echo(
            f"\nmean flips {added.flips.mean():.0%}, least {added.flips.min():.0%}; "
            f"others {np.mean(added.others(own)):.2f} of own on average, "
            f"{np.max(added.others(own)):.2f} at most"
        )


if __name__ == "__main__":
    main()
