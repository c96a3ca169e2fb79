"""Measurable properties of drum patterns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seqvae.music.reading.grids import TWELVE
from seqvae.music.representations.alphabet import (
    CLOSED_HAT,
    CRASH,
    DRUMS,
    HIGH_TOM,
    HITS,
    KICK,
    LOW_TOM,
    MID_TOM,
    OPEN_HAT,
    RIDE,
    SNARE,
)
from seqvae.music.representations.measuring import position, repetition, share, syncopated
from seqvae.sequences.property import Property

if TYPE_CHECKING:
    from seqvae.music.representations.measuring import Floats, Ints


def _density(*drums: int) -> Callable[[Ints], Floats]:
    return lambda x: HITS.hits(x)[..., list(drums)].sum((1, 2)) / x.shape[1]


def _syncopation(x: Ints) -> Floats:
    hits = HITS.hits(x)[..., [KICK, SNARE]]
    return share(np.stack([syncopated(hits[..., k], 1) for k in range(2)], axis=-1), hits)


PROPERTIES: dict[str, Property] = {
    "note_density": Property("hits per 16th", "hits per step", _density(*range(DRUMS)), total=True),
    "syncopation": Property(
        "kicks and snares on an odd 16th with none of the same on the 16th before",
        "share of kicks and snares",
        _syncopation,
    ),
    "kick_density": Property("kicks per 16th", "hits per step", _density(KICK)),
    "snare_density": Property("snares per 16th", "hits per step", _density(SNARE)),
    "hat_density": Property(
        "closed and open hi-hats per 16th", "hits per step", _density(CLOSED_HAT, OPEN_HAT)
    ),
    "tom_density": Property("toms per 16th", "hits per step", _density(LOW_TOM, MID_TOM, HIGH_TOM)),
    "cymbal_density": Property(
        "crashes and rides per 16th", "hits per step", _density(CRASH, RIDE)
    ),
    "offbeat": Property(
        "hits on the 8ths between the beats",
        "share of hits",
        lambda x: share((position(x) % 4 == 2)[None, :, None], HITS.hits(x)),
    ),
    "repetition": Property(
        "hits that come back at the same place in the next bar",
        "share of hits",
        lambda x: repetition(HITS.hits(x)),
    ),
    "backbeat": Property(
        "snares on beats 2 and 4",
        "share of snares",
        lambda x: share(np.isin(position(x), (4, 12))[None], HITS.hits(x)[..., SNARE]),
    ),
}
"""Name -> property of drum patterns `(n, steps)` of sixteen steps a bar."""

ON_ANY_GRID: dict[str, Property] = {
    **{
        name: replace(each, description=each.description.replace("16th", "step"))
        for name, each in PROPERTIES.items()
        if name.endswith("_density")
    },
    "repetition": replace(
        PROPERTIES["repetition"], of=lambda x: repetition(HITS.hits(x), TWELVE.steps_per_bar)
    ),
}
"""Those that do not ask where the beats of a bar are, of twelve steps a bar."""
