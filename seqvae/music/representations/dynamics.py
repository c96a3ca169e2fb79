"""How hard notes are played, and on which sounds of a kit: what windows on the grid do not hold.

A window of class indices says what is played where. How hard, and on which of the sounds that are
one class (a side stick is a snare), is its context: `Played`. The notes of a result take it from
the inputs it was made of; those of samples have the velocities that are usual, `USUAL`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqvae.music.reading.grids import SIXTEEN

if TYPE_CHECKING:
    from seqvae.music.reading.score import Notes

USUAL: dict[str, tuple[tuple[int, ...], ...]] = {
    "drums": (
        (90, 72, 80, 75, 89, 73, 83, 76, 89, 73, 86, 73, 91, 76, 79, 72),
        (82, 63, 76, 72, 91, 66, 81, 68, 84, 72, 84, 79, 96, 80, 92, 78),
        (82, 68, 77, 71, 83, 71, 76, 72, 83, 70, 75, 71, 86, 71, 77, 68),
        (89, 74, 85, 73, 89, 77, 86, 78, 89, 70, 87, 71, 89, 82, 95, 83),
        (93, 82, 90, 85, 91, 91, 92, 95, 96, 84, 91, 94, 101, 92, 99, 95),
        (97, 92, 94, 93, 95, 97, 93, 93, 100, 90, 96, 94, 100, 98, 95, 88),
        (96, 95, 96, 97, 98, 99, 97, 89, 95, 98, 100, 97, 100, 97, 96, 90),
        (93, 81, 78, 83, 87, 74, 85, 79, 86, 67, 79, 81, 88, 76, 90, 79),
        (92, 64, 76, 71, 87, 71, 77, 70, 88, 65, 76, 73, 91, 73, 80, 73),
    ),
    "melody": ((86, 83, 84, 84, 86, 83, 85, 84, 86, 83, 84, 85, 87, 85, 86, 84),),
    "bass": ((100, 97, 99, 97, 99, 93, 101, 96, 99, 97, 101, 96, 100, 98, 100, 98),),
    "piano": (
        (88, 85, 86, 89, 85, 85, 85, 81, 85, 87, 85, 84, 88, 84, 88, 86),
        (84, 74, 82, 71, 83, 74, 83, 72, 82, 72, 82, 78, 83, 83, 87, 75),
        (84, 74, 74, 74, 79, 74, 77, 76, 83, 73, 77, 75, 83, 79, 81, 75),
        (84, 77, 81, 81, 87, 80, 82, 82, 84, 79, 81, 83, 88, 82, 84, 80),
        (85, 79, 86, 84, 89, 83, 86, 84, 87, 78, 84, 87, 89, 82, 86, 82),
        (84, 79, 85, 84, 90, 84, 90, 88, 86, 82, 86, 87, 88, 86, 87, 84),
        (82, 75, 81, 76, 87, 80, 84, 76, 82, 79, 81, 80, 82, 74, 85, 78),
        (95, 85, 87, 77, 87, 83, 88, 85, 86, 82, 87, 81, 83, 86, 83, 83),
    ),
}
"""By voice the usual velocity of each kind of note (of drums the nine drums, of a piano eight
registers) at each sixteenth of a bar: the mean over 864 voices of the training data, each file
alike (`tools/velocities.py`)."""


@dataclass(frozen=True, eq=False)
class Played:
    """How a window, or a phrase, was played.

    Attributes:
        velocity: `(steps, kinds)`: of drums each drum is a kind, of a trio first come melody and
            bass; 0 where none begins.
        pitch: MIDI notes of the same shape; 0 where none begins, or for melodies.
        weight: Share of it in a blend.
    """

    velocity: NDArray[np.uint8]
    pitch: NDArray[np.uint8]
    weight: float = 1.0

    @classmethod
    def of(
        cls, notes: Notes, kind: NDArray[np.int64], begin: int, steps: int, kinds: int
    ) -> Played:
        """Return how notes were played; of several of one kind at one step the loudest counts.

        Args:
            notes: Their start is in steps; those before `begin` or after the end are left out.
            kind: Of each note.
            begin: First step.
            steps: Number of steps.
            kinds: Number of kinds.
        """
        found = silence(steps, kinds)
        order = np.argsort(notes.velocity, kind="stable")
        at = notes.start[order] - begin
        order, at = (each[(at >= 0) & (at < steps)] for each in (order, at))
        found.velocity[at, kind[order]] = notes.velocity[order]
        found.pitch[at, kind[order]] = notes.pitch[order]
        return found

    def part(self, begin: int, steps: int) -> Played:
        """Return some steps of it, silent beyond its end."""
        parts = [each[begin : begin + steps] for each in (self.velocity, self.pitch)]
        missing = steps - len(parts[0])
        if missing > 0:
            parts = [np.pad(each, ((0, missing), (0, 0))) for each in parts]
        return Played(parts[0], parts[1], self.weight)

    def kinds(self, which: slice) -> Played:
        """Return some kinds of note of it."""
        return Played(self.velocity[:, which], self.pitch[:, which], self.weight)


def silence(steps: int, kinds: int) -> Played:
    """Return how steps without a note were played."""
    return Played(*np.zeros((2, steps, kinds), np.uint8))


def beside(parts: Sequence[Played]) -> Played:
    """Return the kinds of notes of several, one after the other."""
    velocity, pitch = (
        np.concatenate(each, axis=1)
        for each in ([part.velocity for part in parts], [part.pitch for part in parts])
    )
    return Played(velocity, pitch)


def joined(parts: Sequence[Played]) -> Played:
    """Return how several passages were played, one after the other."""
    velocity, pitch = (
        np.concatenate(each)
        for each in ([part.velocity for part in parts], [part.pitch for part in parts])
    )
    return Played(velocity, pitch)


def weighted(played: Iterable[Played], weight: float) -> tuple[Played, ...]:
    """Return how something was played as a share of a blend."""
    return tuple(replace(each, weight=weight * each.weight) for each in played)


def velocities(
    struck: NDArray[np.bool_],
    played: Sequence[Played],
    usual: Sequence[Sequence[int]],
    bar: int = SIXTEEN.steps_per_bar,
) -> NDArray[np.int64]:
    """Return the velocity of each note, 1..127.

    Where inputs have a note of the kind at the step, it is their weighted mean. Elsewhere it is
    that of the notes of the kind before and after it; where inputs have none, the usual one, as
    much louder or softer as the inputs are. Without inputs it is the usual one.

    Args:
        struck: Which notes begin, `(steps, kinds)`.
        played: The inputs.
        usual: For each kind, the velocity at each sixteenth of a bar.
        bar: Steps of a bar.
    """
    steps = len(struck)
    found = np.asarray(usual, np.float64).T[np.arange(steps) % bar * len(usual[0]) // bar]
    inputs = [each.part(0, steps) for each in played if each.velocity.any()]
    if inputs:
        weight = np.array([each.weight for each in inputs])
        share = weight[:, None, None]
        velocity = np.stack([each.velocity for each in inputs]).astype(np.float64)
        there = velocity > 0
        level = [v[t].mean() / found[t].mean() for v, t in zip(velocity, there, strict=True)]
        found *= np.average(level, weights=weight)
        known = (share * there).sum(0)
        for step, kind in np.argwhere(struck & (known == 0)):
            near = np.array([_around(each[:, kind], step) for each in velocity])
            if near.any():
                found[step, kind] = np.average(near, weights=weight * (near > 0))
        mean = (share * velocity).sum(0) / np.where(known > 0, known, 1)
        found = np.where(known > 0, mean, found)
    whole: NDArray[np.int64] = np.clip(np.rint(found), 1, 127).astype(np.int64)
    return whole


def _around(velocity: NDArray[np.float64], step: int) -> float:
    """Return the mean of the last velocity before a step and the first after it; 0 if none is."""
    own = np.flatnonzero(velocity)
    place = np.searchsorted(own, step)
    near = velocity[own[max(place - 1, 0) : place + 1]]
    return float(near.mean()) if len(near) else 0.0


def sounds(steps: int, played: Sequence[Played], usual: Sequence[int]) -> NDArray[np.int64]:
    """Return the MIDI note that each drum has at each step, if it is hit, `(steps, kinds)`.

    It is that of the nearer input: what it plays there, and elsewhere what it plays most for this
    drum. A drum that no input has gets its usual note.

    Args:
        steps: Number of steps.
        played: The inputs.
        usual: Of each kind.
    """
    found = np.tile(np.asarray(usual, np.int64), (steps, 1))
    for each in sorted(played, key=lambda each: each.weight):  # the nearest is last
        pitch = each.part(0, steps).pitch
        for kind in range(len(usual)):
            own = pitch[:, kind]
            if own.any():
                found[:, kind] = np.bincount(own[own > 0]).argmax()
                found[own > 0, kind] = own[own > 0]
    return found
