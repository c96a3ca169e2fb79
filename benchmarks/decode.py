"""How fast are phrases of 16 bars decoded, all bars at once against one bar after the other?

    python benchmarks/decode.py

`at once` is how hierarchical models decode: all bars of all requests are one batch, and there are
as many steps one after the other as a bar has. `in turn` decodes one bar after the other, each from
the last token of the one before, as the reference must. Rates are phrases per second at
temperature 1, medians over repeats, 32 bits; `latency` is the time of the whole batch. `roof` is
the time of the necessary matrix products at the rate of a 2048 x 2048 product in the same run: a
lower bound, far from which a batch of one stays, whose products are vectors times matrices.
"""

from __future__ import annotations

import json
import os

import click
import torch
from machine import about, matmul, medians
from products import decoding
from torch import Tensor

import seqvae
from seqvae.music.networks.hierarchy import HierarchicalDecoder
from seqvae.music.networks.levels import fold
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.presets import load_preset
from seqvae.sequences.sampling import uniform_noise

BATCHES = (1, 4, 16, 64, 256)


@torch.no_grad()
def in_turn(decoder: HierarchicalDecoder, z: Tensor, seed: int) -> None:
    """Decode at temperature 1, every bar beginning from the last token of the one before."""
    embedded = decoder.embeddings(z).unflatten(0, (len(z), -1))
    noise = fold(uniform_noise(len(z), decoder.shape, seed, z.device), decoder.segments)
    noise = noise.unflatten(0, (len(z), -1))
    for voice, core in enumerate(decoder.cores):
        last = None
        for bar in range(decoder.segments):
            drawn = noise[:, bar] if len(decoder.shape) == 1 else noise[:, bar, :, voice]
            last = core.unroll(embedded[:, bar], 1.0, drawn, last)[:, -1]


def load(name: str) -> SequenceVAE:
    """Return a model of the box, or the untrained model of a recipe."""
    if name in seqvae.models():
        return seqvae.load(name).model
    return load_preset(name).make_model().eval()


@click.command(help=__doc__)
@click.argument("models", nargs=-1)
@click.option("--threads", default=len(os.sched_getaffinity(0)), help="[default: all cores]")
@click.option("--seconds", default=4.0, show_default=True, help="Seconds to measure each rate.")
@click.option("--batch", "batches", multiple=True, default=BATCHES, show_default=True, type=int)
@click.option("--json", "as_json", is_flag=True)
def main(models, threads, seconds, batches, as_json) -> None:
    torch.set_num_threads(threads)
    roof = matmul(torch.float32)
    rows = []
    for name in models or ("melody_16bar", "trio_16bar"):
        decoder = load(name).decoder
        for batch in batches:
            z = torch.randn(batch, decoder.conductors[0].initial.in_features)
            at_once = medians(lambda: decoder.generate(z, 1.0, 0), seconds, 3)  # noqa: B023
            turned = medians(lambda: in_turn(decoder, z, 0), seconds, 3)  # noqa: B023
            rows.append(
                {
                    "model": name, "batch": batch, "at_once": at_once * batch,
                    "in_turn": turned * batch, "at_once_ms": 1e3 / at_once,
                    "in_turn_ms": 1e3 / turned, "times": at_once / turned,
                    "roof_ms": 1e3 * batch * decoding(decoder) / roof,
                }
            )  # fmt: skip
    if as_json:
        click.echo(json.dumps({"matmul_gflop_per_second": roof / 1e9, "rows": rows}, indent=1))
        return
    click.echo(f"{about(threads)}; matmul {roof / 1e9:,.0f} GFLOP/s\n")
    click.echo("| model | batch | at once | in turn | latency | in turn | times | roof |")
    click.echo("|---|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        click.echo(
            f"| {row['model']} | {row['batch']} | {row['at_once']:,.0f}/s "
            f"| {row['in_turn']:,.0f}/s | {row['at_once_ms']:.1f} ms | {row['in_turn_ms']:.1f} ms "
            f"| {row['times']:.1f} | {row['roof_ms']:.2f} ms |"
        )


if __name__ == "__main__":
    main()
