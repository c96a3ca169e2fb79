"""How melodies and basses are perceived.

A note counts where it is struck, half for its place and half for its pitch, and less for how long
it sounds. Both are blurred: a note that moves by a step changes as much as one that comes or
goes, half of what two would, and notes a semitone apart are nearer than those far apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.alphabet import FIRST_NOTE, NO_EVENT
from seqvae.music.representations.perception.voice import (
    VoicePerception,
    blurred,
    flat,
    forms,
    metrical_ranks,
    thresholds,
)
from vaecore.loop import exporting

SOUNDING = 0.1
"""What a step counts in which another note sounds, or none, where an onset counts 1."""
PITCHES = (1, 2, 3, 4, 3, 2, 1)
"""Weights of the pitches around a note; notes four semitones apart have little in common."""
MAJOR = (0, 2, 4, 5, 7, 9, 11)
WANDERING = 0.1
"""Share of notes outside the best major scale from which a sample is in no key."""
MOVED = 8
"""So many notes, one in each variant, come earlier or later."""
FEW = 2
"""So few pitches are no melody."""
LEAP, OUTSIDE, LOW = 12, 0.15, 52
"""Largest interval, in semitones, share of notes outside the best scale, and lowest mean pitch
(E3), without a fault."""


@dataclass(frozen=True)
class NotePerception(VoicePerception):
    """The perception of a voice of one note at a time.

    Attributes:
        first: Class of the lowest note; lower classes are no notes.
        off: Class of the end of a note.
        lowest: MIDI pitch of `first`.
        notes: Number of notes.
        grid: Of the windows.
    """

    first: int
    off: int
    lowest: int
    notes: int
    grid: StepGrid = SIXTEEN

    @property
    def last(self) -> int:
        """Class of the highest note."""
        return self.first + self.notes - 1

    def described(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return onsets, their pitches and what sounds; see `VoicePerception.described`."""
        at = np.maximum.accumulate(np.where(x > 0, np.arange(x.shape[1]), -1), axis=1)
        sounds = np.where(at >= 0, np.take_along_axis(x, np.maximum(at, 0), axis=1), 0)
        struck, held = (self._rolls(each).astype(np.float32) for each in (x, sounds))
        place = 0.5 * blurred((x >= self.first)[..., None].astype(np.float32))
        pitch = over_pitches(0.5 * blurred(struck) + SOUNDING * held)
        return np.concatenate([flat(place), flat(pitch)], axis=1)

    def events(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which notes begin where."""
        return flat(self._rolls(x))

    def _rolls(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which note each step has, `(n, steps, notes)`."""
        found: NDArray[np.bool_] = x[..., None] == np.arange(self.first, self.last + 1)
        return found

    def faults(self, x: Tensor) -> Tensor:
        """Return a penalty for what sounds wrong.

        A leap of more than an octave counts 1 each, two pitches or fewer 2, and notes outside the
        best major scale count from a share of 0.15 on; a mean pitch below E3 counts 1, silence 3.
        """
        notes, pitches, leaps, outside = self._counted(x)
        few, silent, some = 2.0 * (pitches <= FEW), 1.0 * (notes == 0), notes.clamp(min=1)
        mean = (x * (x >= self.first)).sum(1) / some + self.lowest - self.first
        low = 1.0 * ((notes > 0) & (mean < LOW))
        return leaps + few + silent + low + 10 * (outside / some - OUTSIDE).clamp(min=0)

    def poor(self, x: Tensor) -> Tensor:
        """Return which melodies nobody would keep.

        Those of two pitches or fewer, of less than a note a bar, with leaps over an octave at more
        than one of 16 notes, or a quarter of the notes outside the best major scale.
        """
        notes, pitches, leaps, outside = self._counted(x)
        empty = (pitches <= FEW) | (notes < x.shape[1] / self.grid.steps_per_bar)
        return empty | (leaps > notes / 16) | (outside >= notes / 4)

    def mended(self, x: Tensor, like: Tensor | None) -> Tensor:
        """Return melodies that leap no further than an octave, or than those that they are like.

        A note that does is moved by octaves towards the note before it, as few as will do. Blends
        have no pitch classes but those of what they are like, and of its scales, and melodies that
        wander none but those of their best major scale: other notes are moved by a semitone.
        """
        limit = LEAP
        if like is None:
            x = self._in_own_key(x)
        else:
            x, limit = self._in_keys(x, like), max(LEAP, int(self._leaps(like).max()))
        found, latest = x.clone(), torch.zeros_like(x[:, 0])
        if not bool((self._leaps(x) > limit).any()):
            return found  # as nearly always; the loop would find nothing to move
        for step in range(x.shape[1]):
            note = x[:, step] >= self.first
            far = (x[:, step] - latest) * (note & (latest >= self.first))
            octaves = ((far.abs() - limit).clamp(min=0) / 12).ceil().long() * far.sign()
            found[:, step] = x[:, step] - 12 * octaves
            latest = torch.where(note, found[:, step], latest)
        return found

    def _in_own_key(self, x: Tensor) -> Tensor:
        """Return melodies that keep to their best major scale, if they have wandered from it."""
        snapped, note = self.snapped(x, self.scale(x)), x >= self.first
        outside = ((snapped != x) & note).sum(1)
        return torch.where((outside > WANDERING * note.sum(1))[:, None] & note, snapped, x)

    def _in_keys(self, x: Tensor, like: Tensor) -> Tensor:
        """Return melodies without notes that others, and their best major scales, lack."""
        note, known = x >= self.first, like >= self.first
        class_of, others = ((each - self.first + self.lowest) % 12 for each in (x, like))
        has = torch.zeros(12, dtype=torch.bool)
        has[others[known]] = True
        roots = self.scale(like)[known.any(1)]
        has[(roots[:, None] + torch.tensor(MAJOR)) % 12] = True
        below, above = has.roll(1), has.roll(-1)
        move = torch.where(has, 0, torch.where(below, -1, torch.where(above, 1, 0)))
        return torch.where(note, x + move[class_of], x).clamp(max=self.last)

    def _leaps(self, x: Tensor) -> Tensor:
        """Return how far each note is from the one before it, in semitones, `(n, steps)`.

        It is 0 where no note begins, or none has before.
        """
        note = x >= self.first
        latest = torch.where(note, torch.arange(x.shape[1]), -1).cummax(1).values
        before = torch.cat([torch.full((len(x), 1), -1), latest[:, :-1]], dim=1)
        return (x - x.gather(1, before.clamp(min=0))).abs() * (note & (before >= 0))

    def _counted(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the numbers of notes, of pitches, of wide leaps, and of notes outside the scale.

        Each is float `(n,)`.
        """
        note = x >= self.first
        used = torch.zeros(len(x), self.last + 1).scatter_(1, x * note, 1.0)[:, self.first :]
        outside = (self.snapped(x, self.scale(x)) != x) & note
        leaps = (self._leaps(x) > LEAP).sum(1)
        return note.sum(1).float(), used.sum(1), leaps.float(), outside.sum(1).float()

    def blend(self, a: Tensor, b: Tensor, share: Tensor) -> Tensor:
        """Return the melodies between melodies; see `VoicePerception.blend`.

        The register glides from one to the other, and pitches keep to the scale of the nearer, so
        that no blend leaps from one register to another or sounds in two keys.
        """
        share = share[:, None]
        struck = [x >= self.first for x in (a, b)]
        there = torch.lerp(struck[0].float(), struck[1].float(), share)
        differ = (struck[0] ^ struck[1]).float().mean(0)
        onset = there >= thresholds(differ, metrical_ranks(a.shape[1], self.grid).to(a.device))
        means = [
            (x * s).sum(1, keepdim=True) / s.sum(1, keepdim=True).clamp(min=1)
            for x, s in zip((a, b), struck, strict=True)
        ]
        apart = torch.where((means[0] > 0) & (means[1] > 0), means[1] - means[0], 0)
        glided = (a + share * apart, b - (1 - share) * apart)
        pitch = torch.where(
            struck[0] & struck[1],
            torch.lerp(glided[0], glided[1], share),
            torch.where(struck[0], glided[0], glided[1]),
        )
        nearer = torch.where(share < 0.5, a, b)
        pitch = pitch.round().long().clamp(self.first, self.last)
        pitch = self.snapped(pitch, self.scale(nearer))
        first, second = ((sounding(x, self.first) > 0).float() for x in (a, b))
        sounds = torch.lerp(first, second, share) >= 0.5
        blended, on = torch.zeros_like(a), torch.zeros_like(a[:, 0], dtype=torch.bool)
        for step in range(a.shape[1]):
            stops = on & ~sounds[:, step] & ~onset[:, step]
            blended[:, step] = torch.where(onset[:, step], pitch[:, step], stops * self.off)
            on = (on | onset[:, step]) & ~stops
        return blended

    def scale(self, x: Tensor) -> Tensor:
        """Return the root 0..11 of the major scale that has most notes of each melody, `(n,)`."""
        roots = torch.arange(12, device=x.device)
        inside = torch.zeros(12, 12, device=x.device)
        for degree in MAJOR:
            inside[roots, (roots + degree) % 12] = 1
        pitch_class = (x - self.first + self.lowest).clamp(min=0) % 12
        note = (x >= self.first).float()
        count = torch.zeros(len(x), 12, device=x.device).scatter_add_(1, pitch_class, note)
        return (count @ inside.t()).argmax(1)

    def snapped(self, x: Tensor, root: Tensor) -> Tensor:
        """Return notes moved to the nearest of a major scale; of two that are as near, down."""
        degree = (x - self.first + self.lowest - root[:, None]) % 12
        move = torch.zeros(12, dtype=torch.long, device=x.device)
        move[[degree for degree in range(12) if degree not in MAJOR]] = -1
        moved = x + move[degree]
        return torch.where(moved < self.first, x, moved)

    def variants(self, x: Tensor) -> Iterator[Tensor]:
        """Yield melodies near one: transposed, spread, in other keys, thinned, filled, repeated."""
        note, rank = x >= self.first, metrical_ranks(len(x), self.grid)
        for shift in range(-14, 15):
            yield self._moved(x, x + shift)
        if note.any():
            middle = x[note].double().median()
            for factor in (0.0, 0.3, 0.5, 0.7, 1.3, 1.6, 2.0, 2.5):
                yield self._moved(x, (middle + factor * (x - middle)).round().long())
        root = int(self.scale(x[None]))
        for to in range(12):  # into keys: the nearest way, and note by note
            yield self._moved(x, x + (to - root + 6) % 12 - 6)
            yield torch.where(note, self.snapped(x[None], torch.tensor([to]))[0], x)
        ranks = rank[note].sort().values
        for share in (0.15, 0.25, 0.4, 0.55, 0.7, 0.85):  # the strongest of its notes
            if len(ranks):
                yield torch.where(note & (rank > ranks[int(share * (len(ranks) - 1))]), 0, x)
        latest = torch.where(note, torch.arange(len(x)), -1).cummax(0).values
        beat = self.grid.beat
        added_at = ((2 * beat, 0), (beat, 0), (2, 0), (1, 0), (beat, 2), (beat, beat - 1), (2, 1))
        for period, place in added_at:
            added = (torch.arange(len(x)) % period == place) & (latest >= 0) & (x == 0)
            yield torch.where(added, x[latest.clamp(min=0)], x)
        struck = note.nonzero()[:, 0]
        if len(struck):  # a note that comes earlier or later, at most eight of them
            for at in struck[torch.linspace(0, len(struck) - 1, MOVED).long().unique()].tolist():
                for by in (-2, -1, 1, 2):
                    yield self._shifted(x, at, by)
        yield from forms(x, self.grid.steps_per_bar)
        yield torch.where(x == self.off, 0, x)

    def _shifted(self, x: Tensor, at: int, by: int) -> Tensor:
        """Return a melody with the note of one step at another, if no note begins there."""
        to = at + by
        moved = x.clone()
        if 0 <= to < len(x) and x[to] < self.first:
            moved[at], moved[to] = NO_EVENT, x[at]
        return moved

    def _moved(self, x: Tensor, pitches: Tensor) -> Tensor:
        return torch.where(x >= self.first, pitches.clamp(self.first, self.last), x)


def sounding(x: Tensor, first: int = FIRST_NOTE) -> Tensor:
    """Return the class of the note that sounds at each step of windows `(n, steps)`, or 0.

    Args:
        x: Class indices of notes.
        first: The class of the lowest note.
    """
    at = torch.arange(x.shape[1], device=x.device).expand_as(x)
    begun = torch.where(x != NO_EVENT, at, -1)
    if exporting():  # a running maximum has no operation elsewhere
        latest = torch.where(at[:, None] <= at[:, :, None], begun[:, None], -1).amax(2)
    else:
        latest = begun.cummax(1).values
    token = x.gather(1, latest.clamp(min=0))
    return torch.where((latest >= 0) & (token >= first), token, NO_EVENT)


def over_pitches(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur `(n, steps, notes)` over pitch; a note's numbers still sum to 1."""
    padded = np.pad(x, ((0, 0), (0, 0), (len(PITCHES) // 2,) * 2))
    found = np.zeros_like(x)
    for k, weight in enumerate(PITCHES):
        found += weight / sum(PITCHES) * padded[..., k : k + x.shape[-1]]
    return found
