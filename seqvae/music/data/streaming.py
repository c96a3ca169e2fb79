"""Windows of shards that are larger than memory: read in blocks, in a shuffled order.

A block is a row group of a shard (`prepare` writes 20,000 windows in each). In every epoch the
blocks come in a new random order. As many consecutive ones as fit into a pool (64 MiB, a million
windows of two bars) are read together, and the windows of a pool are shuffled.

So a batch mixes windows of as many blocks as a pool has (about 50 for windows of two bars), from
all shards. But the windows of one block, such as those of one song, always come in the same part of
an epoch. A split that fits into one pool is shuffled as well as in memory; if a block is larger
than the pool, only the windows of that block are mixed.

The order depends on the seed and the epoch alone, not on the number of ranks: each rank reads all
blocks and keeps its part of each batch.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqvae.music.data.shards import ShardedWindows
from seqvae.sequences.loader import WindowLoader

CHOICES = ("auto", "always", "never")
POOL_BYTES = 64 << 20
"""Bytes of a pool: of the windows that are shuffled together."""
MEMORY_SHARE = 0.25
"""Largest share of a process's memory for a training split; reading it takes twice as much."""


class StreamLoader(WindowLoader):
    """A `WindowLoader` for training on windows that stay on disk; see the module.

    Args:
        windows: The training split.
        batch_size: Number of windows in a batch, of all ranks together.
        pool_bytes: Bytes of the windows that are in memory and shuffled together.
        options: As for `WindowLoader`.
    """

    windows: ShardedWindows

    def __init__(
        self,
        windows: ShardedWindows,
        batch_size: int,
        *,
        pool_bytes: int = POOL_BYTES,
        **options: Any,
    ) -> None:
        super().__init__(windows, batch_size, training=True, **options)
        self._pool_rows = max(1, pool_bytes // (2 * windows.width))
        self._planned: int | None = None
        self._data = np.empty((0, windows.width), np.uint16)

    def order(self) -> Sequence[int]:
        """Return the positions in the epoch; `_read` finds the window at each position."""
        return range(self.count)

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Return the windows at consecutive positions of the epoch."""
        if self._planned != self._epoch:
            self._plan()
        parts, place, end = [], int(rows[0]), int(rows[-1]) + 1
        while place < end:
            pool = int(np.searchsorted(self._ends, place, side="right"))
            if pool != self._pool:
                self._fill(pool)
            first = self._ends[pool] - len(self._shuffled)
            stop = min(end, int(self._ends[pool]))
            parts.append(self._data[self._shuffled[place - first : stop - first]])
            place = stop
        return np.concatenate(parts)

    def _plan(self) -> None:
        """Choose the order of the blocks in this epoch, and divide them into pools."""
        self._blocks = np.random.default_rng((self.seed, self._epoch)).permutation(
            len(self.windows.places)
        )
        ends = np.cumsum(np.diff(self.windows.starts)[self._blocks])
        pools = (ends - 1) // self._pool_rows
        last = np.append(pools[1:] != pools[:-1], True)
        self._ends, self._stops = ends[last], np.flatnonzero(last) + 1
        self._planned, self._pool = self._epoch, -1

    def _fill(self, pool: int) -> None:
        """Replace the pool in memory by another one, and shuffle its windows."""
        first, stop = (0, *self._stops)[pool], self._stops[pool]
        rows = int(self._ends[pool] - (0, *self._ends)[pool])
        self._data = self._data[:0].copy()  # frees the old pool before the next one is read
        self._data, filled = np.empty((rows, self.windows.width), np.uint16), 0
        for index in self._blocks[first:stop]:
            block = self.windows.block(index)
            self._data[filled : filled + len(block)] = block
            filled += len(block)
        generator = np.random.default_rng((self.seed, self._epoch, pool))
        self._shuffled, self._pool = generator.permutation(rows).astype(np.int32), pool


@dataclass(frozen=True)
class DataConfig:
    """How the training split is read; the section `data` of a recipe.

    Args:
        stream: "always" leaves it on disk, "never" reads it into memory, "auto" reads it into
            memory if it takes less than `MEMORY_SHARE` of the memory.

    Raises:
        ValueError: `stream` is another word.
    """

    stream: str = "auto"

    def __post_init__(self) -> None:
        if self.stream not in CHOICES:
            raise ValueError(f"data.stream must be one of {', '.join(CHOICES)}, not {self.stream}")

    def decided(self, windows: ShardedWindows, ranks: int = 1) -> DataConfig:
        """Return the choice for a split, on this machine: "always" or "never".

        Args:
            windows: The split.
            ranks: Number of processes that share the memory of this machine.
        """
        if self.stream != "auto":
            return self
        large = windows.nbytes > MEMORY_SHARE * memory() / ranks
        return DataConfig("always" if large else "never")


def memory() -> int:
    """Return the memory of this process in bytes: the machine's, or a lower limit that was set."""
    limits = [1 << 62]
    with suppress(AttributeError, OSError, ValueError):  # not on Windows
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with suppress(ImportError):  # not on Windows either
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        limits += [soft] * (soft > 0)
    with suppress(OSError, ValueError):  # not Linux, or the word "max"
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(limits)
