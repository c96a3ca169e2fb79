"""Random changes of batches of chords and piano; see `SequenceCodec.augmentations`."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from seqvae.music.representations.piano.texture import PITCHES, blocks


def transpose(x: Tensor, generator: Generator, *, semitones: int) -> Tensor:
    """Shift each window by its own interval, uniform in [-semitones, semitones].

    A window keeps its pitch if one of its notes would leave the piano.

    Args:
        x: Windows `(n, steps, 2 notes)`.
        generator: Source of randomness.
        semitones: Largest interval.
    """
    shift = torch.randint(-semitones, semitones + 1, (len(x), 1, 1), generator=generator)
    return moved(x, shift)


def moved(x: Tensor, shift: Tensor) -> Tensor:
    """Return windows transposed by `(n, 1, 1)` semitones, those as they were that would leave."""
    pitch, length = blocks(x)
    note = pitch > 0
    shifted = pitch + shift * note
    leaves = (note & ((shifted < 1) | (shifted > PITCHES))).flatten(1).any(1)[:, None, None]
    return torch.cat([torch.where(leaves, pitch, shifted), length], dim=-1)
