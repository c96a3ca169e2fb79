"""`python -m examples.digits`: the shared verbs for digits, and train."""

from __future__ import annotations

from pathlib import Path

import click

from examples.digits import BOX, DOMAIN
from examples.digits.presentation import DigitPresentation
from vaecore.cli import build

HELP = """Morph, vary and invent handwritten digits: a third domain over the shared core.

`python -m examples.digits train` trains three models in half a minute: with reconstruction only,
with KL only, and with both. All other verbs use the last one; --model takes another.
"""


@click.command()
@click.option("--mnist", type=click.Path(path_type=Path), help="MNIST's npz file, instead of the "
              "digits of scikit-learn.")  # fmt: skip
@click.option("--steps", type=click.IntRange(1), default=3000, show_default=True, help="Of each.")
@click.option("--beta", type=click.FloatRange(0), default=1.0, show_default=True, help="Weight of "
              "the KL in the model with both terms.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
def train(mnist: Path | None, steps: int, beta: float, seed: int) -> None:
    """Train the three models of the lesson, and draw their latent spaces."""
    import torch

    from examples.digits import lesson
    from examples.digits.presentation import TITLES

    torch.set_num_threads(1)
    known, held_out = lesson.load(mnist)
    models, names = {}, ("reconstruction", "kl", "elbo", "code_std", "knn_accuracy")
    click.echo(f"{len(known.x):,} digits, {len(held_out.x):,} held out")
    click.echo(f"{'':22}" + "".join(f"{name:>15}" for name in names))
    for mode, title in TITLES.items():
        weight = beta if mode == "vae" else 1.0
        models[mode] = lesson.train(known.x, mode, weight, steps=steps, seed=seed)
        found = lesson.measure(models[mode], known, held_out, seed)
        click.echo(f"{title:22}" + "".join(f"{found[name]:15.2f}" for name in names))
    for path in lesson.keep(models, held_out, BOX):
        click.echo(path)


def main() -> None:
    """Run the command."""
    group = build(DigitPresentation(DOMAIN), help=HELP)
    group.add_command(train)
    group.run()


if __name__ == "__main__":
    main()
