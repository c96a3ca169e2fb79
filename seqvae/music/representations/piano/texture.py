"""The numbers of a step, and piano rolls.

A step has two blocks of as many numbers as notes may be struck together: their pitches, rising, 1
for the lowest key of a piano to 88 for the highest; and how many steps each lasts. Where there are
fewer notes, the last numbers of both blocks are 0. The functions take NumPy arrays and tensors;
torch is imported only for tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from seqvae.music.representations.alphabet import HIGHEST_PITCH, LOWEST_PITCH

if TYPE_CHECKING:
    from torch import Tensor

MOST = 6
"""Notes that may be struck together; of more the outer ones stay, half of them from below."""
PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1
LONGEST = 32
"""Steps that a note lasts at most: of sixteenths two bars."""

Texture = TypeVar("Texture", "Tensor", np.ndarray)


def blocks(x: Texture) -> tuple[Texture, Texture]:
    """Return pitches 1..88 and lengths of steps, `(..., notes)` each; 0 where no note is."""
    notes = x.shape[-1] // 2
    return x[..., :notes], x[..., notes:]


def rolls(x: Texture) -> Texture:
    """Return how long the note lasts that begins at each step on each key, `(..., 88)`, or 0."""
    pitch, length = blocks(x)
    found: Texture = _put(PITCHES + 1, pitch, length)[..., 1:]
    return found


def steps_of(roll: Texture, most: int = MOST) -> Texture:
    """Return steps `(..., 2 most)` for the lengths of notes by key, `(..., 88)`: undoes `rolls`."""
    xp: Any = _library(roll)
    struck = roll > 0
    rank = struck.cumsum(-1)
    above = rank[..., -1:] - rank
    kept = struck & ((rank <= (most + 1) // 2) | (above < most // 2))
    place = kept.cumsum(-1) * kept
    key = xp.arange(1, PITCHES + 1) + 0 * roll
    parts = [_put(most + 1, place, values)[..., 1:] for values in (key, roll)]
    found: Texture = xp.concatenate(parts, -1)
    return found


def _put(size: int, place: Any, values: Any) -> Any:
    """Return values at their places along the last axis, `(..., size)`; 0 elsewhere."""
    shape = (*place.shape[:-1], size)
    if isinstance(values, np.ndarray):
        found = np.zeros(shape, values.dtype)
        np.put_along_axis(found, place, values, -1)
        return found
    return values.new_zeros(shape).scatter(-1, place, values)


def ended(roll: Texture) -> Texture:
    """Return lengths `(..., steps, 88)`, no note beyond where its key is struck again or the end.

    None is longer than `LONGEST`.
    """
    xp: Any = _library(roll)
    steps = roll.shape[-2]
    found: Texture = roll + 0
    following = 0 * roll[..., 0, :] + steps
    for step in range(steps - 1, -1, -1):
        own = roll[..., step, :]
        found[..., step, :] = xp.minimum(own, (following - step).clip(None, LONGEST))
        following = xp.where(own > 0, 0 * own + step, following)
    return found


def settled(x: Texture) -> Texture:
    """Return windows `(..., steps, 2 notes)` as they are heard: rising pitches, notes `ended`."""
    return steps_of(ended(rolls(x)), x.shape[-1] // 2)


def sounding(roll: Texture) -> Texture:
    """Return on which keys a note sounds at each step, boolean `(..., steps, 88)`."""
    xp: Any = _library(roll)
    left = 0 * roll[..., 0, :]
    found = []
    for step in range(roll.shape[-2]):
        own = roll[..., step, :]
        left = xp.where(own > 0, own, (left - 1).clip(0))
        found.append(left > 0)
    every: Texture = xp.stack(found, -2)
    return every


def _library(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return np
    import torch

    return torch
