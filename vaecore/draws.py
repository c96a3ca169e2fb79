"""Samples without the poor ones: what is empty or chaotic is drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Generator, Tensor

from vaecore.priors.base import streams

ROUNDS = 8
"""How often what is poor is drawn again, at most."""


@dataclass(frozen=True)
class Draws:
    """Examples that were drawn.

    Attributes:
        x: `(n, ...)`; row i depends on the seed and i alone, however many there are.
        again: How many draws were poor and made again, over all rounds.
        poor: How many are still poor after the last round, and stay so.
    """

    x: Tensor
    again: int = 0
    poor: int = 0

    @property
    def text(self) -> str:
        """What to tell about it, a sentence; empty if there is nothing to tell."""
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
    """Draw n examples, and those that are poor again.

    Each has a generator of its own, that goes on where it was.

    Args:
        n: How many.
        seed: Of the generators.
        once: Generators, and the number of the round, to as many examples. Row i may depend on
            the round, on generator i and on i.
        poor: Which of some examples `(k, ...)` are not worth keeping, boolean `(k,)`.
        rounds: How often what is poor is drawn again, at most.
    """
    sources = streams(seed, n)
    x, again = once(sources, 0), 0
    # In ascending order: then the first of many rows are the same as those of few.
    left = poor(x).nonzero()[:, 0].tolist()
    for number in range(1, rounds + 1):
        if not left:
            break
        again += len(left)
        x[left] = once([sources[k] for k in left], number)
        left = [k for k, bad in zip(left, poor(x[left]).tolist(), strict=True) if bad]
    return Draws(x, again, len(left))
