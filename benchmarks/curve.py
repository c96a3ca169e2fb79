"""What does recall cost the space between? One line for each of several trainings of one model.

    python benchmarks/curve.py shards/melody runs/a runs/b melody_2bar

The space itself is measured, without what moves do to mend it: codes on the arc between pairs of
held-out windows, nine at equal distances, and codes drawn from one normal distribution that is
fitted to the codes of training windows without faults, all decoded at temperature 0. Figures are
those of `benchmarks/musical.py`.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch
from musical import View, character, chosen, of_ways
from torch import Tensor

import seqvae
from seqvae.music.data.shards import ShardedWindows, read_windows
from seqvae.music.evaluate import measure
from vaecore import GaussianMixture, interpolate

FITTED, RECALLED = 4000, 512
"""Training windows that the normal distribution is fitted to; windows that are recalled."""


def normal(space, shards: Path) -> GaussianMixture:
    """Return one normal distribution of the codes of training windows without faults."""
    x = torch.from_numpy(space.codec.unpack(ShardedWindows(shards, "train").spread(FITTED)))
    x = x[space.codec.perception.faults(x) == 0]
    z = space.posterior_of(x).sample(torch.Generator().manual_seed(0))
    return GaussianMixture.fit(z, 1)


def line(space, shards: Path, x: Tensor, pairs: Tensor, draws: int) -> dict[str, float]:
    """Return the figures of one model."""
    view = View(space.codec)
    recalled = measure(space.model, x, 0)
    ends = space.posterior_of(pairs.flatten(0, 1)).mean.unflatten(0, pairs.shape[:2])
    z = torch.stack([interpolate(each, 9, "slerp") for each in ends])
    ways = space.decode_to_examples(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    between = of_ways(view, ways)
    prior = normal(space, shards)
    samples = space.decode_to_examples(prior.sample(draws, torch.Generator().manual_seed(1)))
    found = {
        "KL (nats)": recalled["kl_nats"],
        "sampled": recalled["sampled_accuracy"],
        "greedy": recalled["greedy_accuracy"],
        "distinct of nine": between["distinct_of_nine"],
        "largest step": between["largest_step"],
        "notes of middles": between["middle_notes_against_ends"],
    }
    for kind, figures in (("ends", between["ends"]), ("middles", between["middle"])):
        found |= {
            f"{kind} {name}": figures[name] for name in ("poor", "backbeat") if name in figures
        }
    drums = view.line(samples) is None
    name = "backbeat" if drums else "poor"
    return found | {f"samples {name}": character(view, samples)[name]}


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True)
@click.option("--split", default="test", show_default=True)
@click.option("--pairs", default=200, show_default=True)
@click.option("--draws", default=1000, show_default=True)
def main(shards: Path, models: tuple[str, ...], split: str, pairs: int, draws: int) -> None:
    torch.set_num_threads(1)
    codec = seqvae.load(models[0]).codec
    windows = codec.unpack(read_windows(shards, split))
    windows = windows[View(codec).notes(windows) > 0]
    few = torch.from_numpy(windows[np.linspace(0, len(windows) - 1, RECALLED).astype(int)])
    rng = np.random.default_rng(0)
    some = torch.from_numpy(chosen(windows, 2 * pairs, rng)).unflatten(0, (pairs, 2))
    for k, model in enumerate(models):
        found = line(seqvae.load(model).as_examples(), shards, few, some, draws)
        if not k:
            click.echo("| model | " + " | ".join(found) + " |\n|---|" + "---:|" * len(found))
        cells = " | ".join(f"{value:.3g}" for value in found.values())
        click.echo(f"| {Path(model).name} | {cells} |")


if __name__ == "__main__":
    main()
