"""Measurable properties of performances: of their hits, velocities and timing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations.alphabet import SNARE
from seqvae.music.representations.drums.properties import PROPERTIES as OF_DRUMS
from seqvae.music.representations.groove.performance import blocks, hit_classes
from seqvae.music.representations.measuring import mean
from seqvae.sequences.property import Property

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqvae.music.representations.measuring import Floats

_OF_HITS = (
    "note_density",
    "syncopation",
    "kick_density",
    "snare_density",
    "hat_density",
    "tom_density",
    "cymbal_density",
)
SOFT = 50
"""Snares of a lower velocity are ghost notes."""


def _over_hits(of: Callable[[Floats, Floats], Floats]) -> Callable[[NDArray[Any]], Floats]:
    """Return a property from a function of velocities and lateness, NaN where nothing is hit."""

    def measured(x: NDArray[Any]) -> Floats:
        hits, velocity, offset = blocks(np.asarray(x, np.float64))
        struck = hits > 0.5
        values = np.full(len(x), np.nan)
        some = struck.any(axis=(1, 2))
        loudness, late = (np.where(struck, v, np.nan)[some] for v in (127 * velocity, -offset / 2))
        values[some] = of(loudness, late)
        return values

    return measured


def _swing(velocity: Floats, late: Floats) -> Floats:
    """Return the mean lateness of the sixteenths between the eighths, less that of the others."""
    between = np.arange(late.shape[1]) % 2 == 1
    return _mean(late[:, between]) - _mean(late[:, ~between])


def _accent(velocity: Floats, late: Floats) -> Floats:
    """Return the mean velocity of hits on the beats, less that of the others."""
    on = np.arange(velocity.shape[1]) % (STEPS_PER_BAR // 4) == 0
    return _mean(velocity[:, on]) - _mean(velocity[:, ~on])


def _mean(values: Floats) -> Floats:
    return mean(values, ~np.isnan(values))


def _of_hits(name: str) -> Property:
    known = OF_DRUMS[name]
    return replace(known, of=lambda x: known.of(hit_classes(np.asarray(x))))


PROPERTIES: dict[str, Property] = {
    **{name: _of_hits(name) for name in _OF_HITS},
    "loudness": Property(
        "how hard drums are hit",
        "MIDI velocity",
        _over_hits(lambda velocity, late: _mean(velocity)),
    ),
    "dynamics": Property(
        "how much velocities differ (standard deviation)",
        "MIDI velocity",
        _over_hits(lambda velocity, late: np.nanstd(velocity, axis=(1, 2))),
    ),
    "ghost_notes": Property(
        f"snares softer than velocity {SOFT}",
        "hits per step",
        _over_hits(lambda velocity, late: (velocity[..., SNARE] < SOFT).mean(axis=1)),
    ),
    "accent": Property(
        "how much louder beats are than the rest", "MIDI velocity", _over_hits(_accent)
    ),
    "laid_back": Property(
        "how late hits are", "steps", _over_hits(lambda velocity, late: _mean(late))
    ),
    "looseness": Property(
        "how much the timing of hits differs (standard deviation)",
        "steps",
        _over_hits(lambda velocity, late: np.nanstd(late, axis=(1, 2))),
    ),
    "swing": Property(
        "how much later than the others the sixteenths between the eighths are",
        "steps",
        _over_hits(_swing),
        neutral=0.0,
    ),
}
"""Name -> property of performances `(n, steps, 27)`."""
