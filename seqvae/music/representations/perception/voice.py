"""What the perception of one voice is made of, and the rhythm that all voices share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqvae.music.reading.grids import SIXTEEN, StepGrid

NEIGHBOURS = (0.25, 0.5, 0.25)
"""Shares of an event that count at the step before, at its own, and at the one after."""


class VoicePerception(ABC):
    """How the windows `(n, steps)`, or `(n, steps, numbers)`, of one voice are perceived."""

    mixes: ClassVar[bool] = False
    """See `Perception`."""

    @abstractmethod
    def described(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return numbers `(n, numbers)` whose sums of absolute differences are the distance."""

    @abstractmethod
    def events(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which events windows have, `(n, kinds)`."""

    @abstractmethod
    def faults(self, x: Tensor) -> Tensor:
        """Return a penalty for what sounds wrong, float `(n,)`; silence counts 3."""

    def poor(self, x: Tensor) -> Tensor:
        """Return which windows are empty, nearly empty or chaotic, boolean `(n,)`."""
        return torch.from_numpy(~self.events(x.detach().cpu().numpy()).any(1))

    def mended(self, x: Tensor, like: Tensor | None) -> Tensor:
        """Return windows without what rules can mend; see `Perception.mended`."""
        return x

    @abstractmethod
    def blend(self, a: Tensor, b: Tensor, share: Tensor) -> Tensor:
        """Return the windows between windows, which change one event at a time.

        An event that both windows have stays. One that only one of them has is there while that
        window's share is at least the event's threshold. Thresholds depend on the place in the bar
        (and the drum) alone: what is on strong places comes early and leaves late. They are spread
        such that events change at an even pace.

        Args:
            a: Windows.
            b: As many others.
            share: Of b, in 0..1, `(n,)`.
        """

    @abstractmethod
    def variants(self, x: Tensor) -> Iterator[Tensor]:
        """Yield windows near one window, by plain rules."""


def flat(x: NDArray[Any]) -> NDArray[Any]:
    """Return windows as rows, `(n, ...)` to `(n, numbers)`."""
    return x.reshape(len(x), -1)


def blurred(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur `(n, steps, kinds)` over time; what leaves at one end comes in at the other."""
    before, here, after = NEIGHBOURS
    found: NDArray[np.float32] = (
        before * np.roll(x, -1, 1) + here * x + after * np.roll(x, 1, 1)
    ).astype(np.float32)
    return found


def metrical_ranks(steps: int, grid: StepGrid = SIXTEEN) -> Tensor:
    """Return how weak each step of a window is, as a rank: 0 is the strongest, `(steps,)`.

    Strong are the first beats of bars, then the third, the others, the eighths, the sixteenths (see
    `StepGrid.weakness`); of equally strong steps those come first that halve the window, then its
    quarters and so on.
    """
    at = torch.arange(steps)
    weakness = torch.tensor(grid.weakness)[at % grid.steps_per_bar]
    bits = max(1, (steps - 1).bit_length())
    halving = torch.stack([((at >> k) & 1) << (bits - 1 - k) for k in range(bits)]).sum(0)
    return (weakness * (1 << bits) + halving).argsort().argsort()


def thresholds(differ: Tensor, order: Tensor) -> Tensor:
    """Return the share from which an event is there, for each kind, spread evenly over 0..1.

    Args:
        differ: How often each kind of event is what two windows differ in.
        order: In which the kinds come, distinct integers of that shape.
    """
    weight = (differ + 1e-3).flatten()
    ranked = order.flatten().argsort()
    passed = weight[ranked].cumsum(0)
    even = torch.empty_like(weight)
    even[ranked] = (passed - weight[ranked] / 2) / passed[-1]
    return even.view(differ.shape)


def forms(x: Tensor, bar: int = SIXTEEN.steps_per_bar) -> Iterator[Tensor]:
    """Yield windows whose bars, of so many steps, repeat one of them, and shifted windows."""
    bars = x.unflatten(0, (-1, bar))
    for one in sorted({0, min(1, len(bars) - 1), len(bars) - 1}):
        yield bars[[one] * len(bars)].flatten(0, 1)
    if len(bars) > 2:
        yield bars[[k // 2 * 2 for k in range(len(bars))]].flatten(0, 1)
        yield bars[[k % 2 for k in range(len(bars))]].flatten(0, 1)
    for shift in (-2, -1, 1, 2):
        yield x.roll(shift, 0)
        # Only the later bars move, so that they repeat less.
        yield torch.cat([bars[0], bars[1:].roll(shift, 1).flatten(0, 1)])
