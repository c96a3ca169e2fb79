"""Random changes of batches of melodies; see `SequenceCodec.augmentations`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from seqvae.music.representations.alphabet import FIRST_NOTE


def transposition(classes: int, voices: int | None = None) -> Callable[..., Tensor]:
    """Return the function that transposes windows of notes.

    Args:
        classes: Number of classes of a voice of notes.
        voices: How many of the voices, the first ones, are notes; None where a window is one
            voice, `(n, steps)`.
    """

    def transpose(x: Tensor, generator: Generator, *, semitones: int) -> Tensor:
        """Shift each window by its own interval, uniform in [-semitones, semitones].

        Voices of notes move together, and others stay. A window keeps its pitch if one of its notes
        would leave the alphabet. MusicVAE does the same per song, with 5 semitones, and drops the
        notes that leave (Roberts et al., 2018, and its code); it does not transpose trios.
        """
        shift = torch.randint(-semitones, semitones + 1, (len(x), 1), generator=generator)
        notes = x[..., None] if voices is None else x[..., :voices]
        is_note = notes >= FIRST_NOTE
        shifted = notes + shift[..., None] * is_note
        leaves = is_note & ((shifted < FIRST_NOTE) | (shifted >= classes))
        moved = torch.where(leaves.flatten(1).any(dim=1)[:, None, None], notes, shifted)
        return moved[..., 0] if voices is None else torch.cat([moved, x[..., voices:]], dim=-1)

    return transpose
