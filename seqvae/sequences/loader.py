"""Batches of windows for training and validation, by indexing whole batches in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Generator, Tensor

from vaecore.training.batches import Batches, Part

Augmentation = Callable[[Tensor, Generator], Tensor]
"""A random change of a batch; it depends on the batch and the generator alone."""


class Rows(Protocol):
    """Packed windows that can be read by their indices."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray: ...


class WindowLoader(Batches):
    """An iterable over the batches of one epoch, `(batch, *shape)`.

    The random numbers of step k of epoch e depend on the seed, e and k alone, so that a resumed
    training has the same batches. Every rank augments all windows of a step and then takes its own,
    as an augmentation may mix windows of different ranks.

    Args:
        windows: `(n, width)` uint16, packed as in shards.
        batch_size: Number of windows in a batch, of all ranks together.
        unpack: Turns packed rows into examples, as `SequenceCodec.unpack`; by default into class
            indices `(batch, width)`.
        training: Whether to shuffle, drop the incomplete last batch, and augment; otherwise all
            windows come in order.
        augment: Random change of the windows of a training step.
        options: seed (of order and augmentation), accumulate and ranks, as for `Batches`.
    """

    def __init__(
        self,
        windows: Rows,
        batch_size: int,
        *,
        unpack: Callable[[np.ndarray], np.ndarray] = lambda rows: rows.astype(np.int64),
        training: bool = True,
        augment: Augmentation | None = None,
        **options: Any,
    ) -> None:
        super().__init__(len(windows), batch_size, training=training, **options)
        self.windows, self.unpack = windows, unpack
        self.augment = augment if training else None

    def batches(self, parts: Iterator[Part]) -> Iterator[Tensor]:
        epoch, number = self._epoch, 0
        for part in parts:
            if part.number != number:
                number = part.number
                x = torch.from_numpy(self.unpack(self._read(part.rows)))
                if self.augment:
                    x = self.augment(x, self._generator(epoch, number))
            yield x[part.mine].contiguous()

    def _read(self, rows: np.ndarray) -> np.ndarray:
        return self.windows[rows]

    def _generator(self, epoch: int, number: int) -> torch.Generator:
        entropy = np.random.SeedSequence((self.seed, epoch, number))
        return torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0]) >> 1)
