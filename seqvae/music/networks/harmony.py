"""Harmony: which notes of a bass suit the melody, as a table of twelve intervals.

A decoder that writes every voice from z alone has voices that suit each other where z says so, as
in reconstructions. Between two codes z says less, and the bass is as consonant with its melody as
with that of other bars. So a table says how much more often than by chance each interval is heard
in music, and the decoder's distribution over the notes of a bass is multiplied by it. Whether a
note begins is not its matter: that stays as likely as it was.
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
"""Sixteenths from the beginning of a note on whose melody it is to suit: a beat."""


class Harmony(nn.Module):
    """Tilts the logits of a voice of notes towards those that suit another voice.

    Args:
        table: What is added to the logit of a note so many semitones (mod 12) below the melody, in
            nats; a melody that sounds for a part of the next `AHEAD` sixteenths counts by that.
        classes: Of the voice that is tilted.
    """

    table: Tensor

    def __init__(self, table: Sequence[float], classes: int) -> None:
        super().__init__()
        interval = torch.arange(OCTAVE)[:, None] - torch.arange(classes)
        known = torch.tensor(table)[interval % OCTAVE]
        self.register_buffer("table", known, persistent=False)
        """`(12, classes)`: of a melody's class mod 12."""

    def forward(self, melody: Tensor) -> Tensor:
        """Return what is added to logits, `(rows, steps, classes)`, for melodies `(rows, steps)`.

        That of classes below `FIRST_NOTE` has no meaning; see `tilted`.
        """
        sounds = sounding(melody)
        octave = torch.arange(OCTAVE, device=melody.device)
        heard = ((sounds % OCTAVE)[..., None] == octave) & (sounds >= FIRST_NOTE)[..., None]
        steps = melody.shape[1]
        ahead = functional.pad(heard.to(self.table.dtype), (0, 0, 0, AHEAD - 1))
        share = reduce(add, (ahead[:, k : k + steps] for k in range(AHEAD))) / AHEAD
        return share @ self.table


def tilted(logits: Tensor, tilt: Tensor) -> Tensor:
    """Return logits `(..., classes)` with tilted notes; that one begins is as likely as before.

    Args:
        logits: Of a softmax.
        tilt: Like them; see `Harmony`.
    """
    before = logits[..., FIRST_NOTE:]
    after = before + tilt[..., FIRST_NOTE:]
    after = after + (before.logsumexp(-1, keepdim=True) - after.logsumexp(-1, keepdim=True))
    return torch.cat([logits[..., :FIRST_NOTE], after], dim=-1)
