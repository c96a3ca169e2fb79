"""Paths between codes through a conditional flow, on which every code has a condition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaecore.paths import Walk, interpolate, slerp
from vaecore.priors import Prior

Codes = Callable[[Tensor, Tensor], Tensor]
"""Maps codes `(n, latent_dim)` and their conditions to codes; zeros stand for no condition."""


@dataclass(frozen=True)
class ConditionedWay:
    """An arc in the noise of a conditional flow, each step with the nearer end's condition.

    Points of the path are rows `(n, width)`: a code, its noise and its condition, concatenated.

    Attributes:
        prior: The flow.
        settle: Maps codes and conditions to codes near them that meet the conditions.
        shape: Shape of a condition.
    """

    prior: Prior
    settle: Codes
    shape: torch.Size

    def interpolate(
        self, z: Tensor, condition: Tensor, steps: int, walk: Walk | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return codes from the first through the others to the last, and their conditions.

        Args:
            z: Codes `(n, latent_dim)`; they stay as they are, with a condition of zeros.
            condition: Condition of each code, `(n, *shape)`.
            steps: Number of results.
            walk: Chooses the rows of each segment; see `vaecore.paths.interpolate`.
        """
        return self.split(interpolate(self.rows(z, condition), steps, self.between, walk=walk))

    def rows(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return codes and their conditions as rows."""
        noise = self.prior.to_noise(z, condition)
        return torch.cat([z, noise, condition.flatten(1).to(z)], 1)

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the codes and the conditions of rows."""
        size = self.prior.latent_dim
        return rows[:, :size], rows[:, 2 * size :].unflatten(1, self.shape)

    def unconditioned(self, z: Tensor) -> Tensor:
        """Return codes as rows, with zeros for the noise and the condition."""
        return torch.cat([z, z.new_zeros(len(z), z.shape[1] + self.shape.numel())], 1)

    def between(self, a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
        """Return rows between rows; see `vaecore.paths.Path`."""
        size = self.prior.latent_dim
        t = torch.as_tensor(t).to(a)
        a, b = (each.expand(len(t), -1) for each in (a, b))
        noise = slerp(a[:, size : 2 * size], b[:, size : 2 * size], t)
        t = t[:, None]
        nearer = torch.where(t <= 0.5, a, b)
        given, asked = (t == 0) | (t == 1), nearer[:, 2 * size :]
        condition = asked.unflatten(1, self.shape)
        code = self.settle(self.prior.from_noise(noise, condition), condition)
        code = torch.where(given, nearer[:, :size], code)
        return torch.cat([code, noise, torch.where(given, 0, asked)], 1)
