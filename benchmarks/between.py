"""Is the space between music? Blends, palettes, variations, edits and samples of one model.

    python benchmarks/between.py melody_2bar shards/melody
    python benchmarks/between.py runs/drums shards/drums --split validation --timing perceived

Everything is done as a user does it, by the methods of the space, on windows of files that were not
trained on, and put beside the same figures of real windows. `benchmarks/musical.py` says what the
words mean. Of an edit, "could" is the share of the pieces that could move at all: a piece cannot go
up whose value is that of the highest hundredth of all unseen windows, or above (of a share, mostly
1), and not down from that of the lowest (mostly 0). "right way" is a share of all pieces, "of
those" of those that could.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow.parquet as pq
import torch
from musical import (
    View,
    changed,
    character,
    chosen,
    distances,
    distinct,
    kept,
    of_melodies,
    of_ways,
    stacked,
)  # fmt: skip
from torch import Tensor

import seqvae
from seqvae.music.data.shards import read_windows
from seqvae.music.evaluate import measure
from vaecore import LatentSpace, StandardNormal, UsageError, iwae_bound

AMOUNTS = (0.1, 0.3, 0.6, 1.0)
STRENGTHS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
NINE = 9
CENTILES = (1, 99)


def blends(space, view, pairs, real, samples, seed, **way) -> dict[str, Any]:
    """Interpolate pairs of windows in nine steps."""
    ways = torch.stack([stacked(space.interpolate(*pair, steps=NINE, **way)) for pair in pairs])
    figures = of_ways(view, ways) | {"real": character(view, real)}
    if samples:
        ends, middle = ways[:, [0, -1]].flatten(0, 1), ways[:, NINE // 2]
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
        every = of(windows.numpy())
        unit, (lowest, highest) = float(np.nanstd(every)), np.nanpercentile(every, CENTILES)
        amounts = [{name: strength} for strength in STRENGTHS]
        effect, kept_notes, before = [], [], []
        for item in items:
            own = stacked(space.reconstruct([item]))
            x = stacked(space.edits(item, amounts))
            before.append(of(own.numpy())[0])
            effect.append((of(x.numpy()) - before[-1]) / max(unit, 1e-9))
            kept_notes.append(kept(view, own.expand_as(x), x))
        effect, kept_notes = np.array(effect), np.array(kept_notes)
        value = np.array(before)[:, None]
        sign = np.sign(STRENGTHS)
        defined = ~np.isnan(effect)
        could = defined & np.where(sign > 0, value < highest - 1e-9, value > lowest + 1e-9)
        right, wrong = effect * sign > 1e-6, effect * sign < -1e-6

        def share(which: np.ndarray, among: np.ndarray = defined) -> list[float]:
            number = among.sum(0)
            return (which.sum(0) / np.where(number, number, np.nan)).tolist()

        table[name] = {
            "change": np.nanmean(effect, 0).tolist(),
            "right_way": share(right),
            "could": share(could),
            "of_those": share(right & could, could),
            "wrong_way": share(wrong),
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


PARTS = ("blend", "palette", "similar", "edit", "sample", "recall")


@click.command(help=__doc__)
@click.argument("model")
@click.argument("shards", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--source", help="Only windows of this source, such as pop909.")
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
    model, shards, split, source, pairs, items, edited, draws, bound, path, timing, palette_path,
    parts, seed, as_json,
) -> None:  # fmt: skip
    torch.set_num_threads(1)
    space: LatentSpace[Any] = seqvae.load(model).as_examples()
    view, codec = View(space.codec), space.codec
    windows = read_windows(shards, split)
    if source:
        windows = windows[of_source(shards, split, source)]
    windows = codec.unpack(windows)
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


def of_source(shards, split: str, source: str) -> np.ndarray:
    """Return which windows of a split come from a source, `(n,)`."""
    files = sorted(shards.glob(f"{split}-*.parquet"))
    names = [name for file in files for name in pq.read_table(file)["source"].to_pylist()]
    return np.array([name.split("/")[0] == source for name in names])


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
        kinds = ("change", "right_way", "could", "of_those", "kept")
        out += [
            "",
            "EDITS, by " + " ".join(f"{s:+.1f}" for s in STRENGTHS) + " standard deviations",
        ]
        out += [" " * 24 + "".join(f"{kind:>36}  |" for kind in kinds)]
        for name, row in result["edit"].items():
            cells = ("".join(f"{v:6.2f}" for v in row[k]) for k in kinds)
            out.append(f"  {name:22}" + "  |".join(cells))
        for sign, at in (("-1", 1), ("+1", 4)):
            for kind in ("right_way", "of_those"):
                row = {
                    n: r[kind][at] for n, r in result["edit"].items() if r[kind][at] == r[kind][at]
                }
                worst = min(row, key=row.__getitem__)
                out.append(f"  worst {kind} at {sign}: {row[worst]:.2f} ({worst})")
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
