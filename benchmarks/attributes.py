"""What does each attribute vector do to every property?

    python benchmarks/attributes.py drums_2bar SHARDS

Windows of the test split are encoded, a vector is added at the given strength, and the decoded
windows are measured. Entries are mean changes in standard deviations of the data: the diagonal
should be near the strength, all others near 0. `--quartiles` adds, for comparison, the MusicVAE
paper's vectors (mean code of the top quartile minus that of the bottom quartile), fitted on the
training split and scaled to the same diagonal; they change correlated properties as well.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

import seqvae
from seqvae.music.data.shards import ShardedWindows
from seqvae.music.properties import measure
from seqvae.sequences.attributes import effects
from vaecore import quartile_attribute_vector


def some(space, shards: Path, split: str, limit: int) -> Tensor:
    """Return at most `limit` windows of a split, at even distances."""
    windows = ShardedWindows(shards, split).spread(limit)
    return torch.from_numpy(space.codec.unpack(windows))


def quartile_vectors(space, windows: Tensor) -> dict[str, Tensor]:
    """Return the paper's vectors, scaled so that each changes its own property by 1."""
    codes = space.posterior_of(windows).mean
    vectors = {}
    for name, values in measure(space.codec, windows).items():
        known = torch.from_numpy(~np.isnan(values))
        vectors[name] = quartile_attribute_vector(codes[known], torch.from_numpy(values)[known])
    own = np.diag(effects(space, vectors, windows[:1024]))
    return {n: v / max(s, 0.1) for (n, v), s in zip(vectors.items(), own, strict=True)}


def table(names: list[str], matrix: np.ndarray) -> str:
    """Return the matrix as a Markdown table."""
    head = "| added | " + " | ".join(names) + " |\n|---|" + "---:|" * len(names) + "\n"
    rows = (
        f"| `{name}` | "
        + " | ".join(f"**{v:+.2f}**" if i == k else f"{v:+.2f}" for k, v in enumerate(row))
        + " |"
        for i, (name, row) in enumerate(zip(names, matrix, strict=True))
    )
    return head + "\n".join(rows)


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--windows", default=1000)
@click.option("--strength", default=1.0)
@click.option("--quartiles", is_flag=True, help="The paper's vectors instead of the shipped ones.")
def main(model, shards, windows, strength, quartiles) -> None:
    space = seqvae.load(model)
    test = some(space, shards, "test", windows)
    vectors = space.attributes
    if quartiles:
        vectors = quartile_vectors(space, some(space, shards, "train", 10_000))
    known = list(space.codec.properties())
    names = [name for name in known if name in vectors]
    matrix = effects(space, {name: vectors[name] for name in names}, test, strength)
    matrix = matrix[:, [known.index(name) for name in names]]
    click.echo(table(names, matrix))
    off = np.abs(matrix[~np.eye(len(names), dtype=bool)])
    click.echo(
        f"\nmean own change {np.diag(matrix).mean():+.2f}, mean |change of others| {off.mean():.2f}"
    )


if __name__ == "__main__":
    main()
