"""Random changes of batches of drum patterns; see `SequenceCodec.augmentations`."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from seqvae.music.representations.alphabet import DRUMS


def mix(x: Tensor, generator: Generator, *, probability: float) -> Tensor:
    """Replace a random set of drums by what another drummer of the batch plays on them.

    Args:
        x: Drum patterns `(n, steps)`.
        generator: Source of randomness.
        probability: Share of the windows that are changed.
    """
    partner, drums = exchange(x, generator, probability)
    return (x & ~drums) | (partner & drums)


def exchange(x: Tensor, generator: Generator, probability: float) -> tuple[Tensor, Tensor]:
    """Return for each window another, and the drums to take from that as a bit mask, `(n, 1)`."""
    partner = x[torch.randperm(len(x), generator=generator)]
    drums = torch.randint(2**DRUMS, (len(x), 1), generator=generator)
    return partner, drums * (torch.rand(len(x), 1, generator=generator) < probability)


def drop(x: Tensor, generator: Generator, *, probability: float) -> Tensor:
    """Silence one random drum in a share of the windows; arguments as for `mix`."""
    drum = 1 << torch.randint(DRUMS, (len(x), 1), generator=generator)
    drum *= torch.rand(len(x), 1, generator=generator) < probability
    return x & ~drum
