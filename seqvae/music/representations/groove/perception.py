"""How drum performances are perceived: hits as of patterns, their velocity and their timing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqvae.music.representations.groove.performance import blocks
from seqvae.music.representations.perception.drums import (
    SILENCE,
    WEIGHTS,
    blended_hits,
    hit_variants,
    unplayable,
)
from seqvae.music.representations.perception.voice import VoicePerception, blurred, flat

LATE = 0.25
"""What a hit counts that comes half a sixteenth later."""
ADDED_VELOCITY = 0.6
"""Of a hit that is added to a performance without any."""


class PerformancePerception(VoicePerception):
    """The perception of performances, `(n, steps, 27)`."""

    def described(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return blurred hits weighted by velocity, and how late they are."""
        hits, velocity, offset = (part.astype(np.float32) for part in blocks(x))
        weights = np.array(WEIGHTS, np.float32)
        late = LATE * hits * offset * weights
        return np.concatenate([flat(blurred(hits * (0.5 + velocity) * weights)), flat(late)], 1)

    def events(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which drums are hit where."""
        return flat(blocks(x)[0] > 0.5)

    def faults(self, x: Tensor) -> Tensor:
        """Return 3 for silence, else 0."""
        return SILENCE * (blocks(x)[0] <= 0.5).flatten(1).all(1).float()

    def poor(self, x: Tensor) -> Tensor:
        """Return which performances have too few hits or too many; see `unplayable`."""
        return unplayable((blocks(x)[0] > 0.5).flatten(1), x.shape[1])

    def blend(self, a: Tensor, b: Tensor, share: Tensor) -> Tensor:
        """Return blends; hits of both have a velocity and a timing between, others keep theirs."""
        (first, *own), (second, *others) = blocks(a), blocks(b)
        hits = blended_hits(first, second, share).to(a.dtype)
        both, whole = first * second, share[:, None, None]
        feel = [
            hits * torch.where(both > 0, torch.lerp(x, y, whole), first * x + second * y)
            for x, y in zip(own, others, strict=True)
        ]
        return torch.cat([hits, *feel], dim=-1)

    def variants(self, x: Tensor) -> Iterator[Tensor]:
        """Yield performances near one: other hits, louder, looser, earlier, swung."""
        hits, velocity, offset = blocks(x)
        struck = hits > 0
        usual = velocity[struck].mean() if struck.any() else torch.tensor(ADDED_VELOCITY)
        for changed in hit_variants(hits):
            new = (changed > 0) & ~struck
            loud = changed * torch.where(new, usual, velocity)
            yield torch.cat([changed, loud, changed * offset], dim=1)
        at = torch.arange(len(x))[:, None]
        beat, between = at % 4 == 0, at % 2 == 1
        for factor in (0.4, 0.6, 0.8, 1.2, 1.5, 2.0):
            scaled = velocity * factor
            for loud in (
                scaled,
                usual + factor * (velocity - usual),
                torch.where(beat, scaled, velocity),
            ):
                yield torch.cat([hits, hits * loud.clamp(0, 1), offset], dim=1)
        for loose in (0.0, 0.5, 1.5, 2.0, 3.0):
            yield torch.cat([hits, velocity, (loose * offset).clamp(-1, 1)], dim=1)
        for early in (-0.6, -0.3, -0.15, 0.15, 0.3, 0.6):
            for moved in (offset + early, torch.where(between, offset + early, offset)):
                yield torch.cat([hits, velocity, hits * moved.clamp(-1, 1)], dim=1)
