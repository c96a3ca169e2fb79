"""What stops edits? Each attribute of a model, added to and taken from each of some windows.

    python benchmarks/music_edits.py melody_2bar shards/melody --items 24

For each attribute and sign, of unseen windows: which share moved the right way by 1, which share is
at the end already (a share of 0 or 1, no tom to lose), what is said about edits ("cannot go
further"), and which share could have moved and did not. Then how far they came by 1 and by 0.5, in
standard deviations; half is the second as a share of the first, of all windows and of those that
came to 1 (within a quarter); short is the share that ended a quarter before both 1 and the end; and
kept the share of the notes that an edit by 0.5 keeps.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch
from musical import View, chosen, kept, stacked

import seqvae
from seqvae.music.data.shards import read_windows
from seqvae.sequences.property import Property

STRENGTHS = (-1.0, -0.5, 0.5, 1.0)
NEAR = 0.25
COUNTED = ("hits per step", "notes per step", "semitones", "notes")
"""Units of what cannot be less than none."""
COLUMNS = ("right", "at end", "said", "could, did not", "by 1", "by 0.5", "half", "of those at 1",
           "at 1", "short", "kept")  # fmt: skip


def left(of: Property, value: float, sign: float) -> float:
    """Return how far a property is from its end; of swing that is straight."""
    share = of.unit.startswith("share of")
    if sign > 0:
        return 1 - value if share else np.inf
    if of.neutral is not None:
        return max(0, value - of.neutral)
    return value if share or of.unit in COUNTED else np.inf


def row(pieces: np.ndarray) -> list[float]:
    """Return the figures of `COLUMNS`; pieces `(n, 5)`: moved by 1 and 0.5, left, said, kept."""
    whole, half, rest, said, same = pieces.T
    right, end, came = whole > 1e-6, rest < 1e-6, np.abs(whole - 1) <= NEAR
    short = np.minimum(1, rest) - whole > NEAR
    among = half[came].mean() / whole[came].mean() if came.any() else np.nan
    shares = (right, end, said, ~end & ~right)
    moved = (whole.mean(), half.mean(), half.mean() / max(whole.mean(), 1e-9), among)
    return [*(x.mean() for x in shares), *moved, came.mean(), short.mean(), float(np.nanmean(same))]


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--items", default=12, show_default=True, help="Windows.")
@click.option("--only", help="These attributes, separated by commas.")
@click.option("--seed", default=1, show_default=True)
def main(model, shards, split, items, only, seed) -> None:
    torch.set_num_threads(1)
    space = seqvae.load(model).as_examples()
    view, known = View(space.codec), space.codec.properties()
    windows = space.codec.unpack(read_windows(shards, split))
    windows = windows[view.notes(windows) > 0]
    some = torch.from_numpy(chosen(windows, items, np.random.default_rng(seed)))
    click.echo(f"{model}, {len(some)} windows of {split}")
    click.echo(" " * 24 + "".join(f"{name:>15}" for name in COLUMNS))
    for name in only.split(",") if only else space.attributes:
        of, unit = known[name].of, space.config.attributes[name]["deviation"]
        found: dict[float, list[list[float]]] = {-1.0: [], 1.0: []}
        for item in some:
            own = stacked(space.reconstruct([item]))
            edits = space.steered(item, [{name: strength} for strength in STRENGTHS])
            x = space.decode_to_examples(torch.stack([each.z for each in edits]))
            before = float(of(own.numpy())[0])
            moved = (of(x.numpy()) - before) / unit
            same = kept(view, own.expand_as(x), x)
            for sign, by_one, by_half in ((-1.0, 0, 1), (1.0, 3, 2)):
                if not np.isnan(moved[[by_one, by_half]]).any():
                    rest = left(known[name], before, sign) / unit
                    found[sign].append([sign * moved[by_one], sign * moved[by_half], rest,
                                        bool(edits[by_one].missed()), same[by_half]])  # fmt: skip
        for sign, pieces in found.items():
            if pieces:
                cells = "".join(f"{x:15.2f}" for x in row(np.array(pieces)))
                click.echo(f"{name:20} {sign:+2.0f} {cells}")


if __name__ == "__main__":
    main()
