"""Principal components of codes, which are known up to the variance of their posteriors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Basis(NamedTuple):
    """Principal components of vectors."""

    codes: Tensor
    """The vectors, `(n, width)`."""
    centre: Tensor
    """Their mean, `(width,)`."""
    axes: Tensor
    """Directions of the components, the strongest first, `(width, kept)`."""
    variance: Tensor
    """Variance of the posteriors along each axis, `(kept,)`."""
    scale: Tensor
    """Standard deviation along each axis, with that variance, `(kept,)`."""


def components(x: Tensor, limit: int, variance: Tensor | None = None) -> Basis:
    """Return at most `limit` principal components of vectors.

    Args:
        x: The vectors, `(n, width)`.
        limit: Largest number of components.
        variance: Variance of the posterior of each vector, `(width,)`; by default 0.
    """
    centre = x.mean(0)
    strength, axes = torch.linalg.eigh((x - centre).double().t().cov())
    strength, axes = strength.flip(0).float(), axes.flip(1).float()
    kept = min(limit, int((strength > 1e-7 * strength[0]).sum()))
    strength, axes = strength[:kept], axes[:, :kept]
    along = torch.zeros(kept) if variance is None else (axes.square() * variance[:, None]).sum(0)
    return Basis(x, centre, axes, along, (strength + along).sqrt())
