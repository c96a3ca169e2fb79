"""Detours around examples with too few events.

A decoder omits events that it is unsure of, so that examples half-way between two full ones may be
nearly empty. Then the path goes through an example that rules make from both ends.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaecore.calibrated.even import Measured
from vaecore.paths import Walk, slerp
from vaecore.perception import Perception

THIN = 0.8
"""A detour is tried if a step has less than this share of its expected events."""
LONGER = 1.3
"""Largest sum of squared changes from step to step of a detour, as a multiple of the path's."""


def around_thin_places(wanted: Tensor, codes: Tensor, model: Measured, walk: Walk) -> Tensor:
    """Return the codes of a path, or those of a detour if it has more events.

    The expected number of events of a step is interpolated between the ends. The detour is an arc
    to the example half-way by rules (`Perception.between`), and an arc from there. It is taken if
    its emptiest step is fuller, and its changes from step to step are not much larger.

    Args:
        wanted: Shares of the path in 0..1, ascending, `(m,)`.
        codes: The codes there, `(m, latent_dim)`; the first and the last are the ends.
        model: The model.
        walk: Chooses codes on the detour.

    Returns:
        `(m, latent_dim)`.
    """
    if len(codes) < 3:
        return codes
    perception, x = model.perception, model.decode(codes)
    fullness = _fullness(perception, x, wanted)
    if fullness >= THIN:
        return codes
    middle = model.encode(perception.between(x[:1], x[-1:], torch.tensor([0.5])))[0].to(codes)

    def detour(t: Tensor) -> Tensor:
        t = t.to(codes)
        there = slerp(codes[0], middle, (2 * t).clamp(max=1))
        back = slerp(middle, codes[-1], (2 * t - 1).clamp(min=0))
        return torch.where(t[:, None] <= 0.5, there, back)

    others = walk(wanted, detour)
    y = model.decode(others)
    if _fullness(perception, y, wanted) <= fullness:
        return codes
    return others if _size(perception, y) <= LONGER * _size(perception, x) else codes


def _fullness(perception: Perception, x: Tensor, wanted: Tensor) -> float:
    """Return the smallest ratio of a step's events to the number expected there."""
    count = perception.count(x).double()
    expected = torch.lerp(count[0], count[-1], wanted.to(count)).clamp(min=1)
    return float((count / expected).min())


def _size(perception: Perception, x: Tensor) -> float:
    return float(perception.change(x).double().square().sum())
