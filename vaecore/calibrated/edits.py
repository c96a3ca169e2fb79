"""Edits: an evolutionary search for codes whose decoded properties have the wanted values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vaecore.calibrated.even import Measured
from vaecore.calibrated.variations import Draw
from vaecore.seeds import seeded

GENERATIONS, PARENTS, CHILDREN = 4, 8, 64
"""Rounds of the search, codes kept after each, and codes tried in each."""
DIFFERENCE_COST, DISTANCE_COST, FAULT_COST = 0.3, 0.1, 0.1
"""Costs of changing every event, of a step as long as the code, and of a fault; a miss of one
standard deviation costs 1."""
STILL_COST = 0.1
"""Cost of a property that does not change in the wanted direction: between one note more and none
more, which may miss the aim equally, the note is added."""
STILL = 1e-6
"""Changes below this number of standard deviations count as none."""
MISSED, MISSED_COST = 0.25, 0.3
"""Largest accepted miss, in standard deviations, and the cost of a larger one. Without it a miss
would be chosen where the aim changes every event, as a transposition does."""
SPREADS = (0.1, 0.2, 0.4, 0.7)
"""Standard deviations of the noise around the code in the first round."""
UNDEFINED = 1e3
"""Cost of an undefined property, and of an example without events."""

Measure = Callable[[str, Tensor], Tensor]
"""Maps an attribute's name and examples `(n, ...)` to its property in standard deviations of the
data, `(n,)`; NaN if it is undefined."""


@dataclass(frozen=True)
class Steered:
    """The outcome of an edit.

    Attributes:
        z: The code, `(latent_dim,)`.
        asked: The change that was asked for, by name, in standard deviations of the data.
        reached: The change of the decoded example, by name; empty if it was not measured.
    """

    z: Tensor
    asked: Mapping[str, float]
    reached: Mapping[str, float]

    def missed(self, most: float = MISSED) -> list[str]:
        """Return the names that missed their aim.

        Args:
            most: Largest miss that is accepted, in standard deviations; a property that did not
                change in the wanted direction missed in any case.
        """
        still = self.unmoved()
        return [n for n, w in self.reached.items() if n in still or abs(self.asked[n] - w) > most]

    def unmoved(self) -> list[str]:
        """Return the names of properties that did not change in the wanted direction."""
        asked = self.asked
        return [n for n, w in self.reached.items() if asked[n] and not w * asked[n] > STILL]


@dataclass
class _Request:
    """A wanted change and the best codes for it so far."""

    asked: Mapping[str, float]
    vector: Tensor  # the sum of the attribute vectors
    loss: Tensor
    codes: Tensor
    reached: Tensor  # (codes, names)

    def take(self, loss: Tensor, codes: Tensor, reached: Tensor) -> None:
        """Add codes that were tried, and keep the best `PARENTS` of all."""
        loss, codes = torch.cat([self.loss, loss]), torch.cat([self.codes, codes])
        reached = torch.cat([self.reached, reached])
        best = loss.argsort(stable=True)[:PARENTS]
        self.loss, self.codes, self.reached = loss[best], codes[best], reached[best]


def steer(
    z: Tensor,
    asked: Sequence[Mapping[str, float]],
    vectors: Mapping[str, Tensor],
    measured: Measure,
    draw: Draw,
    starts: Tensor,
    model: Measured,
    seed: int = 0,
) -> list[Steered]:
    """Return codes near z whose decoded properties have changed as asked: one for each request.

    The search begins along the attribute vectors, in both directions, and around z. It goes on from
    the best codes: along the vectors, sideways, towards the prior and back towards z. Codes are
    judged by decoding: properties should have the wanted values, and all else should stay.

    Args:
        z: `(latent_dim,)`.
        asked: Changes by name, in standard deviations of the data; at least one in each.
        vectors: Attribute vectors by name, `(latent_dim,)`.
        measured: Measures a property of examples.
        draw: Draws codes from the prior.
        starts: Further codes to begin with, `(k, latent_dim)`.
        model: The model.
        seed: Seed of the search.
    """
    perception, effort = model.perception, model.perception.effort
    count = round(CHILDREN * effort)
    generator = seeded(seed)
    own = model.decode(z[None])
    names = sorted({name for each in asked for name in each})
    before = {name: measured(name, own)[0] for name in names}
    requests = [
        _Request(
            each,
            torch.stack([vectors[name] for name in each]).sum(0),
            z.new_empty(0),
            z.new_empty(0, len(z)),
            z.new_empty(0, len(each)),
        )
        for each in asked
    ]
    along = torch.linspace(-4, 4, 2 * round(16 * effort) + 1)[:, None]
    lines = [
        z + along * torch.stack([vectors[n] * (1 if w > 0 else -1) for n, w in each.items()]).sum(0)
        for each in asked
    ]
    around = [z + s * torch.randn(round(16 * effort), len(z), generator=generator) for s in SPREADS]
    prior = draw(round(32 * effort), seed)
    drawn = [(1 - a**2) ** 0.5 * z + a * prior for a in (0.25, 0.5)]
    nearer = [torch.lerp(z, starts, 0.6)] if effort == 1 else []
    tried = [torch.cat([z[None], *lines, *around, *drawn, starts, *nearer])]
    size = z.square().sum().clamp(min=1e-6)
    for generation in range(GENERATIONS + 1):
        many = torch.cat(tried)
        x = model.decode(many)
        moved = {name: (measured(name, x) - before[name]).to(z) for name in names}
        other = perception.difference(x, own.expand_as(x)).to(z).nan_to_num()
        worse = (perception.faults(x) - perception.faults(own)).clamp(0, 2).to(z)
        far = (many - z).square().sum(1) / size
        rest = DIFFERENCE_COST * other + DISTANCE_COST * far + FAULT_COST * worse
        rest += UNDEFINED * (perception.count(x) == 0).to(z)
        for k, request in enumerate(requests):
            # All requests share the codes of the first round; later each has its own.
            rows = slice(k * count, (k + 1) * count) if generation else slice(None)
            reached = torch.stack([moved[name][rows] for name in request.asked], 1)
            aims = torch.tensor(list(request.asked.values())).to(z)
            still = (reached * aims.sign() <= STILL) & (aims != 0)
            off = (reached - aims).abs()
            costs = off + STILL_COST * still + MISSED_COST * (off > MISSED)
            miss = costs.sum(1).nan_to_num(nan=UNDEFINED)
            request.take(miss + rest[rows], many[rows], reached)
        if generation < GENERATIONS:
            tried = [_children(count, z, each, prior, generator) for each in requests]
    return [
        Steered(r.codes[0], dict(r.asked), dict(zip(r.asked, r.reached[0].tolist(), strict=True)))
        for r in requests
    ]


def _children(
    count: int, z: Tensor, request: _Request, prior: Tensor, generator: torch.Generator
) -> Tensor:
    """Return codes near those that were kept, `(count, latent_dim)`."""
    parents = request.codes
    chance = torch.rand(count, generator=generator)
    base = parents[(chance.square() * len(parents)).long().clamp(max=len(parents) - 1)]
    noise = torch.randn(count, len(z), generator=generator)
    spread = 0.3 * torch.rand(count, 1, generator=generator)
    push = torch.randn(count, 1, generator=generator)
    back = torch.rand(count, 1, generator=generator)
    mates = parents[torch.randint(len(parents), (count,), generator=generator)]
    others = prior[torch.randint(len(prior), (count,), generator=generator)]
    along = base + 0.5 * push * request.vector
    home = torch.lerp(base, torch.lerp(z, mates, 1.2), 0.6 * back)
    away = torch.lerp(base, others, 0.3 * back)
    quarter, eighth = count // 4, count // 8
    return torch.cat(
        [
            along[:quarter],
            home[quarter : 2 * quarter],
            away[2 * quarter : 2 * quarter + eighth],
            (base + spread * noise)[2 * quarter + eighth :],
        ]
    )
