"""Samples of good quality: those that are empty or chaotic are drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Generator, Tensor

from vaecore.priors.base import streams

ROUNDS = 8
"""Largest number of rounds in which poor examples are drawn again."""


@dataclass(frozen=True)
class Draws:
    """Examples drawn from a prior.

    Attributes:
        x: `(n, ...)`; row i depends on the seed and i alone, not on n.
        again: Number of draws that were poor and repeated, over all rounds.
        poor: Number of rows that are still poor after the last round.
    """

    x: Tensor
    again: int = 0
    poor: int = 0

    @property
    def text(self) -> str:
        """A sentence about repeated draws; empty if there were none."""
        if not self.again:
            return ""
        text = "1 draw was" if self.again == 1 else f"{self.again} draws were"
        text += " empty, nearly empty or chaotic, and drawn again"
        return f"{text}; {self.poor} of {len(self.x)} still so" if self.poor else text


def draw(
    n: int,
    seed: int,
    once: Callable[[Sequence[Generator], int], Tensor],
    poor: Callable[[Tensor], Tensor],
    rounds: int = ROUNDS,
) -> Draws:
    """Draw n examples; those that are poor are drawn again.

    Each example has a generator of its own, whose state carries over to the next round.

    Args:
        n: Number of examples.
        seed: Seed of the generators.
        once: Draws one example for each of a list of generators, given the number of the round.
        poor: Maps examples `(k, ...)` to whether each is poor, bool `(k,)`.
        rounds: Largest number of rounds of repeated draws.
    """
    sources = streams(seed, n)
    x, again = once(sources, 0), 0
    # In ascending order, so that a row depends on its index and not on n.
    left = poor(x).nonzero()[:, 0].tolist()
    for number in range(1, rounds + 1):
        if not left:
            break
        again += len(left)
        x[left] = once([sources[k] for k in left], number)
        left = [k for k, bad in zip(left, poor(x[left]).tolist(), strict=True) if bad]
    return Draws(x, again, len(left))
