"""The order of batches: shuffled anew in every epoch, and exactly resumable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np


class Batches(ABC):
    """An iterable over the batches of one epoch; iterated again, it gives the next epoch's.

    The order of epoch e depends on the seed and e alone, and `state_dict` holds e and the number
    of batches given: a training that resumes sees the very batches it would have seen. Lightning's
    Trainer stores and restores this state by itself.

    Args:
        count: Number of examples, at least 1.
        batch_size: Number of examples in a batch; at most `count` are taken.
        training: Shuffle, and drop the incomplete last batch; otherwise the examples come in their
            order, and all of them.
        seed: Makes the order repeatable.
    """

    def __init__(self, count: int, batch_size: int, *, training: bool, seed: int = 0) -> None:
        self.count = count
        self.batch_size = min(batch_size, count)
        self.training = training
        self.seed = seed
        self._epoch, self._batch = 0, 0
        self._begun = False

    @abstractmethod
    def batches(self, rows: Iterator[np.ndarray]) -> Iterator[Any]:
        """Yield one batch for each of the index arrays, in their order."""

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        whole, rest = divmod(self.count, self.batch_size)
        return whole + (rest > 0 and not self.training)

    def __iter__(self) -> Iterator[Any]:
        if self._begun:
            self._epoch, self._batch = self._epoch + 1, 0
        self._begun = True
        for batch in self.batches(self._rows(self._batch)):
            self._batch += 1
            yield batch

    def _rows(self, first: int) -> Iterator[np.ndarray]:
        order = np.arange(self.count)
        if self.training:
            np.random.default_rng((self.seed, self._epoch)).shuffle(order)
        for start in range(first * self.batch_size, len(self) * self.batch_size, self.batch_size):
            yield order[start : start + self.batch_size]

    def state_dict(self) -> dict[str, int]:
        """Return the place in the stream of batches."""
        return {"epoch": self._epoch, "batch": self._batch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a place that `state_dict` returned."""
        self._epoch, self._batch = state["epoch"], state["batch"]
        self._begun = self._batch >= len(self)
