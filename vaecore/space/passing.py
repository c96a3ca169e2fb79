"""Transitions between pieces as they play: each round is blended at its own place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vaecore.codec import Item
from vaecore.paths import along, interpolation_weights
from vaecore.space.blending import Blending
from vaecore.space.coding import contexts_of, stacked

STEPS = 8
"""Approximate number of further steps that are computed with the wanted ones on a path, since steps
are evenly spaced relative to each other."""


class Passing(Blending[Item]):
    """The part of a latent space that blends pieces of many windows; see `LatentSpace`."""

    def pass_through(
        self,
        rounds: Sequence[Sequence[Any]],
        path: str | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        timing: str | None = None,
    ) -> list[Item]:
        """Return one blend for each round, from the first piece to the last.

        Round k of n gives step k of an interpolation of its items in n steps (nearly, if n is above
        nine): the first round its first item, the last round its last.

        Args:
            rounds: The windows of the pieces side by side: the same number of items, two or more,
                in each round.
            path: See `interpolate`.
            temperature: See `decode`; result i depends on the seed and i alone.
            seed: See `decode`.
            timing: See `interpolate`.

        Raises:
            UsageError: There is no such path between these items.
            ValueError: A path or timing is unknown.
            DataError: An item cannot be used.
        """
        if not rounds:
            return []
        _, timing = self.path_and_timing(path, timing)
        every = [[self._example(item) for item in items] for items in rounds]
        steps, alike = max(len(rounds), 2), dict[tuple[int, bytes], list[int]]()
        pairs, contexts = [], []
        weights = interpolation_weights(len(rounds[0]), steps)[: len(rounds)]
        for k, examples in enumerate(every):
            part = _part(len(examples), steps, k)
            pairs.append(stacked(examples[part : part + 2]))
            contexts += self._blended(contexts_of(examples), weights[k : k + 1])
            alike.setdefault((part, pairs[k].numpy().tobytes()), []).append(k)
        codes = torch.empty(len(rounds), self.latent_dim)
        conditions: list[Tensor | None] = [None] * len(rounds)
        # Music repeats: rounds with the same ends share a path.
        for (part, _), members in alike.items():
            shares, own = _shares(len(rounds[0]), steps, part, members)
            z, asked = self._on_way(pairs[members[0]], shares, own, path, timing)
            codes[members] = z
            for k, condition in zip(members, asked, strict=True):
                conditions[k] = condition
        made = self.decode_to_examples(codes, temperature, seed, _together(conditions))
        for k, pair in enumerate(pairs):
            made[k : k + 1] = self.mended(pair, weights[k : k + 1], made[k : k + 1])
        return self._items(made, contexts)

    def _on_way(
        self, x: Tensor, shares: Tensor, own: list[int], path: str | None, timing: str
    ) -> tuple[Tensor, Sequence[Tensor | None]]:
        """Return codes on the path between two examples, and their conditions (or None).

        Args:
            x: The two examples, `(2, ...)`.
            shares: See `vaecore.paths.along`.
            own: Indices of the wanted shares.
            path: See `interpolate`.
            timing: See `interpolate`.
        """
        z = self.posterior_of(x).mean
        if set(shares[own].tolist()) <= {0, 1}:
            return z[shares[own].long()], [None] * len(own)
        chosen, flow = self._chosen(path, x)
        if flow is None:
            measured = self._measured_by(timing, detours=path is None)
            found = along(z[0], z[1], shares.to(z), self._way(chosen), **measured)
            return found[own], [None] * len(own)
        way, condition = flow
        a, b = way.rows(z, condition)
        walk = self._walk_on(way, timing)
        found, asked = way.split(along(a, b, shares.to(z), way.between, walk=walk))
        return found[own], list(asked[own])


def _part(n: int, steps: int, step: int) -> int:
    """Return the segment, from 0, of a path through n items on which one of its steps lies."""
    return min(step * (n - 1) // (steps - 1), n - 2)


def _shares(n: int, steps: int, part: int, some: Sequence[int]) -> tuple[Tensor, list[int]]:
    """Return the shares at which some steps of a path through n items lie on a segment of it.

    Returns:
        Shares of the segment in 0..1, ascending: those of the steps, of both ends, and of about
        `STEPS` others; and the indices of the steps among them.
    """
    whole = steps - 1
    places = [k * (n - 1) - part * whole for k in range(steps)]  # from 0 to `whole` in this part
    inside = [place for place in places if 0 <= place <= whole]
    apart = -(-(len(inside) - 1) // STEPS) or 1
    first = inside.index(places[some[0]]) % apart
    taken = sorted({0, *inside[first::apart], *(places[k] for k in some), whole})
    return torch.tensor(taken) / whole, [taken.index(places[k]) for k in some]


def _together(conditions: Sequence[Tensor | None]) -> Tensor | None:
    """Return conditions stacked, with zeros for None; None if all are None."""
    known = [each for each in conditions if each is not None]
    if not known:
        return None
    none = torch.zeros_like(known[0])
    return torch.stack([none if each is None else each for each in conditions])
