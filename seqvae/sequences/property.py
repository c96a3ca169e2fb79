"""Measurable properties: what attribute vectors change and quality reports compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Property:
    """One measurable property; a codec's `properties()` has those of its examples by name.

    Attributes:
        description: What it means, in one line.
        unit: Its unit.
        of: Examples `(n, *shape)` -> values `(n,)`; NaN where it is undefined.
        total: It is the sum of other properties, so it cannot change without them.
        neutral: Value below which nothing is taken away: less swing makes a beat straight at most.
    """

    description: str
    unit: str
    of: Callable[[NDArray[Any]], NDArray[np.float64]]
    total: bool = False
    neutral: float | None = None


class Measurable(Protocol):
    """A codec whose examples have measurable properties."""

    def properties(self) -> dict[str, Property]:
        """Return the properties by name."""
