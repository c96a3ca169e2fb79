"""How much more often than by chance is each interval heard between melody and bass?

    python benchmarks/harmony.py shards/trio

Prints the twelve numbers of `architecture.harmony`: the logarithm of how often the bass is so many
semitones (mod 12) below the melody, against the same bass shifted by 3, 5 and 7 bars, over all
steps of the training split on which both sound; times `--weight`. By 1 they are what music has; a
decoder that is drawn from between codes needs more, see docs/between.md.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from musical import sounding

from seqvae.music.data.shards import read_summary, read_windows
from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations import make_codec

SHIFTS = (0, 3, 5, 7)
"""Bars by which the bass is shifted: not at all, and so far that they meet by chance."""


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--weight", default=3.0, show_default=True)
def main(shards: Path, weight: float) -> None:
    codec = make_codec(read_summary(shards)["representation"])
    x = codec.unpack(read_windows(shards, "train"))
    melody, bass = sounding(x[..., 0]), sounding(x[..., 1])
    shares = []
    for shift in SHIFTS:
        low = np.roll(bass, shift * STEPS_PER_BAR, axis=1)
        both = (melody >= 0) & (low >= 0)
        count = np.bincount((melody - low)[both] % 12, minlength=12)
        shares.append(count / count.sum())
    real, chance = shares[0], np.mean(shares[1:], axis=0)
    click.echo([round(float(each), 2) for each in weight * np.log(real / chance)])


if __name__ == "__main__":
    main()
