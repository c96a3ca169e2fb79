"""Are interpolations smooth, and is their middle as plausible as their ends?

    python benchmarks/interpolation.py drums_2bar SHARDS --plot docs/interpolation_drums.png

For pairs of windows of the test split, `steps` points on the way are decoded greedily. The table
gives, averaged over pairs: the Hamming distance (share of steps that differ) from each end; how
plausible the decoded window is under the model, as an importance-weighted bound on log p(x) in
nats (Burda et al. 2016); and the same for naive mixing, in which every step is taken
from A or, with probability t, from B. These are the two curves of MusicVAE's figure 5.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch
from figures import pair, save

import seqvae
from seqvae.music.data.shards import read_windows
from vaecore import interpolate
from vaecore.bounds import importance_bound


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--pairs", default=100)
@click.option("--steps", default=11)
@click.option("--samples", default=16, help="Importance samples of the bound.")
@click.option("--path", default="slerp", type=click.Choice(["slerp", "lerp"]))
@click.option("--seed", default=0)
@click.option("--json", "as_json", is_flag=True)
@click.option("--plot", type=click.Path(path_type=Path))
def main(model, shards, pairs, steps, samples, path, seed, as_json, plot) -> None:
    space = seqvae.load(model)
    windows = read_windows(shards, "test").reshape(-1, *space.codec.shape)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(windows), 2 * pairs, replace=False)
    a, b = torch.from_numpy(windows[chosen].astype(np.int64)).split(pairs)
    za, zb = space.posterior_of(a).mean, space.posterior_of(b).mean
    ways = torch.stack(
        [interpolate(torch.stack(ends), steps, path) for ends in zip(za, zb, strict=True)]
    )
    ours = space.decode_to_examples(ways.flatten(0, 1)).unflatten(0, (pairs, steps))
    take_b = (
        torch.from_numpy(rng.random((pairs, 1, a.shape[1]))) < torch.linspace(0, 1, steps)[:, None]
    )
    take_b = take_b.view(*take_b.shape, *[1] * (a.dim() - 2))  # all voices of a step together
    naive = torch.where(take_b, b[:, None], a[:, None])
    generator = torch.Generator().manual_seed(seed)
    table = {"t": torch.linspace(0, 1, steps).tolist()}
    for name, x in (("latent", ours), ("naive", naive)):
        likelihood = importance_bound(space.model, x.flatten(0, 1), samples, generator).view(
            pairs, steps
        )
        table[name] = {
            "distance_from_a": (x != x[:, :1]).double().transpose(0, 1).flatten(1).mean(1).tolist(),
            "distance_from_b": (x != x[:, -1:])
            .double()
            .transpose(0, 1)
            .flatten(1)
            .mean(1)
            .tolist(),
            "log_likelihood": likelihood.mean(0).tolist(),
        }
    if as_json:
        click.echo(json.dumps(table, indent=1))
    else:
        click.echo(
            f"{'t':>5}  {'latent: from A':>15}{'from B':>9}{'log p(x)':>10}"
            f"  {'naive: from A':>15}{'from B':>9}{'log p(x)':>10}"
        )
        for k, t in enumerate(table["t"]):
            cells = [[table[n][c][k] for c in table[n]] for n in ("latent", "naive")]
            click.echo(f"{t:5.2f}" + "".join(f"  {p:15.3f}{q:9.3f}{r:10.1f}" for p, q, r in cells))
    if plot:
        draw(table, plot)


def draw(table: dict, path: Path) -> None:
    """Draw both curves."""
    figure, (left, right) = pair()
    for name, colour in (("naive", "#b9b9b9"), ("latent", "#28587b")):
        curves = table[name]
        left.plot(
            table["t"], curves["distance_from_a"], "o-", color=colour, label=f"{name}, from A"
        )
        left.plot(
            table["t"], curves["distance_from_b"], "o--", color=colour, label=f"{name}, from B"
        )
        right.plot(table["t"], curves["log_likelihood"], "o-", color=colour, label=name)
    left.set(xlabel="t", ylabel="share of steps that differ", title="distance from the ends")
    right.set(xlabel="t", ylabel="log p(x), nats (bound)", title="plausibility under the model")
    save(figure, path)


if __name__ == "__main__":
    main()
