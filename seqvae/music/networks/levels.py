"""Levels of time: segments of a window (the bars of a phrase) as rows of a batch."""

from __future__ import annotations

from torch import Tensor


def fold(x: Tensor, segments: int) -> Tensor:
    """Return `(batch * segments, steps / segments, ...)` for `(batch, steps, ...)`.

    The segments of a window are neighbouring rows, in their order, so that one batch computes what
    is the same for each of them.
    """
    rows: Tensor = x.unflatten(1, (segments, -1))
    return rows.flatten(0, 1)
