"""Choosing classes from logits, repeatably, and independently of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaecore.seeds import seeded


def uniform_noise(batch: int, shape: Sequence[int], seed: int, device: torch.device) -> Tensor:
    """Return uniform numbers in [0, 1), `(batch, *shape)`; row i depends on `seed` and i alone.

    They are drawn on the CPU, so that the same seed gives the same music on every device.
    """
    return torch.rand(batch, *shape, generator=seeded(seed)).to(device)


def choose(logits: Tensor, temperature: float | Tensor, noise: Tensor | None = None) -> Tensor:
    """Return one class per row of logits `(..., classes)`.

    Args:
        logits: Unnormalised log-probabilities.
        temperature: 0 takes the most likely class. Otherwise logits are divided by it, and the
            class is found by inverting the cumulative distribution at `noise`. With a tensor
            without dimensions, the operations can be exported.
        noise: Uniform numbers in [0, 1), `(...)`; needed above temperature 0.
    """
    if noise is None or (not isinstance(temperature, Tensor) and temperature == 0):
        return logits.argmax(dim=-1)
    warm = heated(temperature)
    likelihoods = torch.exp((logits - logits.amax(dim=-1, keepdim=True)) / warm)
    cumulative = likelihoods.cumsum(dim=-1, dtype=torch.float64)
    place = noise.unsqueeze(-1).double() * cumulative[..., -1:]
    chosen = find(cumulative, place, isinstance(temperature, Tensor)).squeeze(-1)
    chosen = chosen.clamp(max=logits.shape[-1] - 1)
    if isinstance(temperature, Tensor):
        chosen = torch.where(temperature > 0, chosen, logits.argmax(dim=-1))
    return chosen


def heated(temperature: float | Tensor) -> float | Tensor:
    """Return a temperature to divide by: a tensor of 0 becomes 1."""
    if not isinstance(temperature, Tensor):
        return temperature
    return torch.where(temperature > 0, temperature, torch.ones_like(temperature))


def find(cumulative: Tensor, place: Tensor, exported: bool) -> Tensor:
    """Return how many numbers are at most `place`, `(..., 1)`.

    Args:
        cumulative: The numbers in ascending order, `(..., n)`.
        place: The bound, `(..., 1)`.
        exported: Whether to count, which can be exported, instead of a binary search.
    """
    if exported:
        return (cumulative <= place).sum(dim=-1, keepdim=True)
    return torch.searchsorted(cumulative, place.contiguous(), right=True)
