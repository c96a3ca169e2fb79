"""What does one key do to blends? The same pairs in the keys they have, and in that of the first.

    python benchmarks/keys.py melody_2bar shards/melody --source pop909

Pairs are windows of files that were not trained on, nine steps each, as `interpolate` takes them
with `--key keep` and `--key common`. Only pairs that clash are counted; their number is printed.

scales      how many major scales the nine steps are in, each in the one that has most of its notes
middle      share of the notes half way that are in the scale of the first window
poor        share of middles that are poor melodies; see `benchmarks/musical.py`
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch
from between import of_source
from musical import View, character, chosen, stacked

import seqvae
from seqvae.music.data.shards import read_windows
from seqvae.music.representations import keys

NINE = 9


def best_scale(count: np.ndarray) -> int:
    """Return the tonic of the major scale that has most of the notes."""
    return int(np.argmax([(count * keys.scale(tonic, "major")).sum() for tonic in range(12)]))


def figures(space, pairs: torch.Tensor) -> dict[str, float]:
    """Return the figures of pairs `(n, 2, ...)`, blended as they are."""
    codec, view = space.codec, View(space.codec)
    scales, inside, middles = [], [], []
    for pair in pairs:
        steps = stacked(space.interpolate(*pair, steps=NINE))
        counts = [keys.pitch_classes(codec.by_voice(x[None])) for x in steps]
        scales.append(len({best_scale(count) for count in counts if count.any()}))
        middles.append(steps[NINE // 2])
        middle = counts[NINE // 2]
        if middle.any():
            home = keys.scale(*keys.key(keys.pitch_classes(codec.by_voice(pair[:1]))))
            inside.append((middle * home).sum() / middle.sum())
    poor = character(view, torch.stack(middles))["poor"]
    return {"scales": float(np.mean(scales)), "middle": float(np.mean(inside)), "poor": poor}


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--source", help="Only windows of this source, such as pop909.")
@click.option("--pairs", default=100, show_default=True, help="Pairs, of which some clash.")
@click.option("--seed", default=0)
@click.option("--json", "as_json", is_flag=True)
def main(model, shards, split, source, pairs, seed, as_json) -> None:
    torch.set_num_threads(1)
    space = seqvae.load(model).as_examples()
    windows = read_windows(shards, split)
    if source:
        windows = windows[of_source(shards, split, source)]
    windows = space.codec.unpack(windows)
    windows = windows[View(space.codec).notes(windows) > 0]
    taken = chosen(windows, 2 * pairs, np.random.default_rng(seed))
    each = torch.from_numpy(taken).unflatten(0, (pairs, 2))
    moves = []
    for pair in each:
        counts = [keys.pitch_classes(space.codec.by_voice(x[None])) for x in pair]
        moves.append(keys.shifts(counts)[1])
    clash = [k for k, move in enumerate(moves) if move]
    kept = each[clash]
    moved = torch.stack(
        [
            torch.stack([pair[0], keys.moved(space.codec, pair[1], moves[k])])
            for k, pair in zip(clash, kept, strict=True)
        ]
    )
    found = {"keep": figures(space, kept), "common": figures(space, moved)}
    result = {"model": str(model), "pairs": pairs, "clash": len(clash), **found}
    if as_json:
        click.echo(json.dumps(result))
        return
    click.echo(f"{model}: {len(clash)} of {pairs} pairs clash")
    for name, row in found.items():
        click.echo(f"  {name:8}" + "".join(f"  {k} {v:.2f}" for k, v in row.items()))


if __name__ == "__main__":
    main()
