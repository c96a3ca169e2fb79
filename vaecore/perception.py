"""How the examples of a representation of symbols are perceived: how much changes, what is wrong.

A decoder of symbols (notes, hits) is a step function: long stretches of the latent space decode to
the same, and then much changes at once. A codec with a `Perception` lets the space measure its
moves on what is decoded; see `vaecore.calibrated`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Perception(ABC):
    """Measures of decoded examples, and examples that rules make of others.

    Attributes:
        effort: Above 0, at most 1: how finely variations and edits are searched for. Less where
            decoding takes long.
        mixes: Whether what `between` makes half way is as good as its ends, as it is of hits, but
            not of harmonies. Then ways go around thin places through it.
    """

    effort: float = 1.0
    mixes: bool = False

    @abstractmethod
    def change(self, x: Tensor) -> Tensor:
        """Return the perceived change from each example to the next, `(n, ...)` to `(n - 1,)`."""

    @abstractmethod
    def difference(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the share of each example's events that differ from another's, 0..1, `(n,)`."""

    @abstractmethod
    def faults(self, x: Tensor) -> Tensor:
        """Return a penalty for what sounds or looks wrong in examples, `(n,)`, at least 0."""

    def poor(self, x: Tensor) -> Tensor:
        """Return which examples nobody would keep, boolean `(n,)`; here those without an event."""
        return self.count(x) == 0

    @abstractmethod
    def count(self, x: Tensor) -> Tensor:
        """Return the number of events of examples, float `(n,)`."""

    @abstractmethod
    def between(self, x: Tensor, y: Tensor, share: Tensor) -> Tensor:
        """Return examples between others, made by rules without a model.

        Args:
            x: Examples `(n, ...)`.
            y: As many others.
            share: How much of y is in each, in 0..1, `(n,)`.
        """

    @abstractmethod
    def variants(self, x: Tensor) -> Tensor:
        """Return examples `(k, ...)` near one example, made by rules without a model."""

    def mended(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """Return generated examples without what rules can mend; here as they are.

        Args:
            x: Examples `(n, ...)`.
            like: Of blends, what they were made of, `(k, ...)`: what these have is no fault.
        """
        return x

    def neutral(self, attribute: str) -> float | None:
        """Return the value below which a property is not taken; None if there is none.

        To take swing away makes a beat straight, and no more.
        """
        return None

    @abstractmethod
    def measured(self, attribute: str, x: Tensor) -> Tensor | None:
        """Return the property that an attribute changes, `(n,)`; None if it cannot be measured.

        It is NaN where it is undefined.
        """
