"""Make a model folder that shares weights, prior and vectors with another one.

    python tools/share.py runs/faces_128 facevae/models/faces_64 facevae/models/faces_128

writes the last folder, which must be beside the second one: configuration, card, and the weights of
the first that the second lacks. All other weights must be equal in both.
`--scale NAME=FACTOR` multiplies the weights whose names begin with NAME.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import click
import torch

from vaecore.config import read_config, write_config
from vaecore.folder import CARD, WEIGHTS, read_tensors, write_tensors


@click.command(help=__doc__)
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.argument("other", type=click.Path(path_type=Path, exists=True))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--scale", multiple=True, metavar="NAME=FACTOR")
def main(model: Path, other: Path, output: Path, scale: tuple[str, ...]) -> None:
    if output.resolve().parent != other.resolve().parent:
        raise click.ClickException(f"{output} has to be beside {other}")
    config = read_config(model)
    ours, theirs = read_tensors(model / WEIGHTS), read_tensors(other / WEIGHTS)
    for name, value in theirs.items():
        if name not in ours or not torch.allclose(ours[name], value, rtol=1e-2, atol=1e-3):
            raise click.ClickException(f"{name} is not what {other} has")
    output.mkdir(exist_ok=True)
    own = {name: value for name, value in ours.items() if name not in theirs}
    for beginning, _, factor in (each.partition("=") for each in scale):
        chosen = [name for name in own if name.startswith(beginning)]
        if not chosen:
            raise click.ClickException(f"there is no weight {beginning}")
        own |= {name: own[name] * float(factor) for name in chosen}
    write_tensors(output / WEIGHTS, own, config.bits)
    write_config(output, replace(config, name=output.name, shares_with=other.name))
    if (model / CARD).exists() and not (output / CARD).exists():
        copyfile(model / CARD, output / CARD)
    size = (output / WEIGHTS).stat().st_size / 1e6
    click.echo(f"{output}: {len(own)} of {len(ours)} tensors, {size:.2f} MB")


if __name__ == "__main__":
    main()
