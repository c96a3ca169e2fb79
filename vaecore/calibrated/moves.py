"""The calibrated moves of one model: even steps, variations and edits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vaecore.calibrated.detours import around_thin_places
from vaecore.calibrated.edits import Steered, steer
from vaecore.calibrated.even import Measured, even_codes
from vaecore.calibrated.variations import Draw, vary
from vaecore.seeds import following

VARIANTS = 160
"""Largest number of examples made by rules from which the search for an edit starts."""


@dataclass(frozen=True)
class Moves(Measured):
    """The calibrated moves of a model.

    Attributes:
        draw: Maps a number and a seed to codes of the prior.
        detours: Whether paths may make detours, if the perception `mixes`; see
            `around_thin_places`.
    """

    draw: Draw
    detours: bool = False

    def walk(self, wanted: Tensor, way: Callable[[Tensor], Tensor]) -> Tensor:
        """Return codes `(m, latent_dim)` of even steps on a path; see `even_codes`."""
        codes = even_codes(wanted, way, self)
        if not (self.detours and self.perception.mixes):
            return codes
        plain = replace(self, detours=False).walk
        return around_thin_places(wanted, codes, self, plain)

    def vary(self, z: Tensor, n: int, amount: float, seed: int) -> Tensor:
        """Return n variations of a code `(latent_dim,)`; see `variations.vary`."""
        return vary(z, n, amount, self._rounds(seed), self)

    def can_steer(self, names: Sequence[str], deviations: Mapping[str, float], x: Tensor) -> bool:
        """Return whether all these attributes can be measured and have a standard deviation."""
        return all(
            deviations.get(name) and self.perception.measured(name, x) is not None for name in names
        )

    def steer(
        self,
        z: Tensor,
        asked: Sequence[Mapping[str, float]],
        vectors: Mapping[str, Tensor],
        deviations: Mapping[str, float],
    ) -> list[Steered]:
        """Return the edits of a code `(latent_dim,)`; see `edits.steer`.

        Args:
            z: The code.
            asked: Changes by name, in standard deviations of the data; `can_steer` must be true.
            vectors: Attribute vectors by name.
            deviations: Standard deviations of the properties in the data, by name.
        """
        own = self.decode(z[None])
        near = self.perception.variants(own[0])
        most = round(VARIANTS * self.perception.effort)
        if len(near) > most:
            near = near[torch.linspace(0, len(near) - 1, most).long()]

        def measured(name: str, x: Tensor) -> Tensor:
            value = self.perception.measured(name, x)
            assert value is not None  # `can_steer` has checked it
            return value / deviations[name]

        def bounded(name: str, change: float) -> float:
            """Return a change; a negative one leads to the neutral value at most.

            If that is more than 1 away, -1 leads to it, and less covers the same share of the way.
            """
            neutral = self.perception.neutral(name)
            if neutral is None or change > 0:
                return change
            way = float(measured(name, own)[0]) - neutral / deviations[name]
            if math.isnan(way):
                return change
            way = max(0.0, way)
            return -way * min(1.0, -change / min(1.0, way)) if way else 0.0

        aims = [{name: bounded(name, change) for name, change in each.items()} for each in asked]
        starts, draw = self.encode(near), self._rounds(0)
        found = steer(z, aims, vectors, measured, draw, starts, self)
        # Stopping at the neutral value short of the request is reported as a miss.
        wanted = [
            {name: max(change, aim[name], key=abs) for name, change in each.items()}
            for each, aim in zip(asked, aims, strict=True)
        ]
        return [replace(each, asked=a) for each, a in zip(found, wanted, strict=True)]

    def _rounds(self, seed: int) -> Draw:
        """Return a function that draws codes from the prior, new ones in each round."""
        return lambda n, number: self.draw(n, following(seed, 7919 * number))
