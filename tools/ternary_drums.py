"""Make drums of twelve steps a bar from drums of sixteen, since few are written in twelve.

    python -m tools.ternary_drums shards/drums shards/drums_ternary -o shards/drums_mixed

Training windows of two bars of sixteen steps become, once each:

- a shuffle, if no hit is on an odd sixteenth: the second eighth of a beat moves to two thirds;
- a waltz: the third beat of each bar is left out, so that kick, snare and snare remain;
- twelve eighths, if sixteenths are played: the second sixteenth of each beat is left out.

At most `--most` of each kind are kept, drawn with seed 0. Windows written in twelve steps are
repeated `--times` times; only these are in validation and test. Splits are by file in both.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from seqvae.music.data.shards import ShardWriter, read_summary, read_windows, window_table

BEATS, SIXTEENTHS = 4, 4
BUSY = 4
"""Smallest number of steps with hits on odd sixteenths for a window of twelve eighths."""


def shuffled(x: np.ndarray) -> np.ndarray:
    """Return the windows without odd sixteenths `(n, 32)` as shuffles, `(m, 24)`."""
    beats = x[~x[:, 1::2].any(1)].reshape(-1, 2 * BEATS, SIXTEENTHS)
    return np.stack([beats[..., 0], 0 * beats[..., 0], beats[..., 2]], -1).reshape(len(beats), -1)


def waltzes(x: np.ndarray) -> np.ndarray:
    """Return windows `(n, 32)` without the third beat of each bar, `(n, 24)`."""
    return x.reshape(-1, 2, BEATS, SIXTEENTHS)[:, :, [0, 1, 3]].reshape(len(x), -1)


def twelve_eighths(x: np.ndarray) -> np.ndarray:
    """Return busy windows `(n, 32)` without the second sixteenth of each beat, `(m, 24)`."""
    beats = x[(x[:, 1::2] > 0).sum(1) >= BUSY].reshape(-1, 2 * BEATS, SIXTEENTHS)
    return beats[..., [0, 2, 3]].reshape(len(beats), -1)


def rows(x: np.ndarray, source: str):
    """Return windows as a table for `ShardWriter`, all from one source."""
    return window_table(x, [source] * len(x), *(np.full(len(x), k) for k in (1, 120, 0)))


@click.command(help=__doc__.partition("\n")[0])
@click.argument("sixteen", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("twelve", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--most", default=4000, show_default=True, help="Windows of each kind.")
@click.option("--times", default=4, show_default=True, help="How often those of TWELVE come.")
def main(sixteen: Path, twelve: Path, output: Path, most: int, times: int) -> None:
    """Write shards of twelve steps, and a summary that counts what was made."""
    output.mkdir(parents=True)
    summary = read_summary(twelve)
    x = read_windows(sixteen, "train")
    own = read_windows(twelve, "train")
    draw = np.random.default_rng(0)
    with ShardWriter(output, "train", own.shape[1]) as writer:
        for _ in range(times):
            writer.add(rows(own, "written in twelve steps"))
        made = {}
        for make in (shuffled, waltzes, twelve_eighths):
            found = np.unique(make(x), axis=0)
            found = found[found.any(1)]
            found = found[draw.permutation(len(found))[:most]]
            writer.add(rows(found, make.__name__))
            made[make.__name__] = len(found)
    for split in ("validation", "test"):
        with ShardWriter(output, split, own.shape[1]) as writer:
            writer.add(rows(read_windows(twelve, split), "written in twelve steps"))
    summary["windows"]["train"] = times * len(own) + sum(made.values())
    summary["made"] = made
    (output / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(f"{len(own)} windows, {times} times, and {made}")


if __name__ == "__main__":
    main()
