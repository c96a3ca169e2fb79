"""The training loop of small networks beside a VAE, which take seconds to minutes.

They are the flow (prior), the classifier that measures attribute vectors, the network that frames
faces, and the digits of the lecture: each has one optimiser, one loss and data in memory, and needs
no checkpoints, logs or several processes.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def cosine(done: float, floor: float = 0.0) -> float:
    """Return half a period of a cosine, from 1 at the beginning to `floor` at the end.

    Args:
        done: Share of the training that is over, at least 0; more than 1 counts as 1.
        floor: In [0, 1].
    """
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def ramped_decay(largest: float) -> Callable[[int], float]:
    """Return the decay of a moving average of weights as a function of the steps taken, t.

    It is min(largest, (1 + t) / (10 + t)), as in TensorFlow, so that the average soon forgets the
    initial weights.

    Args:
        largest: In [0, 1).
    """
    return lambda steps: min(largest, (1 + steps) / (10 + steps))


class SmallLoop(Generic[Network]):
    """A training within a budget of steps or minutes.

        loop = SmallLoop(network, optimizer, lambda done, step: 1e-3 * cosine(done), steps=1000)
        for step in loop.run(lambda step: network.loss(batch(step))):
            ...
        return loop.average

    Args:
        network: Changed in place, and moved to the device.
        optimizer: An optimiser of its parameters.
        rate: Learning rate as a function of the share of the budget that is over, in [0, 1), and
            of the steps taken, from 0.
        steps: Budget of steps.
        minutes: Budget of time; with both budgets, the first to end counts.
        clock: Returns seconds; `time.process_time` makes `minutes` a budget of CPU time.
        decay: Decay of an exponential moving average of weights and floating-point buffers, as a
            function of the steps taken, from 1; None for no average.
        clip: Largest norm of a gradient; None for no clipping.
        device: Where to compute; None leaves the network where it is. The caller moves batches.

    Attributes:
        average: The network with the averaged weights, which is the result.
        steps_taken: Optimiser steps so far.
        done: Share of the budget that is over; the training ends at 1.

    Raises:
        ValueError: There is no budget, or one is not above 0.
    """

    def __init__(
        self,
        network: Network,
        optimizer: torch.optim.Optimizer,
        rate: Callable[[float, int], float],
        *,
        steps: int | None = None,
        minutes: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        decay: Callable[[int], float] | None = None,
        clip: float | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if not (steps or minutes) or (steps or 1) < 0 or (minutes or 1) < 0:
            raise ValueError(f"needs steps or minutes above 0, got {steps} and {minutes}")
        self.network = network if device is None else network.to(device)
        self.average = self.network if decay is None else copy.deepcopy(self.network)
        self.steps_taken, self.done = 0, 0.0
        self._optimizer, self._rate, self._decay, self._clip = optimizer, rate, decay, clip
        self._steps, self._minutes, self._clock = steps, minutes, clock
        self._began = clock()
        self._loss = torch.tensor(math.nan)

    @property
    def seconds(self) -> float:
        """Time since the beginning, by the clock."""
        return self._clock() - self._began

    def _share(self) -> float:
        by_steps = self.steps_taken / self._steps if self._steps else 0.0
        by_time = self.seconds / (60 * self._minutes) if self._minutes else 0.0
        return max(by_steps, by_time)

    @property
    def loss(self) -> float:
        """A running mean of the loss, over the last hundred steps or so."""
        return self._loss.item()

    def run(self, loss: Callable[[int], Tensor]) -> Iterator[int]:
        """Train, and yield the number of steps taken after each step.

        Args:
            loss: Maps the number of steps taken so far to the scalar loss of a new batch.
        """
        self._began = self._clock()
        while self.done < 1:
            for group in self._optimizer.param_groups:
                group["lr"] = self._rate(self.done, self.steps_taken)
            value = loss(self.steps_taken)
            self._optimizer.zero_grad(set_to_none=True)
            value.backward()
            if self._clip is not None:
                nn.utils.clip_grad_norm_(self.network.parameters(), self._clip)
            self._optimizer.step()
            self.steps_taken += 1
            now = value.detach().float()
            self._loss = now if self.steps_taken == 1 else self._loss.lerp(now, 0.01)
            self._follow()
            self.done = self._share()
            yield self.steps_taken

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the network; counters are copied."""
        if self._decay is None:
            return
        ours, theirs = self.average.state_dict(), self.network.state_dict()
        floats = [name for name, value in ours.items() if value.is_floating_point()]
        weight = 1 - self._decay(self.steps_taken)
        torch._foreach_lerp_([ours[n] for n in floats], [theirs[n] for n in floats], weight)
        for name in ours.keys() - set(floats):
            ours[name].copy_(theirs[name])
