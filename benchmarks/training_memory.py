"""Does a training on far more data than memory stay as small as it began?

    python benchmarks/training_memory.py --limit 2000 --times 10

Writes shards of random windows, `--times` as large as the limit, and trains a tiny model on them in
a process of its own. Prints the memory that is resident over the steps, and fails where it is more
than the limit beyond what it was after importing everything. Address space is limited as well, with
room for what threads reserve and never use: reading all windows would fail at once.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

STEPS, CLASSES = 32, 90
"""Of a window: two bars of melody."""
RESERVED = 1 << 30
"""Address space for stacks and arenas of threads."""
ALLOCATORS = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
"""Without these, gigabytes of address space are reserved and never used."""
ROWS = 100_000
"""Windows that are written at once."""
RECIPE = {
    "memory": {
        "description": "a tiny model, so that reading is most of the work",
        "representation": {"name": "melody", "bars": 2},
        "architecture": {
            "tokens": "melody", "latent_dim": 4, "embedding_dim": 8, "encoder_dim": 8,
            "decoder_dim": 8, "summary_dim": 2,
        },
        "data": {"stream": "always"},
        "training": {"accelerator": "cpu", "precision": "32", "threads": 1, "monitor": None},
    }
}  # fmt: skip


def write_shards(folder: Path, size: int) -> int:
    """Write shards whose windows take so many bytes in memory; return how many windows."""
    from seqvae.codecs import make_codec
    from seqvae.data.shards import SUMMARY, ShardWriter, Windows

    generator = np.random.default_rng(0)
    counts = {"train": size // (2 * STEPS), "validation": 1024, "test": 1}
    for split, count in counts.items():
        with ShardWriter(folder, split, STEPS) as writer:
            for first in range(0, count, ROWS):
                n = min(ROWS, count - first)
                window = generator.integers(0, CLASSES, (n, STEPS), dtype=np.uint16)
                zeros = np.zeros(n, np.int32)
                tempo = np.full(n, 120, np.float32)
                writer.add(Windows(window, zeros, zeros, tempo, zeros.astype(np.int16), ["a.mid"]))
    codec = make_codec(RECIPE["memory"]["representation"])
    about = {"representation": codec.config, "windows": counts, "sources": ["random"]}
    (folder / SUMMARY).write_text(json.dumps(about))
    return counts["train"]


def memory() -> tuple[int, int]:
    """Return the bytes that this process has reserved and that are resident."""
    pages = Path("/proc/self/statm").read_text().split()
    return tuple(int(page) * os.sysconf("SC_PAGE_SIZE") for page in pages[:2])


def train_within(shards: Path, limit: int, every: int) -> None:
    """Train in this process within a limit; print the step and the resident bytes as JSON."""
    import lightning.pytorch as pl
    import pyarrow.parquet  # noqa: F401
    import tensorboard  # noqa: F401

    from seqvae import train as training
    from seqvae.presets import load_preset

    preset = load_preset("memory", path=shards / "recipe.yaml")
    reserved, resident = memory()
    resource.setrlimit(resource.RLIMIT_AS, (reserved + limit + RESERVED, resource.RLIM_INFINITY))
    print(json.dumps([0, resident]), flush=True)

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step % every == 0:
                print(json.dumps([trainer.global_step, memory()[1]]), flush=True)

    fit = training.fit
    training.fit = lambda *a, **k: fit(*a, **k, callbacks=[Watch()])
    training.complete = lambda *a: None
    training.train(preset, shards, shards / "run", progress=False)


@click.command()
@click.option("--limit", default=2000, show_default=True, help="MB beyond what imports take.")
@click.option("--times", default=10.0, show_default=True, help="Data in units of the limit.")
@click.option("--steps", type=int, help="Steps to train. [default: one pass over the data]")
@click.option("--batch", default=4096, show_default=True, help="Windows in a batch.")
@click.option("--child", type=click.Path(path_type=Path), hidden=True)
@click.option("--every", default=1, hidden=True)
def main(
    limit: int, times: float, steps: int | None, batch: int, child: Path | None, every: int
) -> None:
    """Print resident memory over the steps of a training on more data than memory."""
    if child is not None:
        train_within(child, limit << 20, every)
        return
    import yaml

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begin = time.monotonic()
        count = write_shards(folder, int(times * limit) << 20)
        disk = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
        print(
            f"{count:,} windows: {count * 2 * STEPS / 2**20:,.0f} MB in memory, {disk:,.0f} MB on "
            f"disk, written in {time.monotonic() - begin:.0f} s; limit {limit:,} MB"
        )
        steps = steps or count // batch
        training = RECIPE["memory"]["training"]
        training |= {"batch_size": batch, "max_steps": steps, "validate_every": max(1, steps // 2)}
        (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
        every = max(1, steps // 10)
        command = [sys.executable, __file__, "--child", folder, "--limit", limit, "--every", every]
        env = os.environ | ALLOCATORS
        process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, text=True, env=env
        )
        print("".join(f"{name:>13}" for name in ("step", "MB read", "MB resident", "beyond")))
        first, most = None, 0
        for line in process.stdout:
            if not line.startswith("["):
                continue
            step, resident = json.loads(line)
            first = resident if first is None else first
            most = max(most, resident - first)
            sizes = (step * batch * 2 * STEPS, resident, resident - first)
            print(f"{step:13,}" + "".join(f"{size / 2**20:13,.0f}" for size in sizes), flush=True)
        if process.wait() or most > limit << 20:
            sys.exit("the training did not fit into the limit")


if __name__ == "__main__":
    main()
