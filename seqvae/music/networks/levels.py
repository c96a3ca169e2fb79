"""Levels of time: segments of a window (the bars of a phrase) as rows of a batch."""

from __future__ import annotations

from torch import Tensor


def fold(x: Tensor, segments: int) -> Tensor:
    """Return `(batch * segments, steps / segments, ...)` for `(batch, steps, ...)`.

    The segments of a window are neighbouring rows, in their order. What is the same for each of
    them is so computed for all of them at once.
    """
    return x.unflatten(1, (segments, -1)).flatten(0, 1)
