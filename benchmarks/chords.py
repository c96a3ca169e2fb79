"""Are samples of chords and piano like music? Pitch classes, notes struck together, roughness.

    python benchmarks/chords.py piano_2bar shards/piano

Samples as they come, before any is drawn again, beside windows of the test, validation and training
split. Divergences are those of Jensen and Shannon, in bits, to the test windows. "From the tonic"
turns the pitch classes of each window so that its best major scale begins at 0.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

import seqvae
from seqvae.music.data.shards import read_windows
from seqvae.music.representations.alphabet import LOWEST_PITCH
from seqvae.music.representations.piano.properties import properties
from seqvae.music.representations.piano.texture import blocks

MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
TIE = 1e-3


def histograms(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return shares of pitch classes, as they are and from the tonic, and of 1 to 6 notes."""
    pitch = blocks(x)[0]
    note = pitch > 0
    row = np.repeat(np.arange(len(x)), note.sum((1, 2)))
    classes = np.zeros((len(x), 12))
    np.add.at(classes, (row, (pitch[note] + LOWEST_PITCH - 1) % 12), 1)
    turned = np.stack([np.roll(classes, -root, axis=1) for root in range(12)])
    # Of scales that fit as well the one whose tonic is struck more often.
    root = ((turned * MAJOR).sum(2) + TIE * turned[..., 0]).argmax(0)
    from_tonic = turned[root, np.arange(len(x))] / classes.sum(1, keepdims=True)
    size = note.sum(2)
    together = np.bincount(size[size > 0], minlength=7)[1:]
    return {
        "pitch class": classes.sum(0) / classes.sum(),
        "from the tonic": from_tonic.mean(0),
        "notes struck together": together / together.sum(),
    }


def divergence(a: np.ndarray, b: np.ndarray) -> float:
    """Return that of Jensen and Shannon in bits."""
    middle = (a + b) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.nansum(p * np.log2(p / middle)) for p in (a, b)]
    return float(sum(parts) / 2)


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--draws", default=500, show_default=True)
@click.option("--windows", default=2000, show_default=True, help="Of each split.")
def main(model, shards, draws, windows) -> None:
    torch.set_num_threads(1)
    space = seqvae.load(model).as_examples()
    rng = np.random.default_rng(0)
    kinds = {"samples": space.draw(draws, seed=0, keep_all=True).x.numpy()}
    for split in ("test", "validation", "train"):
        x = space.codec.unpack(read_windows(shards, split))
        x = x[(blocks(x)[0] > 0).any((1, 2))]
        kinds[split] = x[rng.choice(len(x), min(windows, len(x)), replace=False)]
    found = {kind: histograms(x) for kind, x in kinds.items()}
    for name in found["test"]:
        click.echo(f"\n{name}")
        for kind, each in found.items():
            cells = " ".join(f"{share:.3f}" for share in each[name])
            apart = divergence(each[name], found["test"][name])
            click.echo(f"  {kind:10}  {cells}   {apart:.4f} bits")
    click.echo()
    for name, each in properties(space.codec.grid).items():
        means = "".join(f"{np.nanmean(each.of(x)):9.3f}" for x in kinds.values())
        click.echo(f"  {name:14}{means}")


if __name__ == "__main__":
    main()
