"""Random changes of batches of performances; see `SequenceCodec.augmentations`."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from seqvae.music.representations.alphabet import DRUMS
from seqvae.music.representations.drums.augment import exchange
from seqvae.music.representations.groove.performance import blocks


def mix(x: Tensor, generator: Generator, *, probability: float) -> Tensor:
    """Replace a random set of drums by the same drums of another performance of the batch.

    Args:
        x: Performances `(n, steps, 27)`.
        generator: Source of randomness.
        probability: Share of the windows that are changed.
    """
    partner, drums = exchange(x, generator, probability)
    taken = (drums >> torch.arange(DRUMS) & 1).bool().repeat(1, 3)
    return torch.where(taken[:, None], partner, x)


def shade(x: Tensor, generator: Generator, *, loudness: float, timing: float) -> Tensor:
    """Play each performance louder or softer, and earlier or later, as a whole.

    Args:
        x: Performances `(n, steps, 27)`.
        generator: Source of randomness.
        loudness: Velocities are multiplied by a factor in 1 - loudness..1 + loudness.
        timing: Hits are moved by up to this share of half a step; none leaves its step.
    """
    hits, velocity, offset = blocks(x)
    louder, earlier = (2 * torch.rand(len(x), 2, 1, 1, generator=generator) - 1).unbind(1)
    velocity = (velocity * (1 + loudness * louder)).clamp(max=1)
    offset = (offset + hits * timing * earlier).clamp(-1, 1)
    return torch.cat([hits, velocity, offset], dim=-1)
