"""Measures of symbolic examples (notes, hits): how much they differ, and what is wrong with them.

A decoder of symbols is a step function: long stretches of the latent space decode to the same
example, and then much changes at once. With the `Perception` of a codec, paths, variations and
edits are measured on decoded examples; see `vaecore.calibrated`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Perception(ABC):
    """Measures of decoded examples, and rules that derive examples from others.

    Attributes:
        effort: In (0, 1]: size of the searches for variations and edits; less if decoding is slow.
        mixes: Whether examples half-way by `between` are as good as their ends (true of hits, not
            of harmonies). If so, paths may make a detour through them.
    """

    effort: float = 1.0
    mixes: bool = False

    @abstractmethod
    def change(self, x: Tensor) -> Tensor:
        """Return the perceived change from each example to the next, `(n, ...)` to `(n - 1,)`."""

    @abstractmethod
    def difference(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the share of events by which each x differs from its y, in 0..1, `(n,)`."""

    @abstractmethod
    def faults(self, x: Tensor) -> Tensor:
        """Return a penalty for what sounds or looks wrong in examples, `(n,)`, at least 0."""

    def poor(self, x: Tensor) -> Tensor:
        """Return which examples are poor samples, bool `(n,)`; here those without an event."""
        return self.count(x) == 0

    @abstractmethod
    def count(self, x: Tensor) -> Tensor:
        """Return the number of events of examples, float `(n,)`."""

    @abstractmethod
    def between(self, x: Tensor, y: Tensor, share: Tensor) -> Tensor:
        """Return examples between others, made by rules, without a model.

        Args:
            x: Examples `(n, ...)`.
            y: Examples `(n, ...)`.
            share: Share of y in each result, in 0..1, `(n,)`.
        """

    @abstractmethod
    def variants(self, x: Tensor) -> Tensor:
        """Return examples `(k, ...)` near one example, made by rules, without a model."""

    def mended(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """Return generated examples with faults corrected by rules; here unchanged.

        Args:
            x: Examples `(n, ...)`.
            like: The examples that `x` are blends of, `(k, ...)`; what these have is no fault.
        """
        return x

    def neutral(self, attribute: str) -> float | None:
        """Return the smallest value that edits aim for when they take an attribute away, or None.

        Taking swing away makes a beat straight, and no more.
        """
        return None

    @abstractmethod
    def measured(self, attribute: str, x: Tensor) -> Tensor | None:
        """Return the property that an attribute changes, `(n,)`, NaN where it is undefined.

        None if the property of this attribute cannot be measured.
        """
