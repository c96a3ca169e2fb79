"""Does a model of performances play like the drummers of the test split?

    python benchmarks/groove.py SHARDS groove_2bar

Errors are means over all hits of the windows, at the tempo of each file: of timing in ms, of
loudness in MIDI velocities. Of a long file only some windows count (--each, at even distances):
else half of all windows of a split may be of one drummer, who is always late.

Compared are predictions from the hits alone: the grid, with the mean velocity of each drum; the
mean of each drum at each step; a linear regression on all hits of the window (ridge, its
strength chosen on the validation split); and the model, at temperature 0 (medians) and above
(draws). The divergences are those of the distributions of offsets and velocities from the drummers'
own (Jensen-Shannon, in bits). The second table has the figures of `seqvae evaluate`, and
how well the drums of `drumify` fit a rhythm.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pyarrow.parquet
import torch

import seqvae
from seqvae.music.evaluate import measure
from seqvae.music.representations.alphabet import DRUMS
from seqvae.music.representations.groove.performance import (
    blocks,
    hit_classes,
    offset_histogram,
    stiffened,
    tapped,
    velocity_histogram,
)
from seqvae.music.representations.measuring import jensen_shannon

STRENGTHS = (1, 10, 100, 1000)
"""Of the ridge regression."""
FEWEST = 30
"""A step and drum with fewer hits in training has the mean of its drum and place instead."""


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path))
@click.argument("model", default="groove_2bar")
@click.option("--split", default="test", help="Part of the shards that is measured.")
@click.option("--each", default=16, help="At most so many windows of a file.")
@click.option("--seed", default=0)
def main(shards: Path, model: str, split: str, each: int, seed: int) -> None:
    torch.set_num_threads(1)
    space = seqvae.load(model)
    codec = space.codec
    train, _ = read(codec, shards, "train")
    valid, _ = read(codec, shards, "validation", each)
    test, tempo = read(codec, shards, split, each)
    players = {
        "the grid, mean velocities": on_grid(train, test),
        "means of drum and place": by_place(train, test),
        "linear regression": regression(train, valid, test),
        **{f"{model}, temperature {t:g}": humanized(space, test, t, seed) for t in (0.0, 0.5, 1.0)},
    }
    click.echo(f"{len(test):,} {split} windows, {int(blocks(test)[0].sum()):,} hits\n")
    click.echo("| | timing (ms) | velocity | divergence of timing | of velocity |")
    click.echo("|---|---:|---:|---:|---:|")
    for name, played in players.items():
        timing, velocity = errors(test, played, tempo)
        far = [
            jensen_shannon(histogram(played), histogram(test))
            for histogram in (offset_histogram, velocity_histogram)
        ]
        click.echo(f"| {name} | {timing:.2f} | {velocity:.2f} | {far[0]:.3f} | {far[1]:.3f} |")
    click.echo("\n| figure | value |\n|---|---:|")
    for name, value in measure(space.model, torch.from_numpy(test), seed).items():
        click.echo(f"| {name} | {value:.4g} |")
    for name, value in answered(space, test, seed).items():
        click.echo(f"| {name} | {value:.3f} |")


def read(codec, shards: Path, split: str, each: int | None = None):
    """Return performances `(n, steps, 27)` and their tempos, `(n,)`, with a limit for each file."""
    tables = [pyarrow.parquet.read_table(f) for f in sorted(shards.glob(f"{split}-*.parquet"))]
    table = pyarrow.concat_tables(tables)
    source = np.array(table["source"].to_pylist())
    chosen = []
    for name in np.unique(source):
        rows = np.flatnonzero(source == name)
        count = len(rows) if each is None else min(each, len(rows))
        chosen += rows[np.linspace(0, len(rows) - 1, count).astype(int)].tolist()
    windows = np.stack(table["window"].to_numpy())[chosen]
    return codec.unpack(windows), table["tempo_bpm"].to_numpy()[chosen]


def errors(x: np.ndarray, y: np.ndarray, tempo: np.ndarray) -> tuple[float, float]:
    """Return the mean distance of all hits in ms and in velocities."""
    (hits, loudness, time), (_, other_loudness, other_time) = blocks(x), blocks(y)
    step = 15_000 / tempo[:, None, None]
    struck = hits > 0.5
    timing = np.abs(time - other_time) / 2 * step
    return timing[struck].mean(), (127 * np.abs(loudness - other_loudness))[struck].mean()


def on_grid(train: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the hits of x on the grid, each drum as loud as it mostly is."""
    hits, velocity, _ = blocks(train)
    mean = velocity.sum((0, 1)) / hits.sum((0, 1))
    played = stiffened(x)
    played[..., DRUMS : 2 * DRUMS] = blocks(x)[0] * mean
    return played


