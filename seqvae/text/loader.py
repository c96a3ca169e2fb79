"""Batches of sentences of similar length, to save padding."""

from __future__ import annotations

import numpy as np

from seqvae.sequences.loader import WindowLoader
from seqvae.text.vocabulary import END

POOL = 50
"""Training steps whose sentences are sorted by length together."""


class SentenceLoader(WindowLoader):
    """A `WindowLoader` whose training batches have sentences of similar length.

    The sentences are shuffled, those of `POOL` training steps are sorted by length, and these steps
    are shuffled again. An LSTM takes as many time steps as the longest sentence of a batch.
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
        # Each rank takes every `world`-th sentence of a step, so every rank has all lengths.
        return np.concatenate([*batches, order[whole:]])
