"""Batches of sentences of about one length, so that little of a step is padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqvae.sequences.loader import WindowLoader
from seqvae.text.vocabulary import END

POOL = 50
"""Batches that are sorted by length together."""


class SentenceLoader(WindowLoader):
    """A `WindowLoader` whose training batches have sentences of about the same length.

    The sentences are shuffled, so many as make `POOL` steps are sorted by length, and the steps
    shuffled again: an LSTM goes through all steps of the longest sentence of a batch.
    """

    def order(self) -> Sequence[int]:
        """Return the examples in the order of the epoch."""
        order = np.asarray(super().order())
        if not self.training:
            return order
        size = self.batch_size * self.accumulate
        length = (self.windows[order] != END).sum(axis=1)
        whole = len(order) // size * size
        batches = []
        for first in range(0, whole, POOL * size):
            last = min(first + POOL * size, whole)
            pool = np.argsort(length[first:last], kind="stable") + first
            batches += list(order[pool].reshape(-1, size))
        np.random.default_rng((self.seed, self._epoch, POOL)).shuffle(batches)
        # Within a step each rank takes every so-manieth sentence: these are of all lengths, too.
        return np.concatenate([*batches, order[whole:]])
