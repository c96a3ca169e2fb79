"""How fast does Python decode music beside programs that keep cores busy?

    python benchmarks/busy_cores.py

Windows per second by `LatentSpace.decode_to_examples`, medians over repeats, and CPU milliseconds
of a window. `shared` leaves all operations to torch's own number of threads, as it was before
`vaecore.threads`; `as it is` is what users get. A busy program is a loop in a process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from contextlib import contextmanager, nullcontext
from unittest import mock

import click
import torch
from machine import about

import seqvae
import vaecore.space.coding


def spin() -> None:
    """Keep a core busy for ever."""
    while True:
        pass


@contextmanager
def neighbours(count: int):
    """Run so many busy programs."""
    context = multiprocessing.get_context("spawn")
    running = [context.Process(target=spin, daemon=True) for _ in range(count)]
    for process in running:
        process.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.join()


def rate(space, z: torch.Tensor, seconds: float) -> tuple[float, float]:
    """Return windows per second, the median, and CPU milliseconds of a window."""
    space.decode_to_examples(z)
    times, cpu, begin = [], time.process_time(), time.monotonic()
    while not times or time.monotonic() - begin < seconds:
        started = time.monotonic()
        space.decode_to_examples(z)
        times.append(time.monotonic() - started)
    used = time.process_time() - cpu
    return len(z) / sorted(times)[len(times) // 2], 1e3 * used / len(times) / len(z)


@click.command(help=__doc__)
@click.argument("models", nargs=-1)
@click.option("--batch", "batches", multiple=True, type=int, default=(1, 16, 256))
@click.option("--busy", multiple=True, type=int, default=(0, 1), help="Busy programs.")
@click.option("--threads", default=len(os.sched_getaffinity(0)), help="[default: all cores]")
@click.option("--seconds", default=4.0, show_default=True, help="Seconds to measure each rate.")
@click.option("--json", "as_json", is_flag=True)
def main(models, batches, busy, threads, seconds, as_json) -> None:
    torch.set_num_threads(threads)
    rows = []
    for count in busy:
        with neighbours(count):
            for name in models or ("drums_2bar", "melody_2bar"):
                space = seqvae.load(name)
                for batch in batches:
                    z = torch.randn(batch, space.latent_dim)
                    now, cpu = rate(space, z, seconds)
                    alone = mock.Mock(side_effect=lambda *_: nullcontext())
                    with mock.patch.object(vaecore.space.coding, "threads_for", alone):
                        shared, shared_cpu = rate(space, z, seconds)
                    rows.append(
                        {
                            "busy": count, "model": name, "batch": batch,
                            "shared": shared, "as_it_is": now,
                            "shared_cpu_ms": shared_cpu, "cpu_ms": cpu,
                        }
                    )  # fmt: skip
    load = os.getloadavg()[0]
    if as_json:
        click.echo(json.dumps({"threads": threads, "load": load, "rows": rows}, indent=1))
        return
    click.echo(f"{about(threads)}; load at the end {load:.1f}\n")
    click.echo("| busy programs | model | batch | shared | as it is | CPU ms, shared | CPU ms |")
    click.echo("|---:|---|---:|---:|---:|---:|---:|")
    for row in rows:
        click.echo(
            f"| {row['busy']} | {row['model']} | {row['batch']} | {row['shared']:,.0f}/s "
            f"| {row['as_it_is']:,.0f}/s | {row['shared_cpu_ms']:.2f} | {row['cpu_ms']:.2f} |"
        )


if __name__ == "__main__":
    main()
