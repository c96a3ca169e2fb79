"""Harmony: the notes of a bass that suit the melody, by a table of twelve intervals.

Voices that are decoded from z alone suit each other in reconstructions, where z determines both.
Between two codes it does not: there the bass is no more consonant with its own melody than with
that of other bars. A table has how much more often than by chance each interval occurs in music,
and the distribution over the notes of a bass is multiplied by it. The probability that a note
begins stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.representations.alphabet import FIRST_NOTE
from seqvae.music.representations.perception.notes import sounding

OCTAVE = 12
AHEAD = 4
"""Sixteenths of melody, from the beginning of a bass note on, that the note should suit: a beat."""


class Harmony(nn.Module):
    """Raises the logits of notes that suit another voice, the melody.

    Args:
        table: Twelve numbers in nats: what is added to the logit of a note k semitones (mod 12)
            below the melody, in proportion to the part of the next `AHEAD` sixteenths in which the
            melody has that pitch.
        classes: Number of classes of the voice whose logits are changed.
    """

    table: Tensor

    def __init__(self, table: Sequence[float], classes: int) -> None:
        super().__init__()
        interval = torch.arange(OCTAVE)[:, None] - torch.arange(classes)
        known = torch.tensor(table)[interval % OCTAVE]
        self.register_buffer("table", known, persistent=False)
        """`(12, classes)`, by the melody's class mod 12."""

    def forward(self, melody: Tensor) -> Tensor:
        """Return the additions to logits, `(rows, steps, classes)`, for melodies `(rows, steps)`.

        Those of classes below `FIRST_NOTE` are to be ignored; see `tilted`.
        """
        sounds = sounding(melody)
        octave = torch.arange(OCTAVE, device=melody.device)
        heard = ((sounds % OCTAVE)[..., None] == octave) & (sounds >= FIRST_NOTE)[..., None]
        steps = melody.shape[1]
        ahead = functional.pad(heard.to(self.table.dtype), (0, 0, 0, AHEAD - 1))
        share = reduce(add, (ahead[:, k : k + steps] for k in range(AHEAD))) / AHEAD
        return share @ self.table


def tilted(logits: Tensor, tilt: Tensor) -> Tensor:
    """Return logits with additions to those of notes; that a note begins stays as likely.

    Args:
        logits: Logits of a softmax, `(..., classes)`.
        tilt: The additions, of the same shape; see `Harmony`.
    """
    before = logits[..., FIRST_NOTE:]
    after = before + tilt[..., FIRST_NOTE:]
    after = after + (before.logsumexp(-1, keepdim=True) - after.logsumexp(-1, keepdim=True))
    return torch.cat([logits[..., :FIRST_NOTE], after], dim=-1)
