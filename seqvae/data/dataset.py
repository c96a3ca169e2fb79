"""Batches of windows for training and validation, out of memory and without per-item work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqvae.data.augment import Augmentation
from seqvae.data.shards import read_windows
from vaecore.training.batches import Batches


class WindowLoader(Batches):
    """An iterable over the batches of one epoch, `(batch, steps)` int64.

    The randomness of batch k of epoch e depends on the seed, e and k alone, so that a training
    that resumes sees the very batches it would have seen.

    Args:
        windows: `(n, steps)` uint16 class indices.
        batch_size: Number of windows in a batch.
        training: Shuffle, drop the incomplete last batch, and augment; otherwise the windows
            come in their order, and all of them.
        augment: Change of a training batch.
        seed: Makes order and augmentation repeatable.
    """

    def __init__(
        self,
        windows: np.ndarray,
        batch_size: int,
        *,
        training: bool = True,
        augment: Augmentation | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(len(windows), batch_size, training=training, seed=seed)
        self.windows = windows
        self.augment = augment if training else None

    @classmethod
    def from_shards(cls, folder: Path, split: str, batch_size: int, **options: Any) -> WindowLoader:
        """Return a loader over one split of a folder of shards, which is read into memory."""
        return cls(read_windows(folder, split), batch_size, training=split == "train", **options)

    def batches(self, rows: Iterator[np.ndarray]) -> Iterator[Tensor]:
        """Yield the windows of each of the index arrays."""
        epoch, first = self._epoch, self._batch
        for number, indices in enumerate(rows, first + 1):
            x = torch.from_numpy(self.windows[indices].astype(np.int64))
            yield self.augment(x, self._generator(epoch, number)) if self.augment else x

    def _generator(self, epoch: int, number: int) -> torch.Generator:
        entropy = np.random.SeedSequence((self.seed, epoch, number))
        return torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
