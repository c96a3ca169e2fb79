"""Variations: codes whose decoding differs from the original by a given share of events."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vaecore.calibrated.even import Measured

ROUNDS, LENGTHS = 4, 24
"""Rounds of drawing directions, and number of lengths that are decoded for each."""
FAULT_COST = 0.05
"""Cost of a fault, in units of the share that differs."""

Draw = Callable[[int, int], Tensor]
"""Maps a number n and the number of a round to n codes of the prior `(n, latent_dim)`."""


def vary(z: Tensor, n: int, amount: float, draw: Draw, model: Measured) -> Tensor:
    """Return n variations of a code, `(n, latent_dim)`.

    Each lies on the arc from z to a code of the prior, where the wanted share of events differs.
    Copies of z or of another variation are replaced by other draws, as far as possible.

    Args:
        z: `(latent_dim,)`.
        n: Number of variations.
        amount: Share of events that should differ, in 0..1: 0 gives z itself, 1 codes of the prior.
        draw: Draws codes from the prior.
        model: The model.

    Raises:
        ValueError: The amount is not in 0..1.
    """
    if not 0 <= amount <= 1:
        raise ValueError(f"amount must be in [0, 1], got {amount}")
    if n < 1 or amount == 0:
        return z.expand(n, -1)
    if amount == 1:
        return draw(n, 0)
    perception, own = model.perception, model.decode(z[None])
    count = round(LENGTHS * perception.effort) + 2
    length = torch.linspace(0, 1, count, dtype=z.dtype)[1:, None, None]
    codes, examples, misses = z.new_empty(0, len(z)), own[:0], z.new_empty(0)
    order = torch.empty(0, dtype=torch.long)
    for number in range(ROUNDS):
        towards = draw(2 * n, number)
        tried = ((1 - length**2).sqrt() * z + length * towards).transpose(0, 1)
        rows = model.decode(tried.flatten(0, 1))
        share = perception.difference(rows, own.expand_as(rows))
        worse = (perception.faults(rows) - perception.faults(own)).clamp(0, 2)
        miss = ((share - amount).abs() + FAULT_COST * worse).view(tried.shape[:2])
        best, every = miss.argmin(1), torch.arange(len(tried))
        codes = torch.cat([codes, tried[every, best]])
        examples = torch.cat([examples, rows.unflatten(0, tried.shape[:2])[every, best]])
        misses = torch.cat([misses, miss[every, best].to(misses)])
        order = _distinct(examples, misses, own)
        near = misses[order] <= max(0.1, amount / 3)
        if len(order) >= n and bool(near[:n].all()):
            break
    if len(order) < n:  # too few different examples: copies follow, by their miss
        order = torch.cat([order, misses.argsort()])
    return codes[order[:n]]


def _distinct(x: Tensor, miss: Tensor, own: Tensor) -> Tensor:
    """Return the rows in order of their miss, without copies of `own` and of each other."""
    known, rows = {own[0].numpy().tobytes()}, []
    for row in miss.argsort(stable=True).tolist():
        key = x[row].contiguous().numpy().tobytes()
        if key not in known:
            known.add(key)
            rows.append(row)
    return torch.tensor(rows, dtype=torch.long)
