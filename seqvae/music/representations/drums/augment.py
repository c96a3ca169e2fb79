"""Random changes of batches of drum patterns; see `SequenceCodec.augmentations`."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from seqvae.music.representations.alphabet import DRUMS


def mix(x: Tensor, generator: Generator, *, probability: float) -> Tensor:
    """Replace a random set of drums by the same drums of another window of the batch.

    Args:
        x: Drum patterns `(n, steps)`.
        generator: Source of randomness.
        probability: Share of the windows that are changed.
    """
    partner, drums = exchange(x, generator, probability)
    return (x & ~drums) | (partner & drums)


def exchange(x: Tensor, generator: Generator, probability: float) -> tuple[Tensor, Tensor]:
    """Return for each window another one, and a bit mask `(n, 1)` of the drums to take from it."""
    partner = x[torch.randperm(len(x), generator=generator)]
    drums = torch.randint(2**DRUMS, (len(x), 1), generator=generator)
    return partner, drums * (torch.rand(len(x), 1, generator=generator) < probability)


def drop(x: Tensor, generator: Generator, *, probability: float) -> Tensor:
    """Remove one random drum from a share of the windows; arguments as for `mix`."""
    drum = 1 << torch.randint(DRUMS, (len(x), 1), generator=generator)
    drum *= torch.rand(len(x), 1, generator=generator) < probability
    return x & ~drum
