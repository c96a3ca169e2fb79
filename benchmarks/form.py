"""Do a model's phrases have the form of music: bars that come back?

    python benchmarks/form.py SHARDS MODEL ... --plot docs/form.png

For windows of the test split, and what models make of codes: the share of bars that repeat an
earlier bar of their window, exactly (`same`) and within three edits of 16 (`near`; see
`seqvae.form`). `shuffled` are the data's own bars dealt out anew: what is alike without form. For
each model: reconstructions; samples from the prior that is fitted to the codes, and from N(0, I);
and the middles of interpolations between two test windows, all at temperature `--temperature`. Of a
trio each voice counts alike. The picture shows how alike bars are on average, by their places.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
import torch
from figures import save
from torch import Tensor

import seqvae
from seqvae.codecs import make_codec
from seqvae.data.shards import read_summary, read_windows
from seqvae.form import form, self_similarity, shuffled_bars
from vaecore import slerp


def made(model: str, data: Tensor, temperature: float, seed: int) -> Iterator[tuple[str, Tensor]]:
    """Yield what a model makes of codes, by what they are."""
    space = seqvae.load(model)
    name = Path(model).name
    codes = space.posterior_of(data).mean
    kinds = {"reconstructions": codes}
    if space.prior is not None:
        kinds[f"prior ({space.prior.kind})"] = space.sample_codes(len(data), seed)
    kinds["prior (normal)"] = space.sample_codes(len(data), seed, "normal")
    order = np.random.default_rng(seed).permutation(len(codes))
    kinds["interpolations"] = slerp(codes, codes[order], torch.tensor(0.5))
    for kind, z in kinds.items():
        yield f"{name}, {kind}", space.decode_to_examples(z, temperature, seed)


def shares(representation: str, x: Tensor) -> dict[str, float]:
    """Return the mean shares, over windows and voices, of bars that come back."""
    found = form(representation, x)
    return {
        short: float(np.mean([np.nanmean(v) for k, v in found.items() if k.endswith(name)]))
        for short, name in (("same", "repeated_bars"), ("near", "similar_bars"))
    }


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True)
@click.option("--windows", default=1000, show_default=True)
@click.option("--temperature", default=1.0, show_default=True)
@click.option("--seed", default=0)
@click.option("--plot", type=click.Path(path_type=Path), help="Draw self-similarities as PNG.")
@click.option("--json", "as_json", is_flag=True)
def main(shards, models, windows, temperature, seed, plot, as_json) -> None:
    codec = make_codec(read_summary(shards)["representation"])
    test = read_windows(shards, "test").reshape(-1, *codec.shape)
    order = np.random.default_rng(seed).permutation(len(test))[:windows]
    data = torch.from_numpy(test[order].astype(np.int64))
    groups = {"data": data, "shuffled": torch.from_numpy(shuffled_bars(data))}
    for model in models:
        groups |= made(model, data, temperature, seed)
    rows = {name: shares(codec.name, x) for name, x in groups.items()}
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        click.echo(f"| {len(data)} windows | same | near |\n|---|---:|---:|")
        for name, row in rows.items():
            click.echo(f"| {name} | {row['same']:.2f} | {row['near']:.2f} |")
    if plot:
        shown = {k: x for k, x in groups.items() if "reconstr" not in k and "interp" not in k}
        draw(shown, plot)


def draw(groups: dict[str, Tensor], path: Path) -> None:
    """Draw the mean self-similarity of each group."""
    figure, axes = plt.subplots(1, len(groups), figsize=(2.6 * len(groups), 2.9))
    for axis, (name, x) in zip(axes, groups.items(), strict=True):
        alike = self_similarity(x).mean(0)
        alike = alike.mean(0) if alike.ndim == 3 else alike
        np.fill_diagonal(alike, np.nan)
        axis.imshow(alike, vmin=0.35, vmax=0.85, cmap="magma")
        axis.set_title(name.replace(", ", "\n"), fontsize=8)
        axis.set_xticks(range(0, len(alike), 4), range(1, len(alike) + 1, 4), fontsize=7)
        axis.set_yticks(range(0, len(alike), 4), range(1, len(alike) + 1, 4), fontsize=7)
    save(figure, path)


if __name__ == "__main__":
    main()
