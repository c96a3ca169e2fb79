"""Detours: ways around places where a decoder has little to say.

Between two codes a decoder that is not sure of an event leaves it out, and what lies between two
full examples may be nearly empty. Then the way leads through an example that rules make of both.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vaecore.calibrated.even import Codes
from vaecore.paths import slerp
from vaecore.perception import Perception

THIN = 0.8
"""Events of a step, as a share of those expected there, below which a detour is tried."""
LONGER = 1.3
"""Largest sum of the squares of what changes from step to step, as a multiple of the way's."""

Walk = Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor]
"""Wanted shares and a way to codes, as `even_codes`."""


def around_thin_places(
    wanted: Tensor,
    codes: Tensor,
    perception: Perception,
    decode: Codes,
    encode: Codes,
    walk: Walk,
) -> Tensor:
    """Return the codes of a way, or those of a detour if that is fuller.

    Expected are as many events as both ends have, in proportion. The detour is an arc to what the
    rules make half way (`Perception.between`), and one from there. It is taken if its thinnest step
    is fuller and its steps are not much larger.

    Args:
        wanted: Shares of the way in 0..1, ascending, `(m,)`.
        codes: What was found there, `(m, latent_dim)`; the first and the last are the ends.
        perception: How examples are compared.
        decode: Codes to examples.
        encode: Examples to codes.
        walk: Finds codes on the detour.

    Returns:
        `(m, latent_dim)`.
    """
    if len(codes) < 3:
        return codes
    x = decode(codes)
    fullness = _fullness(perception, x, wanted)
    if fullness >= THIN:
        return codes
    middle = encode(perception.between(x[:1], x[-1:], torch.tensor([0.5])))[0].to(codes)

    def detour(t: Tensor) -> Tensor:
        t = t.to(codes)
        there = slerp(codes[0], middle, (2 * t).clamp(max=1))
        back = slerp(middle, codes[-1], (2 * t - 1).clamp(min=0))
        return torch.where(t[:, None] <= 0.5, there, back)

    others = walk(wanted, detour)
    y = decode(others)
    if _fullness(perception, y, wanted) <= fullness:
        return codes
    return others if _size(perception, y) <= LONGER * _size(perception, x) else codes


def _fullness(perception: Perception, x: Tensor, wanted: Tensor) -> float:
    """Return the events of the thinnest of some steps, as a share of those expected there."""
    count = perception.count(x).double()
    expected = torch.lerp(count[0], count[-1], wanted.to(count)).clamp(min=1)
    return float((count / expected).min())


def _size(perception: Perception, x: Tensor) -> float:
    return float(perception.change(x).double().square().sum())
