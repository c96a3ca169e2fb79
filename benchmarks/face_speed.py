"""How fast is a face model trained and decoded, relative to the machine's matrix products?

    python benchmarks/face_speed.py faces_64 lecture vanilla

MODELS are presets. Each setting runs in a process of its own: 32-bit or bfloat16, in the memory
format channels-last or channels-first. `images/s` is the rate of whole training steps
(forward, backward, optimiser), without data loading (benchmarks/face_loading.py) and without a
critic; `decode` that of pictures from codes. `GFLOP` are the multiplications and additions that
the network needs for one picture in training; `of matmul` is the share of the rate that a matrix
product of 2048 x 2048 reaches in the same process, in the same type, just before. `memory` is the
peak of the process, of which torch alone takes about 0.3 GB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext

import click
import torch
from machine import about, matmul, peak_gib, rate
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from facevae.networks.model import CENTRE, SCALE, FaceVAE
from facevae.presets import load_preset
from vaecore.device import fast_bfloat16
from vaecore.distributions import DiagonalGaussian


def loss(model: FaceVAE, x: Tensor) -> Tensor:
    """Return the negative evidence lower bound, as `FaceVAE.loss` computes it.

    Networks are called without the conversion to channels-last that the model's own methods make.
    """
    mixed = model.mixed_precision
    with torch.autocast(x.device.type, torch.bfloat16) if mixed else nullcontext():
        mean, log_stddev = model.encoder.network((x - CENTRE) / SCALE)
    posterior = DiagonalGaussian(mean.float(), log_stddev.float().clamp(-8, 8).exp())
    z = posterior.sample()
    picture = decode(model, z)
    return model.objective(model.decoder.log_density(x, picture), posterior.kl()).loss


def decode(model: FaceVAE, z: Tensor) -> Tensor:
    """Return pictures, in the memory format that the weights have."""
    with torch.autocast(z.device.type, torch.bfloat16) if model.mixed_precision else nullcontext():
        x = model.decoder.network(z)
    return x.float() * SCALE + CENTRE


def one(name: str, bf16: bool, last: bool, batch: int, seconds: float, threads: int) -> dict:
    """Return the figures of one setting."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    dtype = torch.bfloat16 if bf16 else torch.float32
    roof = matmul(dtype)
    layout = torch.channels_last if last else torch.contiguous_format
    model = load_preset(name).make_model().to(memory_format=layout)
    model.mixed_precision = bf16
    size = model.architecture.size
    x = torch.rand(batch, 3, size, size).contiguous(memory_format=layout)
    z = torch.randn(batch, model.latent_dim)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss(model, x).backward()
        optimiser.step()

    with FlopCounterMode(display=False) as counter:
        step()
    training = counter.get_total_flops() / batch
    trained = batch * rate(step, seconds)
    model.eval()
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            decode(model, z)
        decoding = counter.get_total_flops() / batch
        decoded = batch * rate(lambda: decode(model, z), seconds / 2)
    return {
        "model": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "bfloat16": bf16,
        "channels_last": last,
        "training_images_per_second": trained,
        "training_gflop": training / 1e9,
        "training_share": trained * training / roof,
        "decoded_images_per_second": decoded,
        "decoding_gflop": decoding / 1e9,
        "decoding_share": decoded * decoding / roof,
        "matmul_gflop_per_second": roof / 1e9,
        "peak_gigabytes": peak_gib(),
    }


@click.command(help=__doc__)
@click.argument("models", nargs=-1, required=True)
@click.option("--batch", default=64, show_default=True)
@click.option("--seconds", default=6.0, show_default=True, help="Seconds to measure each rate.")
@click.option("--threads", default=len(os.sched_getaffinity(0)), help="[default: all cores]")
@click.option("--json", "as_json", is_flag=True)
@click.option("--setting", hidden=True, help="Measure this setting alone, print JSON.")
def main(models, batch, seconds, threads, as_json, setting) -> None:
    if setting:
        bf16, last = (part == "1" for part in setting)
        click.echo(json.dumps(one(models[0], bf16, last, batch, seconds, threads)))
        return
    settings = ("00", "01", "10", "11") if fast_bfloat16() else ("00", "01")
    common = ["--batch", str(batch), "--seconds", str(seconds), "--threads", str(threads)]
    rows = [
        json.loads(
            subprocess.run(
                [sys.executable, __file__, name, *common, "--setting", setting],
                stdout=subprocess.PIPE, check=True,
            ).stdout
        )
        for name in models
        for setting in settings
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    click.echo(f"{about(threads)}; batches of {batch}")
    click.echo(
        f"{'preset':10}{'type':10}{'layout':15}{'images/s':>9}{'GFLOP':>7}{'of matmul':>11}"
        f"{'decode/s':>10}{'GFLOP':>7}{'of matmul':>11}{'matmul':>16}{'memory':>9}"
    )
    for row in rows:
        click.echo(
            f"{row['model']:10}{'bfloat16' if row['bfloat16'] else 'float32':10}"
            f"{'channels-last' if row['channels_last'] else 'planes':15}"
            f"{row['training_images_per_second']:9.0f}{row['training_gflop']:7.2f}"
            f"{row['training_share']:11.0%}{row['decoded_images_per_second']:10.0f}"
            f"{row['decoding_gflop']:7.2f}{row['decoding_share']:11.0%}"
            f"{row['matmul_gflop_per_second']:9.0f} GFLOP/s"
            f"{row['peak_gigabytes']:6.2f} GB"
        )


if __name__ == "__main__":
    main()
