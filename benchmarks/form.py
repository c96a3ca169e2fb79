"""Does a model keep the form of long windows? Which bars come back, in music and in its own.

    python benchmarks/form.py SHARDS melody_16bar --plot docs/form.png
    python benchmarks/form.py SHARDS runs/reader runs/reader_flat --codes melody_16bar

For every model: samples at temperature 1 of the prior that was fitted to its codes, and of N(0, I);
points half way between two test windows, on an arc and, where the prior is a conditional flow,
through its noise; and reconstructions. In "bars copied", bars that are equal by the form are
decoded once and copied, as `sample` does; else each is decoded by itself. With
--codes all of that is decoded from codes of one model, whose encoder the others have: then the
decoders alone differ. `repeated` is the share of bars with notes that are an earlier bar of their
window again, `similar` that of those within three edits of one (`seqvae.music.form`). The first
rows are the test windows, and what chance gives: their bars, shuffled among the windows.
The picture is the mean self-similarity of the bars, one panel for each.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch
from matplotlib.figure import Figure

import seqvae
from seqvae.music.data.shards import read_windows
from seqvae.music.form import NEAR, form, self_similarity, shuffled_bars
from vaecore import LatentSpace, slerp
from vaecore.files import replacing

Windows = dict[str, np.ndarray]


@click.command(help=__doc__)
@click.argument("shards", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True)
@click.option("--codes", help="All models decode the codes of this one, instead of their own.")
@click.option("--windows", default=1000, help="Test windows, and samples from each model.")
@click.option("--edits", default=NEAR, help="Up to which two bars are similar.")
@click.option("--seed", default=0)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw self-similarities as PNG.")
def main(shards, models, codes, windows, edits, seed, as_json, plot) -> None:
    spaces = [seqvae.load(name) for name in models]
    source = seqvae.load(codes) if codes else None
    codec = spaces[0].codec
    test = read_windows(shards, "test").astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(test))[:windows]
    data = test[order].reshape(-1, *codec.shape)
    sets: Windows = {"test windows": data, "chance": shuffled_bars(data, seed)}
    for name, space in zip(models, spaces, strict=True):
        if space.codec.config != codec.config:
            raise click.UsageError(f"{name} has another representation than {models[0]}")
        found = made(space, source or space, data, seed)
        sets |= {f"{Path(name).name}, {what}": x for what, x in found.items()}
    rows = {
        name: {k: float(np.nanmean(v)) for k, v in form(codec, x, edits).items()}
        for name, x in sets.items()
    }
    if as_json:
        click.echo(json.dumps({"windows": len(data), "edits": edits, "rows": rows}, indent=1))
    else:
        show(rows)
    if plot:
        draw(sets, codec.voice_names, plot)


def made(space: LatentSpace, source: LatentSpace, data: np.ndarray, seed: int) -> Windows:
    """Return what a model decodes from codes of the source, for as many windows as data."""
    means = source.posterior_of(torch.from_numpy(data)).mean
    codes: dict[str, tuple] = {}
    if source.path == "flow":
        forms_drawn = source.prior.draw_condition(len(data), torch.Generator().manual_seed(seed))
        drawn = source.sample_codes(len(data), seed)
        forms = source.codec.condition(torch.from_numpy(data), source.prior.groups)
        noise = source.prior.to_noise(means, forms)
        between = source.prior.from_noise(slerp(noise, noise.roll(1, 0), 0.5), forms)
        between = source.settle(between, forms)
        codes["samples, bars copied"] = (drawn, 1.0, forms_drawn)
        codes["samples"] = (drawn, 1.0, None)
        codes["half way, flow, bars copied"] = (between, 0.0, forms)
        codes["half way, flow"] = (between, 0.0, None)
    elif source.prior is not None:
        codes["samples"] = (source.sample_codes(len(data), seed), 1.0, None)
    codes["N(0,I)"] = (source.sample_codes(len(data), seed, "normal"), 1.0, None)
    codes["half way"] = (slerp(means, means.roll(1, 0), 0.5), 0.0, None)
    codes["reconstructions"] = (means, 0.0, None)
    return {
        name: space.decode_to_examples(z, temperature, seed, forms).cpu().numpy()
        for name, (z, temperature, forms) in codes.items()
    }


def show(rows: dict[str, dict[str, float]]) -> None:
    """Print the table."""
    columns = list(next(iter(rows.values())))
    width = max(map(len, rows)) + 2
    heads = [column.removesuffix("_bars").replace("_", " ") for column in columns]
    click.echo(" " * width + "".join(f"{head:>17}" for head in heads))
    for name, row in rows.items():
        click.echo(f"{name:{width}}" + "".join(f"{row[column]:17.3f}" for column in columns))


def draw(sets: Windows, kinds: tuple[str, ...], path: Path) -> None:
    """Draw the mean self-similarity of every set: the data above, and then a row for each model.

    Of several voices a row has a line for each.
    """
    rows: dict[str, Windows] = {}
    for name, x in sets.items():
        model, comma, what = name.partition(", ")
        rows.setdefault(model if comma else "", {})[what if comma else name] = x
    lines, columns = len(rows) * len(kinds), max(map(len, rows.values()))
    figure = Figure(
        figsize=(1.5 * columns + 0.4, len(rows) * (1.5 * len(kinds) + 0.35)), layout="constrained"
    )
    panels = figure.subplots(lines, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for row, (model, found) in enumerate(rows.items()):
        for column, (what, x) in enumerate(found.items()):
            voices = self_similarity(x.reshape(*x.shape[:2], len(kinds))).mean(axis=0)
            for line, (kind, picture) in enumerate(zip(kinds, voices, strict=True)):
                axes = panels[row * len(kinds) + line][column]
                image = axes.imshow(picture, vmin=0, vmax=1, cmap="magma")
                head = [model if column == 0 else "", what] if line == 0 else []
                axes.set_title("\n".join(head + [kind] * (len(kinds) > 1)), fontsize=7)
    bar = figure.colorbar(image, ax=panels, shrink=0.7, aspect=30)
    bar.ax.tick_params(labelsize=6)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


if __name__ == "__main__":
    main()
