"""Grids of a bar: into how many steps it is divided, and which bars have that grid.

A representation has one of them. Sixteen steps are the sixteenths of 4/4. Twelve are the sixteenths
of 3/4 and 6/8, the triplets of the eighths of 4/4, and the eighths of 12/8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

OFF_BEAT = 1 / 12
"""Quarters by which an onset must miss a beat to tell how the beat is divided."""
IN_THREE = 0.6
"""Share of the onsets between beats that lie nearest to a third of a beat, in music of triplets."""
ENOUGH = 4
"""So many onsets between beats, at least, tell that music is of triplets."""


@dataclass(frozen=True, eq=False)
class StepGrid:
    """A division of bars into steps.

    Attributes:
        name: Its name in configurations and for `--grid`.
        steps_per_bar: Steps of a bar.
        lengths: Length of each bar that has this grid, in quarter notes -> steps of a quarter note.
        beat: Steps of a beat; of twelve steps, of 4/4.
        weakness: Of each step of a bar; 0 is the strongest.
        words: What it is for, after a comma; empty for the usual one.
        step: What a step is called.
    """

    name: str
    steps_per_bar: int
    lengths: Mapping[float, int]
    beat: int
    weakness: tuple[int, ...]
    words: str = ""
    step: str = "step"

    def __reduce__(self) -> tuple[Any, ...]:
        """Make copies in other processes the same object, too."""
        return grid, (self.name,)


SIXTEEN = StepGrid(
    "16",
    16,
    MappingProxyType({4.0: 4}),
    beat=4,
    weakness=(0, 4, 3, 4, 2, 4, 3, 4, 1, 4, 3, 4, 2, 4, 3, 4),
    step="16th",
)
TWELVE = StepGrid(
    "12",
    12,
    MappingProxyType({3.0: 4, 4.0: 3, 6.0: 2}),
    beat=3,
    weakness=(0, 4, 3, 3, 2, 4, 1, 4, 2, 3, 3, 4),
    words="12 steps a bar",
)
GRIDS: Mapping[str, StepGrid] = MappingProxyType({"16": SIXTEEN, "12": TWELVE})


def grid(name: str) -> StepGrid:
    """Return a grid by its name.

    Raises:
        ValueError: There is none of this name.
    """
    if name not in GRIDS:
        raise ValueError(f"grid must be one of {', '.join(GRIDS)}, got {name!r}")
    return GRIDS[name]


def in_triplets(quarters: np.ndarray, least: int = ENOUGH) -> bool:
    """Return whether onsets divide their beats by three: triplets, a shuffle or swing.

    Args:
        quarters: Onsets from a beat on, in quarter notes.
        least: So many of them, at least, lie between beats.
    """
    within = quarters - np.floor(quarters)
    within = within[(within > OFF_BEAT) & (within < 1 - OFF_BEAT)]
    thirds = np.abs(within[:, None] - np.array([1, 2]) / 3).min(1, initial=1.0)
    fourths = np.abs(within[:, None] - np.array([1, 2, 3]) / 4).min(1, initial=1.0)
    return len(within) >= least and int((thirds < fourths).sum()) >= IN_THREE * len(within)
