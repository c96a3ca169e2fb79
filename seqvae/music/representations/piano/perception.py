"""How chords and piano are perceived: onsets, their pitches, and what sounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.perception.notes import MAJOR, SOUNDING, over_pitches
from seqvae.music.representations.perception.voice import (
    VoicePerception,
    blurred,
    flat,
    forms,
    metrical_ranks,
    thresholds,
)
from seqvae.music.representations.piano.augment import moved
from seqvae.music.representations.piano.texture import (
    MOST,
    PITCHES,
    blocks,
    ended,
    rolls,
    sounding,
    steps_of,
)

FEW, MANY = 2, 48
"""Fewer notes a bar are no music, and so are more."""
OUTSIDE = 0.2
"""Share of notes outside the best major scale without a fault."""
CLUSTER = 0.15
"""Share of notes with a neighbour a semitone away that is struck with them, without a fault."""
SILENCE = 3.0


@dataclass(frozen=True)
class ChordPerception(VoicePerception):
    """The perception of windows `(n, steps, 2 notes)`.

    Attributes:
        grid: Of the windows.
    """

    grid: StepGrid = SIXTEEN

    def described(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return where notes are struck, their pitches and what sounds."""
        roll = rolls(x)
        struck, held = (each.astype(np.float32) for each in (roll > 0, sounding(roll)))
        place = 0.5 * blurred(struck.sum(2, keepdims=True))
        pitch = over_pitches(0.5 * blurred(struck) + SOUNDING * held)
        return np.concatenate([flat(place), flat(pitch)], axis=1)

    def events(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which notes begin where."""
        return flat(rolls(x) > 0)

    def faults(self, x: Tensor) -> Tensor:
        """Return a penalty for what sounds wrong.

        Notes outside the best major scale count from a share of 0.2 on, clusters of semitones from
        0.15 on; silence counts 3.
        """
        notes, outside, clusters = self.counted(x)
        some = notes.clamp(min=1)
        return (
            SILENCE * (notes == 0)
            + 10 * (outside / some - OUTSIDE).clamp(min=0)
            + 10 * (clusters / some - CLUSTER).clamp(min=0)
        )

    def poor(self, x: Tensor) -> Tensor:
        """Return which windows nobody would keep.

        Those of fewer than two notes a bar or more than 48, with a third of the notes outside the
        best major scale, or a third in clusters of semitones.
        """
        notes, outside, clusters = self.counted(x)
        each = notes * self.grid.steps_per_bar / x.shape[1]
        return (each < FEW) | (each > MANY) | (outside >= notes / 3) | (clusters >= notes / 3)

    def counted(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the numbers of notes, of those outside the scale, and of those in clusters."""
        struck = (rolls(x) > 0).float()
        classes = self._classes(struck.sum(1))
        inside = (classes @ _scales(x.device).t()).amax(1)
        near = torch.zeros_like(struck)
        near[..., 1:] += struck[..., :-1]
        near[..., :-1] += struck[..., 1:]
        clusters = (struck * (near > 0)).sum((1, 2))
        notes = struck.sum((1, 2))
        return notes, notes - inside, clusters

    def _classes(self, keys: Tensor) -> Tensor:
        """Return how often each pitch class is, `(n, 12)`, of keys `(n, 88)`; the first is A."""
        padded = torch.nn.functional.pad(keys, (0, -PITCHES % 12))
        found: Tensor = padded.unflatten(1, (-1, 12)).sum(1)
        return found

    def blend(self, a: Tensor, b: Tensor, share: Tensor) -> Tensor:
        """Return the windows between windows; see `VoicePerception.blend`.

        Notes that both have stay, with a length between; others come and go, those on strong
        places first to come and last to leave, outer notes of chords before inner ones.
        """
        first, second = rolls(a), rolls(b)
        ours, theirs = ((each > 0).float() for each in (first, second))
        whole = share[:, None, None]
        there = torch.lerp(ours, theirs, whole)
        differ = (ours - theirs).abs().mean(0)
        steps, keys = differ.shape
        ranks = metrical_ranks(steps, self.grid).to(a.device)
        # Of chords keys come one after the other; neighbours do not come together.
        order = ranks[:, None] * keys + _scattered(keys).to(a.device)
        on = there >= thresholds(differ, order)
        both = (first > 0) & (second > 0)
        between = torch.lerp(first.float(), second.float(), whole).round().long()
        length = torch.where(both, between, first + second)
        return steps_of(ended(torch.where(on, length, 0)), a.shape[-1] // 2)

    def variants(self, x: Tensor) -> Iterator[Tensor]:
        """Yield windows near one, by rules.

        Transposed, in other keys, thinned, with octaves, of other lengths, repeated, broken into
        arpeggios and gathered into chords.
        """
        pitch, length = blocks(x)
        note = pitch > 0
        most = pitch.shape[-1]
        for shift in range(-12, 13):
            yield moved(x[None], torch.tensor([[[shift]]]))[0]
        roll = rolls(x)
        rank = metrical_ranks(len(x), self.grid)
        for keep in range(4, 32, 4):
            yield self._of(roll * (rank < keep * len(x) // 32)[:, None], most)
        for factor in (0.25, 0.5, 1.5, 2.0, 4.0):
            yield self._of((roll * factor).ceil().long(), most)
        count = note.sum(1, keepdim=True)
        place = torch.arange(most)
        low, high = place == 0, place == count - 1
        for kept in (low, high, low | high, ~low):
            some = note & kept
            yield self._of(rolls(torch.cat([pitch * some, length * some], 1)), most)
        for octave in (-24, -12, 12, 24):
            added = roll.roll(octave, 1)
            added[:, :octave] = 0 if octave > 0 else added[:, :octave]
            if octave < 0:
                added[:, octave:] = 0
            yield self._of(torch.maximum(roll, added), most)
            near, far = added.clone(), added.clone()
            near[:, PITCHES // 2 :], far[:, : PITCHES // 2] = 0, 0
            upper, lower = roll.clone(), roll.clone()
            upper[:, : PITCHES // 2], lower[:, PITCHES // 2 :] = 0, 0
            yield self._of(torch.maximum(upper, near), most)  # one hand moves
            yield self._of(torch.maximum(lower, far), most)
        for hand in (slice(None, 39), slice(39, None)):
            alone = roll.clone()
            alone[:, hand] = 0
            yield self._of(alone, most)
        for spread in (1, 2):
            yield self._of(_broken(roll, spread), most)
        for beat in (2, self.grid.beat, 2 * self.grid.beat):
            yield self._of(_gathered(roll, beat), most)
        scales = _scales(x.device)
        for scale in scales:  # notes that other keys lack, a semitone lower
            inside = scale.repeat(PITCHES // 12 + 1)[:PITCHES] > 0
            lowered = torch.nn.functional.pad((roll * ~inside)[:, 1:], (0, 1))
            yield self._of(torch.maximum(roll * inside, lowered), most)
        yield from forms(x, self.grid.steps_per_bar)

    def _of(self, roll: Tensor, most: int = MOST) -> Tensor:
        return steps_of(ended(roll), most)


def _scales(device: torch.device) -> Tensor:
    """Return the pitch classes of the twelve major scales, `(12, 12)`, 0 or 1."""
    found = torch.zeros(12, 12, device=device)
    roots = torch.arange(12, device=device)
    for degree in MAJOR:
        found[roots, (roots + degree) % 12] = 1
    return found


def _scattered(count: int) -> Tensor:
    """Return a fixed order of numbers 0 .. count - 1 in which neighbours are far apart."""
    return (torch.arange(count) * 37) % count if count % 37 else torch.arange(count)


def _broken(roll: Tensor, spread: int) -> Tensor:
    """Return a window whose chords are played note after note, so many steps apart."""
    found = torch.zeros_like(roll)
    place = ((roll > 0).cumsum(1) - 1).clamp(min=0) * spread
    step, key = (roll > 0).nonzero().unbind(1)
    late = step + place[step, key]
    inside = late < len(roll)
    found[late[inside], key[inside]] = roll[step[inside], key[inside]]
    return found


def _gathered(roll: Tensor, beat: int) -> Tensor:
    """Return a window whose notes are struck at the beginning of each beat, of so many steps."""
    parts = roll.unflatten(0, (-1, beat)) if len(roll) % beat == 0 else roll.unsqueeze(0)
    found = torch.zeros_like(parts)
    found[:, 0] = parts.amax(1)
    return found.flatten(0, 1)
