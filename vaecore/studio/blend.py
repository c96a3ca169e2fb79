"""Codes between one and four corners."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vaecore.paths import interpolate_at

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.space import LatentSpace


def corner_weights(at: tuple[float, float], corners: int) -> list[float]:
    """Return the bilinear weight of each corner at a point; they sum to 1.

    Args:
        at: The point, x and y; each is limited to 0 to 1.
        corners: How many corners there are, 0 to 4. Of three, the last is the whole lower edge.
    """
    x, y = (min(max(each, 0.0), 1.0) for each in at)
    if corners <= 1:
        return [1.0] * corners
    if corners == 2:
        return [1 - x, x]
    above = [(1 - x) * (1 - y), x * (1 - y)]
    return [*above, y] if corners == 3 else [*above, (1 - x) * y, x * y]


class CornerPaths:
    """The paths between corners, as those of `palette`.

    Args:
        space: The model.
        z: Codes of the corners, `(1..4, latent_dim)`.
        from_noise: Where paths go through a flow: its map from noise to a code, both
            `(latent_dim,)`, for callers in several threads. By default the prior's own.
    """

    def __init__(
        self,
        space: LatentSpace[Any],
        z: Tensor,
        from_noise: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._z = z
        self._ends, self._path, back = space.straightened(z)
        self._back = from_noise or (lambda row: back(row[None])[0])
        self._last: tuple[tuple[float, float], Tensor] | None = None

    def code(self, at: tuple[float, float]) -> Tensor:
        """Return the code at a point, `(latent_dim,)`; at a corner it is the corner's own code."""
        found = self._last  # while sliders move, the point stays the same
        if found is None or found[0] != at:
            self._last = found = at, self._code(at)
        return found[1]

    def _code(self, at: tuple[float, float]) -> Tensor:
        weights = corner_weights(at, len(self._z))
        if max(weights) == 1:
            return self._z[weights.index(1)]
        x, y = (min(max(each, 0.0), 1.0) for each in at)
        p = self._ends
        if len(p) == 2:
            return self._back(interpolate_at(p[0], p[1], x, self._path))
        left = interpolate_at(p[0], p[2], y, self._path)
        right = interpolate_at(p[1], p[-1], y, self._path)
        return self._back(interpolate_at(left, right, x, self._path))
