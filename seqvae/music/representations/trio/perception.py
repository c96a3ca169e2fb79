"""How trios are perceived: voice by voice, and whether the bass suits the melody."""

from __future__ import annotations

import torch
from torch import Tensor

from seqvae.music.representations.perception.notes import sounding
from seqvae.music.representations.perception.whole import MusicPerception

BEAT = 4
"""Sixteenths of a beat."""
CONSONANT = (0, 3, 4, 7, 8, 9)
"""Intervals, in semitones but for octaves: unison, thirds, fifth and sixths."""
LEAST = 0.7
"""Share of consonant beats without a fault."""
DISSONANCE = 10.0
"""What each share below that counts."""


class TrioPerception(MusicPerception):
    """The perception of melody, bass and drums."""

    def faults(self, x: Tensor) -> Tensor:
        """Return the faults of the melody, and a penalty for a bass that is dissonant with it."""
        return super().faults(x) + DISSONANCE * (LEAST - consonance(x)).clamp(min=0).nan_to_num()


def consonance(x: Tensor) -> Tensor:
    """Return the share of the beats on which melody and bass both sound that are consonant.

    Args:
        x: Trios `(n, steps, 3)`.

    Returns:
        `(n,)`; NaN where they never sound together.
    """
    melody, bass = (sounding(x[..., voice])[:, ::BEAT] for voice in (0, 1))
    both = (melody > 0) & (bass > 0)
    suits = torch.isin((melody - bass) % 12, torch.tensor(CONSONANT, device=x.device))
    return (suits & both).sum(1) / both.sum(1)
