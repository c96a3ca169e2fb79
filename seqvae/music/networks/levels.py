"""Segments of a window (the bars of a phrase) as rows of a batch, and the voices of windows."""

from __future__ import annotations

from torch import Tensor


def fold(x: Tensor, segments: int) -> Tensor:
    """Return windows `(batch, steps, ...)` as segments `(batch * segments, steps / segments, ...)`.

    The segments of a window are neighbouring rows, in their order.
    """
    rows: Tensor = x.unflatten(1, (segments, -1))
    return rows.flatten(0, 1)


def voices_of(windows: Tensor) -> tuple[Tensor, ...]:
    """Return the voices of windows `(n, steps)` or `(n, steps, voices)`, each `(n, steps)`."""
    return (windows,) if windows.ndim == 2 else windows.unbind(-1)
