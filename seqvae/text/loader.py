"""Batches of sentences of similar length, so that there is little padding."""

from __future__ import annotations

import numpy as np

from seqvae.sequences.loader import WindowLoader
from seqvae.text.vocabulary import END

POOL = 50
"""Steps whose sentences are sorted by length together."""


class SentenceLoader(WindowLoader):
    """A `WindowLoader` whose training batches have sentences of similar length.

    The sentences are shuffled, those of every `POOL` steps are sorted by length, and the steps are
    shuffled again: an LSTM needs as many steps as the longest sentence of a batch has.
    """

    def order(self) -> np.ndarray:
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
        # Each rank takes every `world`-th sentence of a step, so ranks have all lengths, too.
        return np.concatenate([*batches, order[whole:]])
