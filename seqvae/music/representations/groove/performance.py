"""The numbers of a performance, its hits alone, and its rhythm alone.

A performance is `(..., steps, 27)`: nine hits, nine velocities and nine offsets at every step; see
`GrooveCodec`. The functions take NumPy arrays and tensors; torch is imported only for tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from seqvae.music.representations.alphabet import DRUMS, OPEN_HAT
from seqvae.music.representations.measuring import shares

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations.measuring import Floats

NUMBERS = 3 * DRUMS
TAP = OPEN_HAT
"""The drum that a tap is written as."""

Performance = TypeVar("Performance", "Tensor", np.ndarray)


def blocks(x: Performance) -> tuple[Performance, Performance, Performance]:
    """Return hits, velocities and offsets, `(..., 9)` each."""
    drums = x.shape[-1] // 3
    return x[..., :drums], x[..., drums : 2 * drums], x[..., 2 * drums :]


def stiffened(x: Performance) -> Performance:
    """Return the hits alone, the input of `humanize`; velocities and offsets are 0."""
    stiff: Performance = x.copy() if isinstance(x, np.ndarray) else x.clone()
    stiff[..., DRUMS:] = 0
    return stiff


def tapped(x: Performance) -> Performance:
    """Return the rhythm alone, the input of `drumify`.

    At each step where anything is hit there is a hit of the open hi-hat with the offset of the
    loudest drum, and velocity 0 (GrooVAE's "tapify" at a fixed velocity).
    """
    hits, velocity, offset = blocks(x)
    # A hit of velocity 0 counts as louder than no hit.
    loudest = (hits + velocity).argmax(-1)[..., None]
    if isinstance(x, np.ndarray):
        taps, time = np.zeros_like(x), np.take_along_axis(offset, loudest, -1)[..., 0]
        struck = hits.max(-1)
    else:
        taps, time = x.new_zeros(x.shape), offset.gather(-1, loudest)[..., 0]
        struck = hits.amax(-1)
    taps[..., TAP] = struck
    taps[..., 2 * DRUMS + TAP] = time
    return taps


def hit_classes(x: Performance) -> Performance:
    """Return which drums are hit as the classes of `DrumCodec`, int64 `(..., steps)`."""
    hits: Performance = blocks(x)[0] > 0.5
    if isinstance(x, np.ndarray):
        return np.asarray((hits.astype(np.int64) << np.arange(hits.shape[-1])).sum(-1))
    import torch

    return (hits.long() << torch.arange(hits.shape[-1], device=x.device)).sum(-1)


def velocity_histogram(windows: Any) -> Floats:
    """Return the histogram `(32,)` of velocities of performances `(n, steps, 27)`, 4 to a bin."""
    hits, velocity, _ = blocks(np.asarray(windows))
    return shares(np.histogram(velocity[hits > 0.5] * 127, 32, (0, 128))[0])


def offset_histogram(windows: Any) -> Floats:
    """Return the histogram `(40,)` of the timing of hits of performances `(n, steps, 27)`.

    Its bins go from half a step late to half a step early.
    """
    hits, _, offset = blocks(np.asarray(windows))
    return shares(np.histogram(offset[hits > 0.5], 40, (-1, 1))[0])
