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


class WindowLoader:
    """An iterable over the batches of one epoch, `(batch, steps)` int64.

    The order of epoch e and the randomness of its batch k depend on the seed, e and k alone, and
    `state_dict` holds e and k: a training that resumes sees the very batches it would have seen.
    Lightning's Trainer stores and restores this state by itself.

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
        self.windows = windows
        self.batch_size = min(batch_size, len(windows))
        self.training = training
        self.augment = augment if training else None
        self.seed = seed
        self._epoch, self._batch = 0, 0
        self._begun = False

    @classmethod
    def from_shards(cls, folder: Path, split: str, batch_size: int, **options: Any) -> WindowLoader:
        """Return a loader over one split of a folder of shards, which is read into memory."""
        return cls(read_windows(folder, split), batch_size, training=split == "train", **options)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        whole, rest = divmod(len(self.windows), self.batch_size)
        return whole + (rest > 0 and not self.training)

    def __iter__(self) -> Iterator[Tensor]:
        if self._begun:
            self._epoch, self._batch = self._epoch + 1, 0
        self._begun = True
        order = np.arange(len(self.windows))
        if self.training:
            np.random.default_rng((self.seed, self._epoch)).shuffle(order)
        while self._batch < len(self):
            first = self._batch * self.batch_size
            self._batch += 1
            rows = order[first : first + self.batch_size]
            x = torch.from_numpy(self.windows[rows].astype(np.int64))
            yield self.augment(x, self._generator()) if self.augment else x

    def _generator(self) -> torch.Generator:
        entropy = np.random.SeedSequence((self.seed, self._epoch, self._batch))
        return torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))

    def state_dict(self) -> dict[str, int]:
        """Return the place in the stream of batches."""
        return {"epoch": self._epoch, "batch": self._batch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a place that `state_dict` returned."""
        self._epoch, self._batch = state["epoch"], state["batch"]
        self._begun = self._batch >= len(self)
