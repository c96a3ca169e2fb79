"""Drawn pictures with known attributes: round heads that may have dark glasses or a warm light."""

from __future__ import annotations

import torch
from torch import Tensor

NAMES = ("Eyeglasses", "Warm", "Hat")


def draw(having: Tensor, seed: int | None = 1, size: int = 64) -> Tensor:
    """Return pictures `(n, 3, size, size)` in [0, 1] that show what `having` `(n, 3)` says.

    Heads are of many shades and a little different in place, all alike if `seed` is None;
    `having` may be a strength from 0 to 1.
    """
    generator = torch.Generator().manual_seed(seed or 0)
    having = having.float()
    n = len(having)
    place = torch.linspace(-1, 1, size)
    vary = 0.0 if seed is None else 1.0
    centre = vary * 0.1 * torch.randn(n, 2, 1, generator=generator)
    y, x = (place - centre[:, 0])[:, :, None], (place - centre[:, 1])[:, None, :]
    shade = 0.6 + vary * 0.2 * (torch.rand(n, 1, 1, generator=generator) - 0.5)
    head = torch.sigmoid(20 * (0.7 - (x.square() + y.square()).sqrt()))
    picture = 0.2 + head * (shade - 0.2)
    for column, low, high, wide in ((0, -0.3, -0.1, 0.5), (2, -0.9, -0.6, 0.7)):
        band = (y > low) & (y < high) & (x.abs() < wide)
        tone = 0.05 if column == 0 else 0.95
        share = having[:, column, None, None] * band
        picture = picture * (1 - share) + tone * share
    picture = picture[:, None].repeat(1, 3, 1, 1)
    picture[:, 2] *= 1 - 0.5 * having[:, 1, None, None]
    return picture


def labels(n: int, seed: int = 1) -> Tensor:
    """Return labels `(n, 3)`, bool; warm light comes mostly with glasses."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(n, 3, generator=generator)
    glasses = drawn[:, 0] < 0.4
    warm = drawn[:, 1] < torch.where(glasses, 0.85, 0.15)
    return torch.stack([glasses, warm, drawn[:, 2] < 0.3], dim=1)
