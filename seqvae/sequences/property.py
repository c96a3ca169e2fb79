"""Measurable properties of examples, which attribute vectors change and quality reports compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Property:
    """A measurable property; a codec's `properties()` returns those of its examples by name.

    Attributes:
        description: Its meaning in one line.
        unit: Its unit.
        of: Computes its values `(n,)` for examples `(n, *shape)`; NaN where it is undefined.
        total: Whether it is the sum of other properties, and cannot change without them.
        neutral: The value at which an edit that lowers it stops: with less swing, a beat becomes
            straight at most.
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
