"""How fast is a sequence VAE trained, relative to the reference and the machine's matrix products?

    python benchmarks/train_speed.py

Each setting runs in a process of its own. `drums small` and `melody small` have the layers of
Magenta's `cat-drums_2bar_small` and `cat-mel_2bar_small`: encoder 512 in both directions, decoder
256, 256, z 256, 32 steps; `hierdec reduced` those of the `hierdec-mel_16bar` that was measured:
encoder 512, 512 over 256 steps, conductor and core 256, 256. The others are presets. A step is
forward, backward and Adam, on random windows. `seq/s` is the median over repeats; `GFLOP` are the
operations of a window's necessary matrix products (`products.py`; three times those of a forward
pass); `of matmul` is the share of the rate that a product of 2048 x 2048 matrices
reaches in the same process, in the same type, just before. `freed` is whether freed memory is
kept (`vaecore.device`) or returned to the system, as a plain process does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import torch
from machine import about, matmul, medians, peak_gib
from products import decoding, encoding

from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.model import SequenceVAE
from seqvae.music.presets import load_preset
from vaecore.device import fast_bfloat16, keep_freed_memory

SMALL = {
    "steps": 32, "latent_dim": 256, "encoder_dim": 512, "decoder_dim": 256, "decoder_layers": 2,
    "readout": "final", "conditioning": "shared",
}  # fmt: skip
PHRASE = {
    "steps": 256, "classes": 90, "latent_dim": 256, "encoder_dim": 512, "encoder_layers": 2,
    "levels": [16, 16], "conductor_dim": 256, "conductor_layers": 2, "segment_dim": 256,
    "decoder_dim": 256, "decoder_layers": 2, "readout": "final", "conditioning": "shared",
}  # fmt: skip
SHAPES = {
    "drums small": {"classes": 512, **SMALL},
    "melody small": {"classes": 90, **SMALL},
    "hierdec reduced": PHRASE,
}
REFERENCE = {("drums small", 512): 188, ("drums small", 64): 109, ("hierdec reduced", 32): 3.7}
"""Best sequences per second of Magenta on two cores of a Zen 4, 32-bit."""


def operations(model: SequenceVAE) -> float:
    """Return the necessary operations of training on one window."""
    return 3 * (encoding(model.encoder) + decoding(model.decoder))


def build(name: str) -> SequenceVAE:
    if name in SHAPES:
        return SequenceVAE(SequenceArchitecture(**SHAPES[name]))
    return load_preset(name).make_model()


def one(name: str, batch: int, mixed: bool, kept: bool, threads: int, seconds: float) -> dict:
    """Return the figures of one setting."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if kept:
        keep_freed_memory()
    roof = matmul(torch.bfloat16 if mixed else torch.float32)
    model = build(name).train()
    model.mixed_precision = mixed
    a = model.architecture
    x = torch.randint(0, a.classes, (batch, a.steps))
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        model.loss(x, 0).loss.backward()
        optimizer.step()

    speed = batch * medians(step, seconds)
    return {
        "model": name, "parameters": sum(p.numel() for p in model.parameters()), "batch": batch,
        "bfloat16": mixed, "freed_kept": kept, "sequences_per_second": speed,
        "gflop": operations(model) / 1e9, "share": speed * operations(model) / roof,
        "matmul_gflop_per_second": roof / 1e9, "peak_gib": peak_gib(),
    }  # fmt: skip


@click.command(help=__doc__)
@click.argument("models", nargs=-1)
@click.option("--batch", "batches", multiple=True, default=[512, 64], show_default=True, type=int)
@click.option("--threads", default=len(os.sched_getaffinity(0)), help="[default: all cores]")
@click.option("--seconds", default=20.0, show_default=True, help="Seconds to measure each rate.")
@click.option("--json", "as_json", is_flag=True)
@click.option("--setting", hidden=True, nargs=2, type=bool, help="Measure this one, print JSON.")
def main(models, batches, threads, seconds, as_json, setting) -> None:
    if setting:
        click.echo(json.dumps(one(models[0], batches[0], *setting, threads, seconds)))
        return
    models = models or ("drums small", "melody small", "drums_2bar", "melody_2bar")
    types = (False, True) if fast_bfloat16() else (False,)
    common = ["--threads", str(threads), "--seconds", str(seconds)]
    rows = [
        json.loads(
            subprocess.run(
                [sys.executable, __file__, name, "--batch", str(batch), *common,
                 "--setting", str(mixed), str(kept)],
                stdout=subprocess.PIPE, check=True,
            ).stdout
        )
        for name in models for batch in batches for mixed in types for kept in (False, True)
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    click.echo(about(threads) + "\n")
    click.echo("| model | parameters | batch | type | freed | seq/s | of Magenta's | GFLOP "
               "| of matmul | matmul | memory |")  # fmt: skip
    click.echo("|---|---:|---:|---|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        theirs = REFERENCE.get((row["model"], row["batch"]))
        ratio = f"{row['sequences_per_second'] / theirs:.2f}" if theirs else ""
        click.echo(
            f"| {row['model']} | {row['parameters'] / 1e6:.2f} M | {row['batch']} "
            f"| {'bfloat16' if row['bfloat16'] else 'float32'} "
            f"| {'kept' if row['freed_kept'] else 'returned'} "
            f"| {row['sequences_per_second']:,.0f} | {ratio} | {row['gflop']:.2f} "
            f"| {row['share']:.0%} | {row['matmul_gflop_per_second']:,.0f} GFLOP/s "
            f"| {row['peak_gib']:.1f} GiB |"
        )


if __name__ == "__main__":
    main()
