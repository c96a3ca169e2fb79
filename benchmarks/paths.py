"""Which way leads from one window to another? Line, arc, the flow's, and a searched one.

    python benchmarks/paths.py melody_2bar shards/melody --split validation

Nine steps on each way, taken as `interpolate` does with the timing "perceived", between windows of
files that were not trained on; figures as in `between.py`. *flow* is the arc through the noise that
a flow prior makes codes of. *searched* is the best of 16 ways: arcs through a point near the middle
of the arc, shifted towards a code of the prior; best is what changes least on 17 places (the sum of
the squares, as perceived), each fault of the middle counting a tenth of that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from musical import View, chosen, of_ways
from torch import Tensor

import seqvae
from seqvae.music.data.shards import read_windows
from vaecore import LatentSpace, lerp, slerp

Way = Callable[[Tensor], Tensor]
STEPS, PLACES, TRIED, SHIFT = 9, 17, 16, 0.6
FAULT = 0.1


def straight(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return lerp(a, b, t.to(a))


def arc(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return slerp(a, b, t.to(a))


def through_flow(prior: Any, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return codes on an arc of noise; the ends are the codes themselves."""
    first, last = prior.to_noise(torch.stack([a, b]))
    z, t = prior.from_noise(slerp(first, last, t.to(a))), t.to(a)[:, None]
    return torch.where(t == 0, a, torch.where(t == 1, b, z))


def by_way_of(middle: Tensor, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Return codes on an arc to a point in the middle and on an arc from there."""
    t = t.to(a)
    there, back = slerp(a, middle, (2 * t).clamp(max=1)), slerp(middle, b, (2 * t - 1).clamp(min=0))
    return torch.where(t[:, None] <= 0.5, there, back)


def searched(space: LatentSpace[Any], a: Tensor, b: Tensor, seed: int) -> Way:
    """Return the best of some ways, the arc among them."""
    perception = space.codec.perception
    assert perception is not None
    middle, t = slerp(a, b, 0.5), torch.linspace(0, 1, PLACES)
    share = SHIFT * torch.linspace(0, 1, TRIED)[:, None]
    middles = (1 - share**2).sqrt() * middle + share * space.sample_codes(TRIED, seed=seed)
    ways = [partial(by_way_of, each, a, b) for each in middles]
    x = space.decode_to_examples(torch.cat([way(t) for way in ways])).unflatten(0, (TRIED, -1))
    change = torch.stack([perception.change(each).square().sum() for each in x])
    faults = perception.faults(x[:, PLACES // 2]).to(change)
    return ways[int((change * (1 + FAULT * faults)).argmin())]


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--pairs", default=60, show_default=True)
@click.option("--seed", default=0)
def main(model, shards, split, pairs, seed) -> None:
    torch.set_num_threads(1)
    space: LatentSpace[Any] = seqvae.load(model)
    view, codec, moves = View(space.codec), space.codec, space.moves
    if moves is None:
        raise click.UsageError(f"{model} has no perception")
    windows = codec.unpack(read_windows(shards, split))
    windows = windows[view.notes(windows) > 0]
    x = torch.from_numpy(chosen(windows, 2 * pairs, np.random.default_rng(seed)))
    ends = space.posterior_of(x).mean.unflatten(0, (pairs, 2))
    kinds: dict[str, Callable[[Tensor, Tensor, int], Way]] = {
        "line": lambda a, b, k: partial(straight, a, b),
        "arc": lambda a, b, k: partial(arc, a, b),
        "searched": lambda a, b, k: searched(space, a, b, seed + k),
    }
    if space.prior is not None and space.prior.invertible and not space.prior.conditional:
        kinds["flow"] = lambda a, b, k: partial(through_flow, space.prior, a, b)
    wanted = torch.linspace(0, 1, STEPS)
    for name, way in kinds.items():
        codes = [moves.walk(wanted, way(*pair, k)) for k, pair in enumerate(ends)]
        figures = of_ways(
            view, space.decode_to_examples(torch.cat(codes)).unflatten(0, (pairs, -1))
        )
        top = {k: v for k, v in figures.items() if isinstance(v, float)}
        middle = {f"middle_{k}": v for k, v in figures["middle"].items()}
        cells = "  ".join(f"{k} {v:.3f}" for k, v in (top | middle).items())
        click.echo(f"{name:9} {cells}")


if __name__ == "__main__":
    main()
