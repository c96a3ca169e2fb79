"""Choosing tokens from logits, repeatably and independently of the batch they are in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def uniform_noise(batch: int, shape: Sequence[int], seed: int, device: torch.device) -> Tensor:
    """Return uniform numbers in [0, 1), `(batch, *shape)`; row i depends on `seed` and i alone.

    They are drawn on the CPU, so that the same seed gives the same music on every device.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, *shape, generator=generator).to(device)


def choose(logits: Tensor, temperature: float, noise: Tensor | None = None) -> Tensor:
    """Return one class per row of logits `(..., classes)`.

    Args:
        logits: Unnormalised log-probabilities.
        temperature: 0 takes the most likely class; otherwise logits are divided by it and the
            class is found by inverting the cumulative distribution at `noise`.
        noise: Uniform numbers in [0, 1), `(...)`; needed above temperature 0.
    """
    if temperature == 0 or noise is None:
        return logits.argmax(dim=-1)
    likelihoods = torch.exp((logits - logits.amax(dim=-1, keepdim=True)) / temperature)
    cumulative = likelihoods.cumsum(dim=-1, dtype=torch.float64)
    place = (noise.unsqueeze(-1).double() * cumulative[..., -1:]).contiguous()
    chosen = torch.searchsorted(cumulative, place, right=True).squeeze(-1)
    return chosen.clamp(max=logits.shape[-1] - 1)