def by_place(train: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the hits of x, each as that drum mostly is at that step."""
    hits, velocity, offset = blocks(train)
    means = [
        (part.sum(0) + 5 * part.sum((0, 1)) / hits.sum((0, 1))) / (hits.sum(0) + 5)
        for part in (velocity, offset)
    ]
    return np.concatenate([blocks(x)[0], *(blocks(x)[0] * mean for mean in means)], axis=-1)


def regression(train: np.ndarray, valid: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the hits of x as a linear regression on all hits of the window would play them."""
    tempo = np.full(len(valid), 120.0)
    fits = [ridge(train, strength) for strength in STRENGTHS]
    best = [
        min(range(len(fits)), key=lambda k: errors(valid, fits[k](valid), tempo)[what])
        for what in (0, 1)
    ]
    timed, shaded = (fits[k](x) for k in best)
    hits, _, offset = blocks(timed)
    return np.concatenate([hits, blocks(shaded)[1], offset], -1)


def ridge(train: np.ndarray, strength: float):
    """Return a function that plays the hits of windows."""
    hits, velocity, offset = blocks(train)
    features = with_one(hits)
    means = blocks(by_place(train, np.ones_like(train)))
    steps = hits.shape[1]
    weights = np.zeros((steps, DRUMS, features.shape[1], 2))
    penalty = strength * np.eye(features.shape[1])
    penalty[-1, -1] = 1e-6
    for step in range(steps):
        for drum in range(DRUMS):
            rows = hits[:, step, drum] > 0.5
            usual = [part[0, step, drum] for part in means[1:]]
            if rows.sum() < FEWEST:
                weights[step, drum, -1] = usual
                continue
            a = features[rows]
            targets = np.stack([p[rows, step, drum] for p in (velocity, offset)], 1)
            weights[step, drum] = np.linalg.solve(a.T @ a + penalty, a.T @ targets)

    def play(x: np.ndarray) -> np.ndarray:
        struck = blocks(x)[0]
        predicted = np.einsum("nf,sdfk->nsdk", with_one(struck), weights, optimize=True)
        loud, time = np.clip(predicted[..., 0], 0, 1), np.clip(predicted[..., 1], -1, 1)
        return np.concatenate([struck, struck * loud, struck * time], -1)

    return play


def with_one(hits: np.ndarray) -> np.ndarray:
    flat = hits.reshape(len(hits), -1)
    return np.concatenate([flat, np.ones((len(flat), 1))], 1)


def humanized(space, x: np.ndarray, temperature: float, seed: int) -> np.ndarray:
    """Return the hits of x as the model plays them."""
    windows = torch.from_numpy(x)
    z = space.posterior_of(stiffened(windows)).mean
    with torch.no_grad():
        return space.model.decoder.generate(z, temperature, seed, hit_classes(windows)).numpy()


def answered(space, x: np.ndarray, seed: int) -> dict[str, float]:
    """Return how well drums that are made from a rhythm agree with it, and with the drummer's."""
    windows = torch.from_numpy(x)
    rhythm = windows[..., :DRUMS].amax(-1) > 0.5
    z = space.posterior_of(tapped(windows)).mean
    figures = {}
    for temperature in (0.0, 0.5, 1.0):
        made = space.decode_to_examples(z, temperature, seed)
        sounding = made[..., :DRUMS].amax(-1) > 0.5
        both = (rhythm & sounding).sum()
        figures[f"drumify {temperature:g}: F1 of the rhythm"] = float(
            2 * both / (rhythm.sum() + sounding.sum())
        )
        own, theirs = made[..., :DRUMS] > 0.5, windows[..., :DRUMS] > 0.5
        figures[f"drumify {temperature:g}: F1 of all hits"] = float(
            2 * (own & theirs).sum() / (own.sum() + theirs.sum())
        )
    return figures


if __name__ == "__main__":
    main()
