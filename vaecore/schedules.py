"""Schedules of beta, the weight of the KL term, over training steps.

A schedule is a function from the step to a float, described by a JSON-able `config`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vaecore.config import build


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value < math.inf


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


_LIMITS = {
    "beta": (_is_weight, "finite and at least 0"),
    "max_beta": (_is_weight, "finite and at least 0"),
    "steps": (_is_count, "a whole number of at least 1"),
    "period": (_is_count, "a whole number of at least 1"),
    "ramp": (lambda value: _is_weight(value) and 0 < value <= 1, "in (0, 1]"),
    "rate": (lambda value: _is_weight(value) and value < 1, "in [0, 1)"),
}
"""Checks of the schedules' arguments by name, and their wording."""


class Schedule(ABC):
    """A weight that depends on the training step, counted from 0."""

    kind: ClassVar[str]
    max_beta: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            allowed, text = _LIMITS.get(name, (bool, ""))
            if text and not allowed(value):
                raise ValueError(f"{name} must be {text}, got {value!r}")

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the weight at a step."""

    @property
    def final(self) -> float:
        """The weight after the warm-up, which evaluation uses."""
        return self.max_beta

    @property
    def config(self) -> dict[str, Any]:
        """The schedule as a JSON-able dictionary, for `make_schedule`."""
        return {"kind": self.kind, **vars(self)}


@dataclass(frozen=True)
class Constant(Schedule):
    """The same weight at every step.

    Args:
        beta: The weight, at least 0. 1 is the evidence lower bound.
    """

    kind: ClassVar[str] = "constant"
    beta: float = 1.0

    def __call__(self, step: int) -> float:
        return self.beta

    @property
    def final(self) -> float:
        return self.beta


@dataclass(frozen=True)
class Linear(Schedule):
    """A straight warm-up from 0 (Bowman et al., Generating Sentences, 2016).

    Args:
        steps: How many steps the warm-up takes, at least 1.
        max_beta: The weight from then on, at least 0.
    """

    kind: ClassVar[str] = "linear"
    steps: int
    max_beta: float = 1.0

    def __call__(self, step: int) -> float:
        return self.max_beta * min(step / self.steps, 1.0)


@dataclass(frozen=True)
class Cyclical(Schedule):
    """A warm-up that starts again every period (Fu et al., Cyclical Annealing, 2019).

    Args:
        period: Steps in one cycle, at least 1.
        max_beta: The weight at the top of each cycle, at least 0.
        ramp: The part of a cycle in which the weight rises from 0, in (0, 1]; then it is constant.
    """

    kind: ClassVar[str] = "cyclical"
    period: int
    max_beta: float = 1.0
    ramp: float = 0.5

    def __call__(self, step: int) -> float:
        return self.max_beta * min((step % self.period) / (self.period * self.ramp), 1.0)


@dataclass(frozen=True)
class Exponential(Schedule):
    """MusicVAE's approach to the full weight: (1 - rate^step) * max_beta.

    With rate 0 only step 0 has weight 0, since 0^0 counts as 1, as in the reference.

    Args:
        rate: In [0, 1); the closer to 1, the slower (0.99999 is at 63% after 100,000 steps).
        max_beta: The weight that is approached, at least 0.
    """

    kind: ClassVar[str] = "exponential"
    rate: float
    max_beta: float = 1.0

    def __call__(self, step: int) -> float:
        return (1 - self.rate**step) * self.max_beta


_SCHEDULES = {kind.kind: kind for kind in (Constant, Linear, Cyclical, Exponential)}


def make_schedule(config: Schedule | Mapping[str, Any] | float) -> Schedule:
    """Return the schedule that a configuration describes.

    Args:
        config: A number for a constant weight; a mapping with `kind` (constant, linear, cyclical
            or exponential) and that schedule's arguments; a schedule is returned as it is.

    Raises:
        ValueError: The kind or an argument is unknown, or an argument is missing or out of range.
    """
    if isinstance(config, Schedule):
        return config
    if isinstance(config, int | float):
        return Constant(float(config))
    if not isinstance(config, Mapping):
        raise ValueError(f"a schedule is a number or a mapping, got {config!r}")
    arguments = dict(config)
    kind = arguments.pop("kind", None)
    if kind not in _SCHEDULES:
        raise ValueError(f"unknown schedule {kind!r}; known are {', '.join(_SCHEDULES)}")
    return build(_SCHEDULES[kind], arguments, f"{kind} schedule")
