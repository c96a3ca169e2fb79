"""Is the space between music? Blends, palettes, variations, edits and samples of one model.

    python benchmarks/between.py melody_2bar shards/melody
    python benchmarks/between.py runs/drums shards/drums --split validation --timing perceived

Everything is done as a user does it, by the methods of the space, on windows of files that were not
trained on, and put beside the same figures of real windows. Words that are used:

- *event*: a drum hit, or the beginning of a note, at its sixteenth.
- *change* of two windows: sixteenths whose melody token differs, drums that are hit in only one; of
  a trio the sum over its voices.
- *changed*: 1 less twice the common events as a share of the events of both.
- *poor* (melodies): two pitches or fewer, a leap of over an octave, less than 0.85 of the notes in
  the best of the twelve major scales, or a mean pitch below E3 (52).
- *consonant*: bass and melody sound on a beat, a unison, third, fifth or sixth apart (mod 12).
- *backbeat*: the snare is hit on every 2 and 4.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

import seqvae
from seqvae.music.data.shards import read_windows
from seqvae.music.evaluate import measure
from seqvae.music.form import repeated_bars
from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations.alphabet import HITS, NOTES, Alphabet
from seqvae.music.representations.base import SequenceCodec
from seqvae.music.representations.drums.properties import PROPERTIES as OF_DRUMS
from seqvae.music.representations.groove.performance import hit_classes
from seqvae.music.representations.melody.properties import properties as melodic
from vaecore import LatentSpace, StandardNormal, UsageError, iwae_bound

AMOUNTS = (0.1, 0.3, 0.6, 1.0)
STRENGTHS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
NINE = 9
LEAP, LOW, IN_SCALE = 12, 52, 0.85
SHIFT = 3 * STEPS_PER_BAR
CONSONANT = np.isin(np.arange(12), (0, 3, 4, 7, 8, 9))
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_SCALES = np.array([[(k - root) % 12 in _MAJOR for k in range(12)] for root in range(12)])


# --- what a window is, as arrays ---------------------------------------------------------------


class View:
    """Windows of one representation as melodies and drums."""

    def __init__(self, codec: SequenceCodec) -> None:
        self.codec = codec

    def voices(self, x: Any) -> dict[str, np.ndarray]:
        """Return the voices by name, class indices `(n, steps)`; of performances the hits."""
        x, several = np.asarray(x), len(self.codec.voices) > 1
        found = {}
        for column, (name, alphabet) in enumerate(self.codec.voices):
            part = x[..., column] if several else x
            part = hit_classes(part) if part.dtype.kind == "f" else part
            found["drums" if alphabet.sets else name] = part
        return found

    def tokens(self, x: Any) -> np.ndarray:
        """Return what is compared to tell a change: `(n, anything)`."""
        parts = [
            HITS.hits(v).reshape(len(v), -1) if name == "drums" else v
            for name, v in self.voices(x).items()
        ]
        return np.concatenate([part.astype(np.int16) for part in parts], axis=1)

    def events(self, x: Any) -> np.ndarray:
        """Return which events a window has, `(n, steps * kinds)`."""
        parts = [
            HITS.hits(v) if name == "drums" else v[..., None] == np.arange(2, 90)
            for name, v in self.voices(x).items()
        ]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    def notes(self, x: Any) -> np.ndarray:
        """Return how many events each window has, `(n,)`."""
        return self.events(x).sum(1).astype(float)

    def line(self, x: Any) -> np.ndarray | None:
        """Return the melody, if there is one."""
        return self.voices(x).get("melody")


def distances(view: View, a: Any, b: Any) -> np.ndarray:
    """Return how much each row of a changes to be that of b."""
    return (view.tokens(a) != view.tokens(b)).sum(1).astype(float)


def changed(view: View, a: Any, b: Any) -> np.ndarray:
    """Return the share of events that differ, row by row; NaN where neither has one."""
    first, second = view.events(a), view.events(b)
    total = (first.sum(1) + second.sum(1)).astype(float)
    return 1 - 2 * (first & second).sum(1) / np.where(total, total, np.nan)


def kept(view: View, before: Any, after: Any) -> np.ndarray:
    """Return the share of the events before that are there afterwards, row by row."""
    first, second = view.events(before), view.events(after)
    total = first.sum(1).astype(float)
    return (first & second).sum(1) / np.where(total, total, np.nan)


def distinct(view: View, x: Any) -> int:
    """Return how many different windows there are."""
    return len(np.unique(view.tokens(x), axis=0))


# --- what kind of music a window is --------------------------------------------------------------


def of_melodies(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the figures of melodies `(n, steps)` that make them poor or not, each `(n,)`."""
    onset = x >= 2
    pitch = x - 2 + 21
    number = onset.sum(1).astype(float)
    some = np.where(number, number, np.nan)
    used = np.zeros((len(x), 128), bool)
    rows, columns = np.nonzero(onset)
    used[rows, pitch[rows, columns]] = True
    classes = np.zeros((len(x), 12))
    np.add.at(classes, (rows, pitch[rows, columns] % 12), 1)
    latest = np.maximum.accumulate(np.where(onset, np.arange(x.shape[1]), -1), axis=1)
    before = np.concatenate([np.full((len(x), 1), -1), latest[:, :-1]], axis=1)
    leap = np.abs(pitch - np.take_along_axis(pitch, np.maximum(before, 0), axis=1))
    leaps = np.where(onset & (before >= 0), leap, 0).max(1)
    register = np.where(onset, pitch, 0).sum(1) / some
    scale = (classes @ _SCALES.T).max(1) / some
    high, low = np.where(onset, pitch, -1).max(1), np.where(onset, pitch, 200).min(1)
    figures = {
        "in_scale": scale,
        "range": np.where(number > 0, high - low, np.nan),
        "leap": (leaps > LEAP).astype(float),
        "few_pitches": (used.sum(1) <= 2).astype(float),
        "register": register,
        "low": (register < LOW).astype(float),
    }
    poor = (figures["few_pitches"] > 0) | (figures["leap"] > 0) | (figures["low"] > 0)
    figures["poor"] = (poor | ~(scale >= IN_SCALE)).astype(float)
    return figures


