"""Random changes of a training batch that leave it music.

Each is a pure function of a batch of class indices int64 and a generator, on the batch's device,
without a loop over its rows. A batch is `(batch, steps)`, of trios `(batch, steps, 3)`; of
performances, whose numbers are float32, `(batch, steps, 27)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from seqvae.music.representations.groove.performance import NUMBERS, blocks
from seqvae.sequences.loader import Augmentation

FIRST_NOTE, LAST_NOTE = 2, 89
"""Melody classes of MIDI pitches 21 and 108; 0 is no event and 1 is note off."""
DRUM_CLASSES = 9
PITCHED = 2
"""Voices of a trio that have a pitch; they come before its drums."""

_EMPTY = {"shade": torch.zeros(1, 1, NUMBERS)}
"""Batches to try augmentations on that take no class indices."""


def transpose(x: Tensor, generator: Generator, *, semitones: int) -> Tensor:
    """Shift each melody by its own interval, uniform in [-semitones, semitones].

    The melody and the bass of a trio move together, and its drums do not. A window of which a note
    would leave pitches 21..108 keeps its pitch. MusicVAE does the same per song, with 5 semitones,
    and loses the notes that leave (Roberts et al., 2018, and its code); it never moves trios.
    """
    shift = torch.randint(-semitones, semitones + 1, (len(x), 1), generator=generator)
    voices = x[..., None] if x.dim() == 2 else x[..., :PITCHED]
    is_note = voices >= FIRST_NOTE
    shifted = voices + shift[..., None] * is_note
    leaves = is_note & ((shifted < FIRST_NOTE) | (shifted > LAST_NOTE))
    moved = torch.where(leaves.flatten(1).any(dim=1)[:, None, None], voices, shifted)
    return moved[..., 0] if x.dim() == 2 else torch.cat([moved, x[..., PITCHED:]], dim=-1)


def mix(x: Tensor, generator: Generator, *, probability: float) -> Tensor:
    """Replace a random set of drums by what another drummer of the batch plays on them.

    Args:
        x: Drum sets as 9-bit class indices, or performances.
        generator: Source of randomness.
        probability: Share of the windows that are changed.
    """
    partner = x[torch.randperm(len(x), generator=generator)]
    drums = torch.randint(2**DRUM_CLASSES, (len(x), 1), generator=generator)
    drums *= torch.rand(len(x), 1, generator=generator) < probability
    if x.is_floating_point():
        taken = (drums >> torch.arange(DRUM_CLASSES) & 1).bool().repeat(1, 3)
        return torch.where(taken[:, None], partner, x)
    return (x & ~drums) | (partner & drums)


def shade(x: Tensor, generator: Generator, *, loudness: float, timing: float) -> Tensor:
    """Play each performance louder or softer, and earlier or later, as a whole.

    Args:
        x: Performances.
        generator: Source of randomness.
        loudness: Velocities are multiplied by up to 1 more or less this share.
        timing: Hits are moved by up to so much of half a step; none leaves its step.
    """
    hits, velocity, offset = blocks(x)
    louder, earlier = (2 * torch.rand(len(x), 2, 1, 1, generator=generator) - 1).unbind(1)
    velocity = (velocity * (1 + loudness * louder)).clamp(max=1)
    offset = (offset + hits * timing * earlier).clamp(-1, 1)
    return torch.cat([hits, velocity, offset], dim=-1)


def drop(x: Tensor, generator: Generator, *, probability: float) -> Tensor:
    """Silence one random drum in a share of the windows; arguments as for `mix`."""
    drum = 1 << torch.randint(DRUM_CLASSES, (len(x), 1), generator=generator)
    drum *= torch.rand(len(x), 1, generator=generator) < probability
    return x & ~drum


_AUGMENTATIONS: dict[str, Callable[..., Tensor]] = {
    "transpose": transpose,
    "mix": mix,
    "drop": drop,
    "shade": shade,
}


def make_augmentation(config: Mapping[str, Mapping[str, Any]]) -> Augmentation:
    """Return the augmentations that a preset names, one after the other, as one function.

    Args:
        config: Name of an augmentation -> its arguments, as `{"transpose": {"semitones": 5}}`.

    Raises:
        ValueError: A name or an argument is unknown or missing.
    """
    functions = []
    for name, arguments in config.items():
        if name not in _AUGMENTATIONS:
            known = ", ".join(_AUGMENTATIONS)
            raise ValueError(f"unknown augmentation {name!r}; known are {known}")
        functions.append(partial(_AUGMENTATIONS[name], **arguments))
        try:
            functions[-1](_EMPTY.get(name, torch.zeros(1, 1, dtype=torch.int64)), Generator())
        except TypeError as error:
            raise ValueError(f"augmentation {name}: {error}") from error

    def augment(x: Tensor, generator: Generator) -> Tensor:
        for function in functions:
            x = function(x, generator)
        return x

    return augment
