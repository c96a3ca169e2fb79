"""The way between items: interpolation, palettes and their paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vaecore.codec import Item
from vaecore.errors import UsageError
from vaecore.paths import (
    Path,
    Walk,
    bent,
    bilinear_grid,
    bilinear_weights,
    interpolate,
    interpolation_weights,
)
from vaecore.space.coding import contexts_of, stacked
from vaecore.space.conditioned import ConditionedWay
from vaecore.space.editing import Editing

TIMINGS = ("latent", "perceived")
"""What is even about the steps of an interpolation."""


class Blending(Editing[Item]):
    """The part of a latent space that blends items; see `LatentSpace`."""

    def interpolate(
        self,
        *items: Any,
        steps: int = 9,
        path: str | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        timing: str | None = None,
    ) -> list[Item]:
        """Return `steps` items on the way from the first item through the others to the last.

        At temperature 0 the ends are the reconstructions of the ends, exactly.

        Args:
            items: Two or more.
            steps: Number of results, ends included.
            path: "slerp" or "lerp"; or "flow", where the prior is one: an arc through the noise
                that it makes codes of (of a conditional flow each step under the condition of the
                item that is nearer). See `path_and_timing` for the default.
            timing: "latent" takes steps of one length in the latent space, "perceived" such that
                the decoded items change by as much with each, where the codec can measure that.
                See `path_and_timing` for the default. Where no path is given, perceived steps go
                around thin places (see `vaecore.calibrated.detours`).

        Returns:
            `steps` items, the first and the last included.

        Raises:
            ValueError: There are too few items or steps, or a path or timing is unknown.
            DataError: An item cannot be used.
        """
        _, timing = self.path_and_timing(path, timing)
        examples = [self._example(item) for item in items]
        x, contexts = stacked(examples), contexts_of(examples)
        chosen, flow = self._chosen(path, x)
        z = self.posterior_of(x).mean
        condition = None
        if flow is not None:
            conditioned, own = flow
            z, condition = conditioned.interpolate(
                z, own, steps, self._walk_on(conditioned, timing)
            )
        else:
            measured = self._measured_by(timing, detours=path is None)
            z = interpolate(z, steps, self._way(chosen), **measured)
        weights = interpolation_weights(len(items), steps)
        between = self.mended(x, weights, self.decode_to_examples(z, temperature, seed, condition))
        return self._items(between, self._blended(contexts, weights))

    def palette(
        self,
        items: Sequence[Any],
        rows: int = 5,
        columns: int = 5,
        path: str | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[list[Item]]:
        """Return a grid of items between two, three or four.

        Args:
            items: Top left, top right, bottom left, bottom right. Of three the last one is the
                whole bottom row; two make a single row.
            rows: Number of rows, corners included; of two items it does not count.
            columns: Number of columns, corners included.
            path: "lerp" or "slerp", along the edges and between them, or "flow", where the prior
                is one without conditions; see `plain_path` for the default. Where the codec has a
                `Perception` and steps are even by default, so are those of the left and right
                edge and of every row, and without a path they go around thin places.
            temperature: See `decode`.
            seed: See `decode`.

        Returns:
            Rows of items, the top one first.

        Raises:
            UsageError: There are not two to four items.
            ValueError: There are too few rows or columns, or the path is unknown.
            DataError: An item cannot be used.
        """
        if not 2 <= len(items) <= 4:
            raise UsageError(f"a palette blends two, three or four items, got {len(items)}")
        examples = [self._example(item) for item in items]
        if len(items) == 2:
            row = self.interpolate(
                *examples,
                steps=columns,
                path=path or self.plain_path,
                timing=self.codec.default_timing,
                temperature=temperature,
                seed=seed,
            )
            return [row]
        if len(items) == 3:
            examples.append(examples[2])
        x, contexts = stacked(examples), contexts_of(examples)
        corners = self.posterior_of(x).mean
        # A distance between pictures has no jumps: their palettes stay even in the latent space.
        even = self.moves if self.codec.default_timing == "perceived" else None
        walk = None if even is None else replace(even, detours=path is None).walk
        way = self._way(path or self.plain_path)
        z = bilinear_grid(corners, rows, columns, way, walk)
        z = z.flatten(0, 1)
        weights = bilinear_weights(rows, columns).flatten(0, 1)
        cells = self.mended(x, weights, self.decode_to_examples(z, temperature, seed))
        flat = self._items(cells, self._blended(contexts, weights))
        return [flat[row * columns : (row + 1) * columns] for row in range(rows)]

    @property
    def path(self) -> str:
        """The path of `interpolate` by default.

        "flow" where the prior is a conditional flow, or else the codec's `default_path`; "slerp"
        where that is the way through a flow, and the model has none.
        """
        return "flow" if self._conditional else self.plain_path

    @property
    def plain_path(self) -> str:
        """The path by default where there are no conditions, as in a palette."""
        path, prior = self.codec.default_path, self.prior
        through = prior is not None and prior.invertible and not prior.conditional
        return "slerp" if path == "flow" and not through else path

    def path_and_timing(self, path: str | None, timing: str | None) -> tuple[str, str]:
        """Return the path and the timing of `interpolate`, the defaults in place of None.

        The timing is the codec's `default_timing`, but "perceived" through a conditional flow
        where the codec has a `Perception`.

        Raises:
            ValueError: There is no such timing.
        """
        path = path or self.path
        # Where one condition follows another the way jumps, so steps of one length are not even.
        jumps = path == "flow" and self._conditional and self.codec.perception is not None
        timing = timing or ("perceived" if jumps else self.codec.default_timing)
        if timing not in TIMINGS:
            raise ValueError(f"unknown timing {timing!r}; known are {', '.join(TIMINGS)}")
        return path, timing

    def straightened(self, z: Tensor) -> tuple[Tensor, str, Callable[[Tensor], Tensor]]:
        """Return codes in coordinates in which the way of palettes is an arc or a line.

        For those who go many steps between the same codes: the way through a flow is long.

        Args:
            z: `(n, latent_dim)`.

        Returns:
            The coordinates, of the same shape; "slerp" or "lerp"; and the way back to codes.
        """
        path, prior = self.plain_path, self.prior
        if path != "flow" or prior is None:
            return z, path, lambda coordinates: coordinates
        return prior.to_noise(z), "slerp", prior.from_noise

    def change(self, z: Tensor) -> Tensor:
        """Return how much what is decoded changes from each code to the next, as perceived.

        Args:
            z: Codes on a path `(n, latent_dim)`, n at least 2.

        Returns:
            `(n - 1,)`, see `Codec.change`.
        """
        return self.codec.change(self.decode_to_examples(z))

    def mended(self, x: Tensor, weights: Tensor, blends: Tensor) -> Tensor:
        """Return blends of examples, those that are not one of them mended; see `Perception`.

        Args:
            x: What was blended, `(k, ...)`.
            weights: Of each in each blend, `(n, k)`; a row with a 1 is one of them.
            blends: `(n, ...)`.

        Returns:
            `(n, ...)`.
        """
        perception = self.codec.perception
        if perception is None:
            return blends
        given = (weights.max(dim=1).values == 1).view(-1, *[1] * (blends.ndim - 1))
        return torch.where(given, blends, self._allowed(perception.mended(blends, x), blends))

    @property
    def _conditional(self) -> bool:
        """Whether the prior has a way under conditions."""
        return self.prior is not None and self.prior.invertible and self.prior.conditional

    def _way(self, path: str) -> str | Path:
        """Return a path as `vaecore.paths` takes it; none is under a condition."""
        if path != "flow":
            return path
        prior = self.prior
        if prior is None or not prior.invertible or prior.conditional:
            what = "a flow under conditions, with no grid" if self._conditional else "no flow"
            raise UsageError(f"model {self.name!r} has {what}; use the path slerp")
        return bent(prior.to_noise, prior.from_noise)

    def _condition(self, x: Tensor) -> Tensor | None:
        """Return the conditions of examples, where the prior has a way under conditions."""
        if self.prior is None or not self._conditional:
            return None
        return self.codec.condition(x, self.prior.groups)

    def _chosen(
        self, path: str | None, x: Tensor
    ) -> tuple[str, tuple[ConditionedWay, Tensor] | None]:
        """Return the path between examples, by default the one that there is.

        If it is that through a flow under conditions, also this way, and the conditions.
        """
        chosen, condition = path or self.path, self._condition(x)
        if chosen != "flow" or not self._conditional:
            return chosen, None
        if condition is not None and self.prior is not None:
            return chosen, (ConditionedWay(self.prior, self.settle, condition.shape[1:]), condition)
        if path is None:
            return self.plain_path, None
        raise UsageError(f"model {self.name!r} has no flow for these; use the path slerp")

    def _walk_on(self, way: ConditionedWay, timing: str) -> Walk | None:
        """Return what makes steps even on a way through a flow; None if they are already."""
        if timing != "perceived":
            return None
        if (moves := self.moves) is None:
            raise UsageError(f"model {self.name!r} has no timing but latent on its flow")

        def decode(rows: Tensor) -> Tensor:
            codes, conditions = way.split(rows)
            return self.decode_to_examples(codes, condition=conditions)

        def encode(examples: Tensor) -> Tensor:
            return way.unconditioned(self.posterior_of(examples, refine=False).mean)

        return replace(moves, decode=decode, encode=encode).walk

    def _measured_by(self, timing: str, detours: bool) -> dict[str, Any]:
        """Return what makes steps even, as arguments of `interpolate`."""
        if timing == "latent":
            return {}
        if (moves := self.moves) is None:
            return {"change": self.change}
        return {"walk": replace(moves, detours=detours).walk}

    def _blended(self, contexts: Sequence[Any], weights: Tensor) -> list[Any]:
        if any(context is None for context in contexts):
            return [None] * len(weights)
        return [self.codec.blend(contexts, row) for row in weights.tolist()]