def of_drums(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return figures of drums `(n, steps)`, each `(n,)`."""
    hits = HITS.hits(x)
    beats = np.arange(x.shape[1]) % STEPS_PER_BAR
    return {
        "backbeat": hits[:, np.isin(beats, (4, 12)), 1].all(1).astype(float),
        "empty": (~hits.any((1, 2))).astype(float),
    }


def sounding(x: np.ndarray) -> np.ndarray:
    """Return the pitch that sounds at each step of melodies, -1 for none."""
    at = np.maximum.accumulate(np.where(x > 0, np.arange(x.shape[1]), -1), axis=1)
    token = np.take_along_axis(x, np.maximum(at, 0), axis=1)
    return np.where((at >= 0) & (token >= 2), token - 2 + 21, -1)


def consonance(melody: np.ndarray, bass: np.ndarray, shift: int = 0) -> float:
    """Return the share of beats on which both sound that are consonant."""
    top, low = sounding(melody), np.roll(sounding(bass), shift, axis=1)
    beat = np.arange(melody.shape[1]) % 4 == 0
    both = (top >= 0) & (low >= 0) & beat
    return float(CONSONANT[(top - low)[both] % 12].mean()) if both.any() else float("nan")


def character(view: View, x: Any) -> dict[str, float]:
    """Return what kind of music windows are, in the mean."""
    voices = view.voices(x)
    steps = next(iter(voices.values())).shape[1]
    figures = {"density": float(view.notes(x).mean() / steps)}
    rows: dict[str, np.ndarray] = {}
    kinds: tuple[tuple[str, Any, Alphabet, Any], ...] = (
        ("melody", of_melodies, NOTES, melodic(NOTES)),
        ("drums", of_drums, HITS, OF_DRUMS),
    )
    for name, of, alphabet, properties in kinds:
        if name in voices:
            rows |= of(voices[name])
            rows[f"{name}_bars_repeated"] = repeated_bars(alphabet, voices[name])
            rows[f"{name}_repetition"] = properties["repetition"].of(voices[name])
    figures |= {name: float(np.nanmean(values)) for name, values in rows.items()}
    if "bass" in voices:
        pair = voices["melody"], voices["bass"]
        figures |= {"consonant": consonance(*pair), "shifted": consonance(*pair, SHIFT)}
    return figures


# --- the space -----------------------------------------------------------------------------------


def stacked(examples: Any) -> Tensor:
    """Return the tensors of examples."""
    return torch.stack([example.x for example in examples])


def blends(space, view, pairs, real, samples, seed, **way) -> dict[str, Any]:
    """Interpolate pairs of windows in nine steps."""
    ways = torch.stack([stacked(space.interpolate(*pair, steps=NINE, **way)) for pair in pairs])
    numbers, largest, back = [], [], []
    for x in ways:
        change = distances(view, x[:-1], x[1:])
        numbers.append(distinct(view, x))
        if change.sum():
            largest.append(change.max() / change.sum())
            back.append(distances(view, x[:1], x[-1:])[0] / change.sum())
    ends, middle = ways[:, [0, -1]].flatten(0, 1), ways[:, NINE // 2]
    notes, between = (view.notes(x) for x in (ends, middle))
    figures = {
        "distinct_of_nine": float(np.mean(numbers)),
        "largest_step": float(np.mean(largest)),
        "straightness": float(np.mean(back)),
        "middle_notes_against_ends": float(between.sum() / (notes.sum() / 2)),
        "ends": character(view, ends),
        "middle": character(view, middle),
        "real": character(view, real),
    }
    if samples:
        figures["log_p_ends"] = likelihood(space, ends, samples, seed)
        figures["log_p_middle"] = likelihood(space, middle, samples, seed)
    return figures


def likelihood(space, x: Tensor, samples: int, seed: int) -> float:
    """Return the mean importance-weighted bound on log p(x) in nats."""
    prior, model = StandardNormal(space.latent_dim), space.model
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        posterior = model.encode(x)
        terms = []
        for _ in range(samples):
            z = posterior.sample(generator)
            terms.append((model.log_likelihood(x, z), prior.log_prob(z), posterior.log_prob(z)))
    return float(iwae_bound(*(torch.stack(part) for part in zip(*terms, strict=True))).mean())


def palettes(space, view, quadruples, **way) -> dict[str, float]:
    """Blend four windows each in 5 x 5 cells."""
    inner, outer = [], []
    for items in quadruples:
        grid = torch.stack([stacked(row) for row in space.palette(list(items), **way)])
        inner.append(grid[1:-1, 1:-1].flatten(0, 1))
        outer.append(torch.stack([grid[0, 0], grid[0, -1], grid[-1, 0], grid[-1, -1]]))
    figures = {
        "inner_density_against_corners": float(
            np.mean([view.notes(x).mean() for x in inner])
            / np.mean([view.notes(x).mean() for x in outer])
        ),
        "distinct_of_13": float(
            np.mean([distinct(view, torch.cat([a, b])) for a, b in zip(inner, outer, strict=True)])
        ),
    }
    for name, cells in (("inner", torch.cat(inner)), ("corner", torch.cat(outer))):
        if view.line(cells) is not None:
            few = of_melodies(view.line(cells))
            figures[f"{name}_two_pitches_or_fewer"] = float(few["few_pitches"].mean())
            figures[f"{name}_leap"] = float(few["leap"].mean())
    return figures


def similar(space, view, items, seed) -> dict[str, dict[str, float]]:
    """Make four variations of each window at each amount."""
    table = {}
    for amount in AMOUNTS:
        shares, copies, repeats, undone = [], [], [], []
        for number, item in enumerate(items):
            own = stacked(space.reconstruct([item]))
            x = stacked(space.similar(item, n=4, amount=amount, seed=seed + number))
            share = changed(view, x, own.expand_as(x))
            shares.append(np.nanmean(share))
            copies.append((distances(view, x, own.expand_as(x)) == 0).sum())
            repeats.append(len(x) - distinct(view, x))
            undone.append(float(view.notes(x).mean() / max(view.notes(own)[0], 1)))
        table[str(amount)] = {
            "changed": float(np.mean(shares)),
            "identical_of_4": float(np.mean(copies)),
            "repeats_of_4": float(np.mean(repeats)),
            "density_against_it": float(np.mean(undone)),
        }
    return table


def edits(space, view, items, windows) -> dict[str, dict[str, Any]]:
    """Add each attribute in each strength to each window."""
    known = space.codec.properties()
    table = {}
    for name in space.attributes:
        of = known[name].of
        unit = float(np.nanstd(of(windows.numpy())))
        amounts = [{name: strength} for strength in STRENGTHS]
        effect, kept_notes = [], []
        for item in items:
            own = stacked(space.reconstruct([item]))
            x = stacked(space.edits(item, amounts))
            effect.append((of(x.numpy()) - of(own.numpy())) / max(unit, 1e-9))
            kept_notes.append(kept(view, own.expand_as(x), x))
        effect, kept_notes = np.array(effect), np.array(kept_notes)
        sign = np.sign(STRENGTHS)
        defined = np.maximum((~np.isnan(effect)).sum(0), 1)

        def share(which: np.ndarray, of_all: np.ndarray = defined) -> list[float]:
            return (which.sum(0) / of_all).tolist()

        table[name] = {
            "change": np.nanmean(effect, 0).tolist(),
            "right_way": share(effect * sign > 1e-6),
            "wrong_way": share(effect * sign < -1e-6),
            "kept": np.nanmean(kept_notes, 0).tolist(),
        }
    return table


def samples(space, view, n, seed) -> dict[str, dict[str, float]]:
    """Draw from the fitted prior and from N(0, I): all of it, and what a user keeps."""
    priors = {"fitted": None, "normal": "normal"} if space.prior is not None else {"normal": None}
    table = {}
    for name, prior in priors.items():
        kinds = {name: space.draw(n, seed=seed, prior=prior, keep_all=True)}
        kinds[f"{name} kept"] = space.draw(n, seed=seed, prior=prior)
        for kind, draws in kinds.items():
            again = {"drawn_again": draws.again / n, "not_worth_keeping": draws.poor / n}
            table[kind] = character(view, draws.x) | again
    return table


def chosen(windows: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n windows that are not silent, none of them twice if there are enough."""
    return windows[rng.choice(len(windows), n, replace=len(windows) < n)]


PARTS = ("blend", "palette", "similar", "edit", "sample", "recall")


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--pairs", default=200, show_default=True, help="Interpolations.")
@click.option("--items", default=40, show_default=True, help="Palettes and variations.")
@click.option("--edited", default=20, show_default=True, help="Edits of each attribute.")
@click.option("--draws", default=500, show_default=True, help="Samples, and real windows.")
@click.option("--bound", default=4, show_default=True, help="Samples of log p(x); 0 leaves it out.")
@click.option("--path", help="lerp, slerp or flow; that of the model by default.")
@click.option("--timing", help="latent or perceived; that of the model by default.")
@click.option("--palette-path", help="lerp or slerp; that of the model by default.")
@click.option("--parts", default=",".join(PARTS), show_default=True)
@click.option("--seed", default=0)
@click.option("--json", "as_json", is_flag=True)
def main(
    model, shards, split, pairs, items, edited, draws, bound, path, timing, palette_path, parts,
    seed, as_json,
) -> None:  # fmt: skip
    torch.set_num_threads(1)
    space: LatentSpace[Any] = seqvae.load(model).as_examples()
    view, codec = View(space.codec), space.codec
    windows = codec.unpack(read_windows(shards, split))
    windows = windows[view.notes(windows) > 0]
    rng = np.random.default_rng(seed)
    some = {
        name: torch.from_numpy(chosen(windows, n, rng))
        for name, n in (("pairs", 2 * pairs), ("corners", 4 * items), ("items", max(items, edited)))
    }
    real = torch.from_numpy(chosen(windows, draws, rng))
    everything = torch.from_numpy(windows)
    way = {key: value for key, value in (("path", path), ("timing", timing)) if value}
    grid = {"path": palette_path} if palette_path else {}
    few = everything[torch.linspace(0, len(everything) - 1, min(len(everything), 1024)).long()]
    todo: dict[str, Callable[[], Any]] = {
        "blend": lambda: blends(
            space, view, list(some["pairs"].unflatten(0, (pairs, 2))), real, bound, seed, **way
        ),
        "palette": lambda: palettes(
            space, view, some["corners"].unflatten(0, (items, 4)).unbind(0), **grid
        ),
        "similar": lambda: similar(space, view, some["items"][:items], seed),
        "edit": lambda: edits(space, view, some["items"][:edited], everything),
        "sample": lambda: {**samples(space, view, draws, seed), "real": character(view, real)},
        "recall": lambda: recall(space, few, seed),
    }
    result: dict[str, Any] = {"model": str(model), "split": split, "windows": len(windows)}
    wanted = [part for part in todo if part in parts.split(",")]
    if not wanted:
        raise UsageError(f"--parts are some of {','.join(PARTS)}")
    began = time.monotonic()
    for part in wanted:
        result[part] = todo[part]()
    result["seconds"] = round(time.monotonic() - began, 1)
    click.echo(json.dumps(result) if as_json else "\n".join(lines(result)))


def recall(space, x: Tensor, seed: int) -> dict[str, float]:
    """Return what the model keeps of windows."""
    names = ("examples", "sampled_accuracy", "greedy_accuracy", "event_accuracy", "kl_nats")
    figures = measure(space.model, x, seed)
    return {name: figures[name] for name in names}


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    out = [f"{result['model']} on {result['windows']} {result['split']} windows"]
    if "blend" in result:
        blend = result["blend"]
        out += ["", "BLENDS, nine steps"]
        out += [f"  {k:34}{v:9.3f}" for k, v in blend.items() if isinstance(v, float)]
        out += columns("  ", {k: blend[k] for k in ("ends", "middle", "real")})
    if "palette" in result:
        out += ["", "PALETTES, 5 x 5"]
        out += [f"  {k:34}{v:9.3f}" for k, v in result["palette"].items()]
    if "similar" in result:
        out += ["", "SIMILAR, four of each", *columns("  ", result["similar"])]
    if "edit" in result:
        out += ["", "EDITS: change in standard deviations | share the right way | notes kept"]
        out += [" " * 20 + "".join(f"{s:+7.1f}" for s in STRENGTHS) + "  |" * 2]
        for name, row in result["edit"].items():
            cells = ("".join(f"{v:7.2f}" for v in row[k]) for k in ("change", "right_way", "kept"))
            out.append(f"  {name:18}" + "  |".join(cells))
    if "sample" in result:
        out += ["", "SAMPLES", *columns("  ", result["sample"])]
    if "recall" in result:
        out += ["", "RECALL", *(f"  {k:34}{v:9.3f}" for k, v in result["recall"].items())]
    return [*out, "", f"{result['seconds']} seconds"]


def columns(indent: str, table: dict[str, dict[str, float]]) -> Sequence[str]:
    """Return a table of figures, one column for each kind of windows."""
    names = list(dict.fromkeys(name for row in table.values() for name in row))
    out = [indent + " " * 30 + "".join(f"{title:>12}" for title in table)]
    for name in names:
        cells = "".join(f"{row.get(name, float('nan')):12.3f}" for row in table.values())
        out.append(f"{indent}{name:30}{cells}")
    return out


if __name__ == "__main__":
    main()
