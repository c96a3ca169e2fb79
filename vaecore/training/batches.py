"""The order of batches: shuffled in every epoch, divided among ranks, exactly resumable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from vaecore.errors import DataError
from vaecore.seeds import check_seed
from vaecore.training.ranks import ALONE, Ranks


class Part(NamedTuple):
    """One batch of one rank: a part of the examples of an optimiser step.

    Attributes:
        number: Number of the step in its epoch, from 1; without training, of the batch.
        rows: Indices of all examples of the step, of all ranks and batches.
        mine: The part of `rows` that is this batch.
    """

    number: int
    rows: np.ndarray
    mine: slice

    @property
    def own(self) -> np.ndarray:
        """Indices of the examples of this batch, `(n,)`."""
        return self.rows[self.mine]


def places(size: int, index: int, ranks: Ranks) -> slice:
    """Return the part of a step's examples that is one batch of a rank, for `Part.mine`.

    It is every `world`-th example, so that the first half of each rank's rows is of the first half
    of all.

    Args:
        size: Examples in a batch of all ranks together.
        index: Index of the batch in its step, from 0.
        ranks: The rank.
    """
    return slice(index * size + ranks.rank, (index + 1) * size, ranks.world)


class Batches(ABC):
    """An iterable over the batches of one epoch; iterated again, it gives the next epoch's.

    The order of epoch e depends on the seed and e alone, and `state_dict` holds e and the number
    of batches given, so that a resumed training sees the same batches. Lightning's Trainer stores
    and restores this state by itself.

    In training, each batch is divided among the ranks: a step has the same examples for any number
    of ranks, and for any division into accumulated batches. Without training, each rank takes every
    `world`-th batch as a whole, and at least one: with fewer batches than ranks, some are repeated.

    Args:
        count: Number of examples, at least 1.
        batch_size: Examples in a batch of all ranks together; reduced to `count` if larger.
        training: Whether to shuffle, and drop the incomplete last batch. Otherwise all examples
            come in order.
        seed: Seed of the order, from 0 to 2**63 - 1.
        accumulate: Number of batches in one step of the optimiser.
        ranks: The rank of this process.

    Raises:
        DataError: There are fewer examples than a step of all ranks needs.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        *,
        training: bool,
        seed: int = 0,
        accumulate: int = 1,
        ranks: Ranks = ALONE,
    ) -> None:
        self.count = count
        self.training = training
        self.seed = check_seed(seed)
        self.accumulate = accumulate if training else 1
        self.ranks = ranks
        size = min(batch_size, count // self.accumulate)
        self.batch_size = size - size % ranks.world if training else size
        if self.batch_size == 0:
            wanted = f"{self.accumulate} batches for {ranks.world} processes"
            remedy = "add examples, or lower training.accumulate"
            raise DataError(f"{count} examples are too few for {wanted}", remedy=remedy)
        self._epoch, self._batch = 0, 0
        self._begun = False

    @abstractmethod
    def batches(self, parts: Iterator[Part]) -> Iterator[Any]:
        """Yield one batch for each of the parts, in their order."""

    def order(self) -> Sequence[int] | np.ndarray:
        """Return the examples in the order of the epoch."""
        order = np.arange(self.count)
        if self.training:
            np.random.default_rng((self.seed, self._epoch)).shuffle(order)
        return order

    def __len__(self) -> int:
        """Number of batches in an epoch, of this rank."""
        if self.training:
            return self.count // (self.batch_size * self.accumulate) * self.accumulate
        return max(1, len(range(self.ranks.rank, self.every, self.ranks.world)))

    @property
    def every(self) -> int:
        """Number of batches in an epoch of all ranks, without training."""
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if self._begun:
            self._epoch, self._batch = self._epoch + 1, 0
        self._begun = True
        for batch in self.batches(self._parts(self._batch)):
            self._batch += 1
            yield batch

    def _parts(self, first: int) -> Iterator[Part]:
        order = self.order()
        for batch in range(first, len(self)):
            if self.training:
                step, index = divmod(batch, self.accumulate)
                size = self.batch_size * self.accumulate
                mine = places(self.batch_size, index, self.ranks)
            else:
                step = (batch * self.ranks.world + self.ranks.rank) % self.every
                size = self.batch_size
                mine = slice(None)
            yield Part(step + 1, np.asarray(order[step * size : (step + 1) * size]), mine)

    def state_dict(self) -> dict[str, int]:
        """Return the place in the stream of batches."""
        return {"epoch": self._epoch, "batch": self._batch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from a place that `state_dict` returned."""
        self._epoch, self._batch = state["epoch"], state["batch"]
        self._begun = self._batch >= len(self)
