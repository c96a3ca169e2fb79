"""The order of batches: shuffled anew in every epoch, divided among ranks, exactly resumable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from vaecore.errors import DataError
from vaecore.seeds import check_seed
from vaecore.training.ranks import ALONE, Ranks


class Part(NamedTuple):
    """One batch of one rank: some of the examples of an optimiser step.

    Attributes:
        number: Of the step in its epoch, from 1; of the batch, where nothing is trained.
        rows: Indices of all examples of the step, whoever computes them.
        mine: Which of these are this batch.
    """

    number: int
    rows: np.ndarray
    mine: slice

    @property
    def own(self) -> np.ndarray:
        """Indices of the examples of this batch, `(n,)`."""
        return self.rows[self.mine]


def places(size: int, index: int, ranks: Ranks) -> slice:
    """Return which of a step's examples are a rank's, as `Part.mine`.

    Every `world`-th one, so that the first half of each rank's rows is the first half of all.

    Args:
        size: Examples of a batch, over all ranks.
        index: Of the batch in its step, where the step has several.
        ranks: Which rank.
    """
    return slice(index * size + ranks.rank, (index + 1) * size, ranks.world)


class Batches(ABC):
    """An iterable over the batches of one epoch; iterated again, it gives the next epoch's.

    The order of epoch e depends on the seed and e alone, and `state_dict` holds e and the number
    of batches given: a training that resumes sees the very batches it would have seen. Lightning's
    Trainer stores and restores this state by itself.

    In training, each batch is divided among the ranks, and together they see what a single process
    would see. So do several batches that make one step together, and one batch as large as all of
    them. Otherwise each rank takes every `world`-th batch as a whole, but at least one: where there
    are fewer batches than ranks, some come twice.

    Args:
        count: Number of examples, at least 1.
        batch_size: Number of examples in a batch of all ranks together; if there are not as many
            examples, as many as there are.
        training: Shuffle, and drop the incomplete last batch; otherwise the examples come in their
            order, and all of them.
        seed: Makes the order repeatable; from 0 to 2**63 - 1.
        accumulate: Batches that make one step of the optimiser.
        ranks: Which of the processes that train together this is.

    Raises:
        DataError: There are fewer examples than ranks and batches of one step.
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
        """Number of batches in an epoch without training, of all ranks."""
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
        """Go on from a place that `state_dict` returned."""
        self._epoch, self._batch = state["epoch"], state["batch"]
        self._begun = self._batch >= len(self)
