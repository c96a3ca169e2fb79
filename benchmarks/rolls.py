"""What a model makes, as one small picture: 16 samples and 8 blends, not chosen by taste.

    python benchmarks/rolls.py drums_2bar shards/drums docs/rolls_drums_2bar.png

Samples are the first sixteen of `sample --seed 0`. Blends are those of the first eight pairs of
`between.py` with the seed 0, windows of files that were not trained on: five steps of nine for
short windows, the ends and the middle for long ones. Time runs to the right, bars are divided by
lines; notes begin dark, the bass is red, and of drums the kick is lowest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from musical import View, chosen, sounding, stacked
from PIL import Image, ImageDraw

import seqvae
from seqvae.music.data.shards import read_windows
from seqvae.music.representations.alphabet import HITS, LOWEST_PITCH
from seqvae.music.representations.piano.texture import blocks, rolls
from seqvae.music.representations.piano.texture import sounding as chords
from vaecore import LatentSpace
from vaecore.files import replacing

PAPER, LINE, INK, SOFT, BASS, PALE, FRAME = range(7)
COLOURS = (
    (255, 255, 255), (214, 220, 226), (24, 66, 110), (122, 168, 214), (158, 32, 40),
    (226, 150, 150), (110, 118, 126),
)  # fmt: skip
LANE = 4
"""Height of a drum, in pixels."""
GAP, TITLE = 8, 16
LONG = 4
"""Bars from which a window is drawn narrow, and of a blend only the ends and the middle."""


def panel(view: View, x: np.ndarray, low: int, high: int, wide: int) -> np.ndarray:
    """Return the picture of a window `(1, steps, ...)`, `(height, width)` of colours."""
    parts = []
    for name, voice in view.voices(x).items():
        steps = voice.shape[1]
        if name == "drums":
            hits = HITS.hits(voice)[0].T[::-1]
            part = np.where(np.repeat(hits, LANE, 0), INK, PAPER)
            part[LANE - 1 :: LANE] = PAPER
        elif name == "piano":
            keys = slice(low - LOWEST_PITCH, high - LOWEST_PITCH + 1)
            roll = rolls(voice[0])
            part = np.where(chords(roll)[:, keys].T[::-1], SOFT, PAPER)
            part = np.where(roll[:, keys].T[::-1] > 0, INK, part)
            part = np.repeat(part, 2, 0)
        else:
            dark, pale = (BASS, PALE) if name == "bass" else (INK, SOFT)
            rows = np.arange(high, low - 1, -1)[:, None]
            part = np.where(rows == sounding(voice)[0], pale, PAPER)
            part = np.where((rows == voice[0] - 2 + 21) & (voice[0] >= 2), dark, part)
            part = np.repeat(part, 2, 0)
        part = np.repeat(part, wide, 1)
        if name == "drums" and wide > 1:  # hits that follow each other stay apart
            part[:, wide - 1 :: wide] = PAPER
        bars = np.arange(0, steps, view.codec.steps_per_bar)[1:] * wide
        part[:, bars] = np.where(part[:, bars] == PAPER, LINE, part[:, bars])
        parts.append(part)
    return np.pad(np.concatenate(parts), 1, constant_values=FRAME)


def page(panels: list[np.ndarray], columns: int) -> np.ndarray:
    """Return panels side by side and below each other."""
    padded = [np.pad(each, GAP // 2, constant_values=PAPER) for each in panels]
    rows = [padded[k : k + columns] for k in range(0, len(padded), columns)]
    return np.concatenate([np.concatenate(row, 1) for row in rows])


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--seed", default=0)
def main(model, shards, output, split, seed) -> None:
    torch.set_num_threads(1)
    space: LatentSpace[Any] = seqvae.load(model).as_examples()
    view, codec = View(space.codec), space.codec
    windows = codec.unpack(read_windows(shards, split))
    windows = windows[view.notes(windows) > 0]
    pairs = chosen(windows, 16, np.random.default_rng(seed)).reshape(8, 2, *windows.shape[1:])
    long = codec.bars > LONG
    shown = [0, 4, 8] if long else [0, 2, 4, 6, 8]
    ways = [stacked(space.interpolate(*map(torch.from_numpy, pair)))[shown] for pair in pairs]
    made = {
        f"16 samples, seed {seed}": (stacked(space.sample(16, seed=seed)), 4 if long else 8),
        f"8 blends of unseen windows, one a line: {'A, the middle, B' if long else 'A to B'}": (
            torch.cat(ways),
            len(shown),
        ),
    }
    every = np.concatenate([x.numpy() for x, _ in made.values()])
    pitches = [
        np.where(blocks(v)[0] > 0, blocks(v)[0] + LOWEST_PITCH - 1, -1)
        if name == "piano"
        else sounding(v)
        for name, v in view.voices(every).items()
        if name != "drums"
    ]
    there = np.concatenate([p[p >= 0] for p in pitches]) if pitches else np.array([60])
    low = max(int(np.percentile(there, 0.5)) - 1, LOWEST_PITCH)
    high = int(np.percentile(there, 99.5)) + 1
    parts, titles, top = [], [], 0
    for title, (x, columns) in made.items():
        wide = 1 if long else (3 if columns == 8 else 5)
        part = page([panel(view, row[None], low, high, wide) for row in x.numpy()], columns)
        part = np.pad(part, ((TITLE, GAP), (0, 0)), constant_values=PAPER)
        titles.append((top, title))
        top += len(part)
        parts.append(part)
    width = max(part.shape[1] for part in parts)
    whole = np.concatenate(
        [np.pad(p, ((0, 0), (0, width - p.shape[1])), constant_values=PAPER) for p in parts]
    )
    image = Image.fromarray(whole.astype(np.uint8), mode="P")
    image.putpalette([part for colour in COLOURS for part in colour])
    for top, title in titles:
        ImageDraw.Draw(image).text((GAP // 2, top + 2), title, fill=FRAME)
    with replacing(output) as temporary:
        image.save(temporary, format="PNG", optimize=True)


if __name__ == "__main__":
    main()
