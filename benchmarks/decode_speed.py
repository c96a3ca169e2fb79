"""How fast are windows sampled, decoded and encoded, beside the reference?

    python benchmarks/decode_speed.py

`drums small` has the layers of Magenta's `cat-drums_2bar_small`, as in train_speed.py; the others
are models of the box. `sample` draws at temperature 1, `decode` takes the most likely tokens,
`encode` finds posterior means; rates are sequences per second, medians over repeats, in 32 bits.
`latency` is the time of one window alone. `GFLOP/s` is the rate of the necessary matrix
products, beside that of a product of 2048 x 2048 matrices in the same run.
"""

from __future__ import annotations

import json
import os

import click
import torch
from machine import about, matmul, medians, peak_gib
from products import decoding
from train_speed import SHAPES, build

import seqvae

REFERENCE = {"sample": 474, "decode": 590, "encode": 371}
"""Best sequences per second of Magenta's `cat-drums_2bar_small` at batch 64, on two cores."""


@click.command(help=__doc__)
@click.argument("models", nargs=-1)
@click.option("--batch", default=64, show_default=True)
@click.option("--threads", default=len(os.sched_getaffinity(0)), help="[default: all cores]")
@click.option("--seconds", default=5.0, show_default=True, help="Seconds to measure each rate.")
@click.option("--json", "as_json", is_flag=True)
def main(models, batch, threads, seconds, as_json) -> None:
    torch.set_num_threads(threads)
    roof = matmul(torch.float32)
    rows = []
    for name in models or ("drums small", "drums_2bar", "melody_2bar"):
        torch.manual_seed(0)
        model = build(name).eval() if name in SHAPES else seqvae.load(name).model
        a = model.architecture
        x = torch.randint(0, a.classes, (batch, a.steps))
        z = torch.randn(batch, a.latent_dim)
        with torch.no_grad():
            works = {
                "sample": lambda: model.decode(z, 1.0, 0),  # noqa: B023
                "decode": lambda: model.decode(z, 0.0, 0),  # noqa: B023
                "encode": lambda: model.encode(x),  # noqa: B023
            }
            row = {"model": name, "batch": batch}
            row |= {key: batch * medians(work, seconds) for key, work in works.items()}
            row["latency_ms"] = 1e3 / medians(lambda: model.decode(z[:1], 0.0, 0), seconds)  # noqa: B023
        row["gflop_per_second"] = row["decode"] * decoding(model.decoder) / 1e9
        rows.append(row)
    if as_json:
        click.echo(json.dumps({"matmul_gflop_per_second": roof / 1e9, "rows": rows}, indent=1))
        return
    click.echo(f"{about(threads)}; batches of {batch}; matmul {roof / 1e9:,.0f} GFLOP/s; "
               f"{peak_gib():.1f} GiB at most\n")  # fmt: skip
    click.echo("| model | sample | decode | encode | latency | GFLOP/s | of matmul |")
    click.echo("|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        compared = row["model"] == "drums small" and batch == 64
        cells = (
            f"{row[key]:,.0f}" + (f" ({row[key] / theirs:.1f} x)" if compared else "")
            for key, theirs in REFERENCE.items()
        )
        share = row["gflop_per_second"] * 1e9 / roof
        click.echo(f"| {row['model']} | {' | '.join(cells)} | {row['latency_ms']:.1f} ms "
                   f"| {row['gflop_per_second']:.0f} | {share:.0%} |")  # fmt: skip


if __name__ == "__main__":
    main()
