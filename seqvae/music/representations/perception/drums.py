"""How drum patterns are perceived.

A hit counts by its drum (a kick twice as much as a closed hi-hat). It is blurred over time: a hit
that moves by a step changes as much as one that comes or goes, half of what two would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqvae.music.reading.grids import SIXTEEN, StepGrid
from seqvae.music.representations.perception.voice import (
    VoicePerception,
    blurred,
    flat,
    forms,
    metrical_ranks,
    thresholds,
)

WEIGHTS = (1.0, 1.0, 0.5, 0.6, 0.8, 0.8, 0.8, 0.9, 0.6)
"""Kick, snare, closed and open hi-hat, three toms, crash, ride: the order of `DRUM_CLASSES`."""
DRUMS, SNARE = len(WEIGHTS), 1
GROUPS = ((2, 3), (4, 5, 6), (7, 8), (0, 1))
"""Hi-hats, toms, cymbals, kick and snare."""
FEWEST, MOST = 4, 40
"""Hits of a bar, in the mean, between which a sample is kept."""
SILENCE = 3.0
"""Fault of a window without a hit."""


@dataclass(frozen=True)
class DrumPerception(VoicePerception):
    """The perception of sets of drums, as bit masks.

    Attributes:
        grid: Of the windows.
    """

    grid: StepGrid = SIXTEEN
    mixes: ClassVar[bool] = True

    def described(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return weighted, blurred hits; see `VoicePerception.described`."""
        return flat(blurred(self._hits(x).astype(np.float32) * np.array(WEIGHTS, np.float32)))

    def events(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which drums are hit where."""
        return flat(self._hits(x))

    def _hits(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        return (x[..., None] >> np.arange(DRUMS) & 1).astype(np.bool_)

    def faults(self, x: Tensor) -> Tensor:
        """Return 3 for silence, else 0."""
        return SILENCE * (x == 0).all(1).float()

    def poor(self, x: Tensor) -> Tensor:
        """Return which patterns have fewer than four hits a bar, or more than 40."""
        events = torch.from_numpy(self.events(x.detach().cpu().numpy()))
        return unplayable(events, x.shape[1], self.grid.steps_per_bar)

    def blend(self, a: Tensor, b: Tensor, share: Tensor) -> Tensor:
        """Return the patterns between patterns; see `VoicePerception.blend`."""
        bit = torch.arange(DRUMS, device=a.device)
        first, second = (((x.unsqueeze(-1) >> bit) & 1).float() for x in (a, b))
        return (blended_hits(first, second, share, self.grid).long() << bit).sum(-1)

    def variants(self, x: Tensor) -> Iterator[Tensor]:
        """Yield patterns near one; see `hit_variants`."""
        bit = torch.arange(DRUMS)
        for hits in hit_variants(x[:, None] >> bit & 1, self.grid):
            yield (hits << bit).sum(1)


def unplayable(events: Tensor, steps: int, bar: int = SIXTEEN.steps_per_bar) -> Tensor:
    """Return which windows `(n, kinds)` have fewer hits than `FEWEST` a bar, or more than `MOST`.

    So are 13 of 1,000 windows of the data that drums_2bar was trained on.
    """
    each = events.sum(1) * bar / steps
    return (each < FEWEST) | (each > MOST)


def blended_hits(first: Tensor, second: Tensor, share: Tensor, grid: StepGrid = SIXTEEN) -> Tensor:
    """Return which drums are hit in blends, `(n, steps, drums)`; arguments likewise, 0 or 1."""
    there = torch.lerp(first, second, share[:, None, None])
    differ = (first - second).abs().mean(0)
    steps, drums = differ.shape
    ranks = metrical_ranks(steps, grid).to(first.device)
    order = ranks[:, None] * drums + torch.arange(drums, device=first.device)
    order[:, SNARE] = (
        ranks.roll(grid.beat) * drums + SNARE
    )  # whose strong places are the beats 2 and 4
    return there >= thresholds(differ, order)


def hit_variants(hits: Tensor, grid: StepGrid = SIXTEEN) -> Iterator[Tensor]:
    """Yield hits near hits, `(steps, drums)` 0 or 1: drums added, left out, shifted; repeats."""
    at, rank = torch.arange(len(hits)), metrical_ranks(len(hits), grid)
    beat, bar = grid.beat, grid.steps_per_bar
    added = ((beat, 0), (2, 0), (1, 0), (beat, 2), (2 * beat, beat), (2 * beat, 0), (bar, 0))
    for drum in range(hits.shape[1]):
        order = rank.roll(beat) if drum == SNARE else rank
        for keep in (0, len(at) // 4, len(at) // 2):
            yield _with(hits, [drum], order >= keep, 0)
        for period, place in added:
            yield _with(hits, [drum], at % period == place, 1)
        for shift in (-1, 1, 2):
            changed = hits.clone()
            changed[:, drum] = hits[:, drum].roll(shift)
            yield changed
    for keep in (8, 12, 16, 20, 24):
        yield hits * (rank < keep * len(at) // 32)[:, None]
    for drums in GROUPS:
        yield _with(hits, list(drums), at >= 0, 0)
    straight = hits.clone()
    straight[:, SNARE] = (at % (2 * beat) == beat).to(hits.dtype)
    yield straight
    yield from forms(hits, bar)


def _with(hits: Tensor, drums: list[int], where: Tensor, value: int) -> Tensor:
    changed = hits.clone()
    for drum in drums:
        changed[where, drum] = value
    return changed
