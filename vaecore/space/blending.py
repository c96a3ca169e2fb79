"""Paths between items: interpolations and palettes."""

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
"""Steps of equal length in the latent space, or of equal perceived change."""


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
        """Return `steps` items on the path from the first item through the others to the last.

        At temperature 0, the first and the last result are the reconstructions of the ends.

        Args:
            items: Two or more items.
            steps: Number of results, both ends included, at least 2.
            path: "slerp" (arc), "lerp" (straight line), or "flow", if the prior is a flow: an arc
                in its noise, mapped to codes. With a conditional flow, each step has the condition
                of the nearer item. Default: see `path_and_timing`.
            temperature: See `decode`.
            seed: See `decode`.
            timing: "latent" for steps of equal length in the latent space, "perceived" for steps of
                equal change of the decoded items, if the codec can measure it. Default: see
                `path_and_timing`. If `path` is None, perceived steps may make a detour around
                nearly empty examples (`vaecore.calibrated.detours`).

        Raises:
            UsageError: The model has no such path or timing.
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
            items: Top left, top right, bottom left, bottom right. The third of three items is the
                whole bottom row; two items make a single row.
            rows: Number of rows, corners included, at least 2; ignored for two items.
            columns: Number of columns, corners included, at least 2.
            path: "lerp", "slerp", or "flow" if the prior is a flow without conditions; for the left
                and right edge, and then for every row. Default: `plain_path`. Steps have equal
                perceived change if that is the codec's default timing and it has a `Perception`.
            temperature: See `decode`.
            seed: See `decode`.

        Returns:
            Rows of items, the top one first.

        Raises:
            UsageError: There are not two to four items, or the model has no such path.
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
        # Without a `Perception` (pictures), palettes stay evenly spaced in the latent space.
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
        """The default path of `interpolate`: "flow" if the prior is a conditional flow."""
        return "flow" if self._conditional else self.plain_path

    @property
    def plain_path(self) -> str:
        """The default path without conditions, as in palettes.

        It is the codec's `default_path`; "slerp" in place of "flow" if the prior is not a flow
        without conditions.
        """
        path, prior = self.codec.default_path, self.prior
        through = prior is not None and prior.invertible and not prior.conditional
        return "slerp" if path == "flow" and not through else path

    def path_and_timing(self, path: str | None, timing: str | None) -> tuple[str, str]:
        """Return the path and the timing of `interpolate`, with the defaults for None.

        They are `path`, and the codec's `default_timing`; but "perceived" on the path through a
        conditional flow, if the codec has a `Perception`.

        Raises:
            ValueError: There is no such timing.
        """
        path = path or self.path
        # Where the condition changes, the path jumps: steps of equal length are not even.
        jumps = path == "flow" and self._conditional and self.codec.perception is not None
        timing = timing or ("perceived" if jumps else self.codec.default_timing)
        if timing not in TIMINGS:
            raise ValueError(f"unknown timing {timing!r}; known are {', '.join(TIMINGS)}")
        return path, timing

    def straightened(self, z: Tensor) -> tuple[Tensor, str, Callable[[Tensor], Tensor]]:
        """Return codes in coordinates in which the path of palettes is an arc or a line.

        For many steps between the same codes: their noise under a flow is computed only once.

        Args:
            z: `(n, latent_dim)`.

        Returns:
            The coordinates, of the same shape; "slerp" or "lerp"; and the map back to codes.
        """
        path, prior = self.plain_path, self.prior
        if path != "flow" or prior is None:
            return z, path, lambda coordinates: coordinates
        return prior.to_noise(z), "slerp", prior.from_noise

    def change(self, z: Tensor) -> Tensor:
        """Return the perceived change of decoded examples from each code to the next.

        Args:
            z: Codes on a path `(n, latent_dim)`, n at least 2.

        Returns:
            `(n - 1,)`, see `Codec.change`.
        """
        return self.codec.change(self.decode_to_examples(z))

    def mended(self, x: Tensor, weights: Tensor, blends: Tensor) -> Tensor:
        """Return blends `(n, ...)` with faults corrected by `Perception.mended`.

        Args:
            x: The blended examples, `(k, ...)`.
            weights: Weight of each in each blend, `(n, k)`; a row with a 1 is an end, which is
                not corrected.
            blends: `(n, ...)`.
        """
        perception = self.codec.perception
        if perception is None:
            return blends
        given = (weights.max(dim=1).values == 1).view(-1, *[1] * (blends.ndim - 1))
        return torch.where(given, blends, self._allowed(perception.mended(blends, x), blends))

    @property
    def _conditional(self) -> bool:
        """Whether the prior is a conditional flow."""
        return self.prior is not None and self.prior.invertible and self.prior.conditional

    def _way(self, path: str) -> str | Path:
        """Return a path without conditions, for `vaecore.paths`.

        Raises:
            UsageError: The path is "flow", and the prior is not a flow without conditions.
        """
        if path != "flow":
            return path
        prior = self.prior
        if prior is None or not prior.invertible or prior.conditional:
            what = "a conditional flow, with no palettes" if self._conditional else "no flow"
            raise UsageError(f"model {self.name!r} has {what}; use the path slerp")
        return bent(prior.to_noise, prior.from_noise)

    def _condition(self, x: Tensor) -> Tensor | None:
        """Return the conditions of examples; None if the prior is not a conditional flow."""
        if self.prior is None or not self._conditional:
            return None
        return self.codec.condition(x, self.prior.groups)

    def _chosen(
        self, path: str | None, x: Tensor
    ) -> tuple[str, tuple[ConditionedWay, Tensor] | None]:
        """Return the path between examples; for a conditional flow, also its way and conditions.

        Raises:
            UsageError: The path was asked for, and these examples have no conditions.
        """
        chosen, condition = path or self.path, self._condition(x)
        if chosen != "flow" or not self._conditional:
            return chosen, None
        if condition is not None and self.prior is not None:
            return chosen, (ConditionedWay(self.prior, self.settle, condition.shape[1:]), condition)
        if path is None:
            return self.plain_path, None
        raise UsageError(f"model {self.name!r} has no flow between these; use the path slerp")

    def _walk_on(self, way: ConditionedWay, timing: str) -> Walk | None:
        """Return the walk of equal perceived change through a conditional flow; None if latent.

        Raises:
            UsageError: The codec has no `Perception`.
        """
        if timing != "perceived":
            return None
        if (moves := self.moves) is None:
            raise UsageError(f"model {self.name!r} has only the timing latent on its flow")

        def decode(rows: Tensor) -> Tensor:
            codes, conditions = way.split(rows)
            return self.decode_to_examples(codes, condition=conditions)

        def encode(examples: Tensor) -> Tensor:
            return way.unconditioned(self.posterior_of(examples, refine=False).mean)

        return replace(moves, decode=decode, encode=encode).walk

    def _measured_by(self, timing: str, detours: bool) -> dict[str, Any]:
        """Return the arguments of `vaecore.paths.interpolate` that set the timing."""
        if timing == "latent":
            return {}
        if (moves := self.moves) is None:
            return {"change": self.change}
        return {"walk": replace(moves, detours=detours).walk}

    def _blended(self, contexts: Sequence[Any], weights: Tensor) -> list[Any]:
        if any(context is None for context in contexts):
            return [None] * len(weights)
        return [self.codec.blend(contexts, row) for row in weights.tolist()]
