"""Does the memory of a training on far more data than memory stay constant?

    python benchmarks/training_memory.py --limit 2000 --times 10

Writes shards of random windows, `--times` as large as the limit, and trains on them in a process of
its own, once through all of them: read, shuffled and batched as `seqvae train` does, with Lightning
and with validations, checkpoints and logs. Only the model is a bag of tokens, not one of music,
so that reading is most of the work. Prints the memory that is resident over the steps, and fails
where it is more than the limit beyond what it was after importing everything. Address space is
limited as well, beyond what threads reserve and never use: reading all windows would fail
at once.
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

STEPS, CLASSES = 32, 4
"""Of a window."""
RESERVED = 1 << 30
"""Address space for stacks and arenas of threads."""
ALLOCATORS = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
"""Without these, gigabytes of address space are reserved and never used."""
ROWS = 100_000
"""Windows that are written at once."""


def write_shards(folder: Path, size: int) -> int:
    """Write shards whose windows take so many bytes in memory; return how many windows."""
    from seqvae.music.data.shards import ShardWriter, window_table

    generator = np.random.default_rng(0)
    counts = {"train": size // (2 * STEPS), "validation": 1024, "test": 1}
    for split, count in counts.items():
        with ShardWriter(folder, split, STEPS) as writer:
            for first in range(0, count, ROWS):
                n = min(ROWS, count - first)
                window = generator.integers(0, CLASSES, (n, STEPS), dtype=np.uint16)
                writer.add(window_table(window, ["a.mid"] * n, [1] * n, [120.0] * n, [0] * n))
    return counts["train"]


def memory() -> tuple[int, int]:
    """Return the bytes that this process has reserved and that are resident."""
    pages = Path("/proc/self/statm").read_text().split()
    return tuple(int(page) * os.sysconf("SC_PAGE_SIZE") for page in pages[:2])


def train_within(shards: Path, limit: int, steps: int, batch: int) -> None:
    """Train in this process within a limit; print the step and the resident bytes as JSON."""
    import lightning.pytorch as pl
    import pyarrow.parquet  # noqa: F401
    import tensorboard  # noqa: F401
    import torch
    from torch import nn

    from seqvae.music.data.shards import read_windows
    from seqvae.music.data.streaming import ShardedWindows, StreamLoader
    from seqvae.sequences.loader import WindowLoader
    from vaecore.model import VAE
    from vaecore.training import TrainingConfig, fit

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bag = nn.EmbeddingBag(CLASSES, 4)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            mean, log_stddev = self.bag(x).chunk(2, dim=1)
            return mean, log_stddev.exp()

    class Decoder(nn.Linear):
        def log_likelihood(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
            return self(z).log_softmax(dim=1).gather(1, x).sum(dim=1)

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step % max(1, steps // 20) == 0:
                print(json.dumps([trainer.global_step, memory()[1]]), flush=True)

    reserved, resident = memory()
    resource.setrlimit(resource.RLIMIT_AS, (reserved + limit + RESERVED, resource.RLIM_INFINITY))
    print(json.dumps([0, resident]), flush=True)
    config = TrainingConfig(
        batch_size=batch, max_steps=steps, validate_every=max(1, steps // 4), precision="32",
        accelerator="cpu", threads=1,
    )  # fmt: skip
    fit(
        VAE(Encoder(), Decoder(2, CLASSES), 2),
        StreamLoader(ShardedWindows(shards, "train"), batch),
        WindowLoader(read_windows(shards, "validation"), batch, training=False),
        config,
        shards / "run",
        progress=False,
        callbacks=[Watch()],
    )


@click.command()
@click.option("--limit", default=2000, show_default=True, help="MB beyond what imports take.")
@click.option("--times", default=10.0, show_default=True, help="Data, in units of the limit.")
@click.option("--batch", default=16384, show_default=True, help="Windows in a batch.")
@click.option("--child", nargs=2, hidden=True, help="Folder and steps: train on it, print JSON.")
def main(limit: int, times: float, batch: int, child: tuple[str, str] | None) -> None:
    """Print resident memory over the steps of a training on more data than memory."""
    if child is not None:
        train_within(Path(child[0]), limit << 20, int(child[1]), batch)
        return
    with tempfile.TemporaryDirectory() as place:
        begin = time.monotonic()
        count = write_shards(Path(place), int(times * limit) << 20)
        disk = sum(path.stat().st_size for path in Path(place).iterdir()) / 2**20
        print(
            f"{count:,} windows: {count * 2 * STEPS / 2**20:,.0f} MB in memory, {disk:,.0f} MB on "
            f"disk, written in {time.monotonic() - begin:.0f} s; limit {limit:,} MB", flush=True
        )  # fmt: skip
        options = ["--child", place, count // batch, "--limit", limit, "--batch", batch]
        command = [sys.executable, __file__, *map(str, options)]
        env = os.environ | ALLOCATORS
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
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
