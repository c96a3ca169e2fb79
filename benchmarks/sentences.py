"""Quality of text models, and the effects of their attribute vectors.

    python benchmarks/sentences.py captions.valid.txt sentences runs/without_z

The first table has the figures of `seqvae evaluate` for every model; one that was trained with a
huge beta is the same decoder without z, to compare with. The second has what each attribute
vector of the first model does to every property of some of the sentences, as in `attributes.py`.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch
from attributes import table

import seqvae
from seqvae.sequences.attributes import effects
from seqvae.text.evaluate import evaluate

FIGURES = {
    "nll": ".1f", "kl_nats": ".2f", "elbo": ".1f", "bound": ".1f", "perplexity": ".1f",
    "words_kept": ".3f", "teacher_forced_accuracy": ".3f", "sampled_accuracy": ".3f",
    "greedy_accuracy": ".3f", "event_accuracy": ".3f",
}  # fmt: skip


@click.command(help=__doc__)
@click.argument("text", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True)
@click.option("--limit", type=int, help="At most so many sentences, at even distances.")
@click.option("--edited", default=500, help="Sentences that attributes are added to.")
def main(text: Path, models: tuple[str, ...], limit: int | None, edited: int) -> None:
    torch.set_num_threads(1)
    spaces = [seqvae.load(model) for model in models]
    click.echo(f"| model | n | {' | '.join(FIGURES)} |\n|---|{'---:|' * (len(FIGURES) + 1)}")
    for space in spaces:
        found = evaluate(space, [text], limit=limit)
        values = " | ".join(format(found[name], form) for name, form in FIGURES.items())
        click.echo(f"| `{space.name}` | {found['examples']:,} | {values} |")
    space = spaces[0]
    x = space.examples(text).x
    x = x[torch.linspace(0, len(x) - 1, min(edited, len(x))).long()]
    known = list(space.codec.properties())
    names = [name for name in known if name in space.attributes]
    matrix = effects(space, {name: space.attributes[name] for name in names}, x)
    matrix = matrix[:, [known.index(name) for name in names]]
    off = np.abs(matrix[~np.eye(len(names), dtype=bool)])
    click.echo(f"\n{table(names, matrix)}")
    click.echo(f"\nown change {np.diag(matrix).mean():+.2f}, |change of others| {off.mean():.2f}")


if __name__ == "__main__":
    main()
