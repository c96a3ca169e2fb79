"""KL, recall and quality of prior samples of models that were trained with other settings.

    python benchmarks/tradeoff.py SHARDS runs/beta_0.1 runs/beta_0.2 ... --plot docs/tradeoff.png

Every model is measured on the test split of the shards, used neither to train nor to choose one.
Prior samples are drawn at temperature 1 from N(0, I) and from the mixture fitted to the aggregate
posterior (in the model folder, or fitted here on the training split); `divergence` is the mean
Jensen-Shannon divergence, in bits, between their properties (onsets, pitches or drums, density,
syncopation, ...) and the data's. The last rows are of real windows: others of the test split, and
those that were trained on.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch
from figures import pair, save

import seqvae
from seqvae.music.data.shards import read_summary, read_windows
from seqvae.music.evaluate import compare, measure
from seqvae.music.representations import SequenceCodec, make_codec
from vaecore import GaussianMixture

COLUMNS = ("kl_nats", "teacher_forced_accuracy", "sampled_accuracy", "event_accuracy", "hit_f1")


def divergence(codec: SequenceCodec, samples: torch.Tensor, data: torch.Tensor) -> float:
    """Return the mean divergence over all properties and histograms."""
    return float(np.mean([v["divergence"] for v in compare(codec, samples, data).values()]))


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True)
@click.option("--windows", default=2000, help="Test windows, and samples from each prior.")
@click.option("--components", default=10, help="Components of a mixture fitted here.")
@click.option("--seed", default=0)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the curve as PNG.")
def main(shards, models, windows, components, seed, as_json, plot) -> None:
    order = np.random.default_rng(seed).permutation
    codec = make_codec(read_summary(shards)["representation"])
    test, train = (
        read_windows(shards, split).reshape(-1, *codec.shape) for split in ("test", "train")
    )
    test, train = (torch.from_numpy(w[order(len(w))].astype(np.int64)) for w in (test, train))
    data = test[:windows]
    rows = []
    for name in models:
        space = seqvae.load(name)
        if space.prior is None:
            codes = space.posterior_of(train[:20_000])
            generator = torch.Generator().manual_seed(seed)
            space.prior = GaussianMixture.fit(codes.sample(generator), components, seed=seed)
        row = {
            "model": name,
            "latent_dim": space.latent_dim,
            "objective": space.config.objective,
            **measure(space.model, data),
        }
        for prior in ("normal", "mixture"):
            z = space.sample_codes(len(data), seed, prior)
            samples = space.decode_to_examples(z, 1.0, seed)
            row[f"{prior}_divergence"] = divergence(codec, samples, data)
            row[prior] = compare(codec, samples, data)
        rows.append(row)
    floors = {
        name: divergence(codec, other, data)
        for name, other in (
            ("test windows", test[windows : 2 * windows]),
            ("training windows", train[:windows]),
        )
        if len(other)
    }
    if as_json:
        click.echo(json.dumps({"models": rows, "data": floors}, indent=1))
    else:
        show(rows, floors)
    if plot:
        draw(rows, floors, plot)


def show(rows: list[dict], floors: dict[str, float]) -> None:
    """Print the table."""
    columns = [c for c in COLUMNS if c in rows[0]] + ["normal_divergence", "mixture_divergence"]
    click.echo(f"{'model':28}" + "".join(f"{c.replace('_accuracy', ''):>20}" for c in columns))
    for row in rows:
        name = Path(row["model"]).name
        click.echo(f"{name:28}" + "".join(f"{row[c]:20.3f}" for c in columns))
    for name, floor in floors.items():
        click.echo(f"({name})".ljust(28) + f"{floor:{20 * len(columns)}.3f}")


def draw(rows: list[dict], floors: dict[str, float], path: Path) -> None:
    """Draw recall and divergence of the priors against the KL."""
    figure, (left, right) = pair()
    curves = (
        (left, "teacher_forced_accuracy", "#9fb4c7"),
        (left, "sampled_accuracy", "#28587b"),
        (right, "normal_divergence", "#e07a5f"),
        (right, "mixture_divergence", "#3d9970"),
    )
    for latent_dim, marker in zip(sorted({r["latent_dim"] for r in rows}), "oD^s*", strict=False):
        group = sorted(
            (r for r in rows if r["latent_dim"] == latent_dim), key=lambda r: r["kl_nats"]
        )
        kl = [row["kl_nats"] for row in group]
        for axes, name, colour in curves:
            label = f"{name.rpartition('_')[0].replace('_', '-')}, z {latent_dim}"
            axes.plot(kl, [r[name] for r in group], f"{marker}-", color=colour, label=label)
    left.set(xlabel="KL (nats)", ylabel="accuracy per step", title="recall, unseen windows")
    right.set(xlabel="KL (nats)", ylabel="divergence (bits)", title="prior samples against data")
    for (name, floor), style in zip(floors.items(), (":", "--"), strict=False):
        right.axhline(floor, color="#999999", linestyle=style, label=name)
    save(figure, path)


if __name__ == "__main__":
    main()
