"""Even steps: codes on a path with equal change of the decoded examples from step to step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaecore.perception import Perception

GRID = 33
"""Positions on a path that are decoded at first."""
ROUNDS, PARTS, MOST_PLACES = 3, 4, 128
"""Number of times that stretches of much change are divided, number of parts, and largest number of
positions in the end."""
FAULT_COST, COUNT_COST = 1.0, 4.0
"""Costs of a fault, and of no events or twice the expected number; a step of twice the wanted
length costs 1."""
MOST_BETWEEN, DETOUR = 8, 1.3
"""Largest number of parts of a jump, and largest change through an example in between, as a
multiple of the jump."""

Codes = Callable[[Tensor], Tensor]
"""Maps codes `(n, latent_dim)` to examples `(n, ...)`, or back."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A model, with measures of its decoded examples.

    Attributes:
        perception: The measures.
        decode: Maps codes to examples.
        encode: Maps examples to posterior means.
    """

    perception: Perception
    decode: Codes
    encode: Codes


def even_codes(wanted: Tensor, way: Callable[[Tensor], Tensor], model: Measured) -> Tensor:
    """Return codes on a path at which the wanted shares of all its change have passed.

    The path is decoded, more finely where it changes much. Where it still jumps by more than half a
    step, codes of examples in between, made by rules, are inserted if they decode well. Of all
    these codes those are chosen whose steps are nearest to the wanted ones, by the sum of squares.
    No result decodes to the same example as the one before, as long as there are others.

    Args:
        wanted: Shares in 0..1, ascending, `(m,)`; 0 and 1 are the ends themselves.
        way: The path: maps positions `(k,)` in 0..1 to codes `(k, latent_dim)`.
        model: The model.

    Returns:
        `(m, latent_dim)`.
    """
    perception, decode = model.perception, model.decode
    places = torch.linspace(0, 1, GRID, dtype=torch.float64)
    z = way(places.float())
    x = decode(z)
    changes = _numbers(perception.change(x))
    halves = 2 * max(len(wanted) - 1, 1)
    for _ in range(ROUNDS):
        coarse = np.flatnonzero(changes > changes.sum() / halves)
        coarse = coarse[: max(0, (MOST_PLACES - len(places)) // (PARTS - 1))]
        if not len(coarse):
            break
        inner = torch.arange(1, PARTS, dtype=torch.float64) / PARTS
        begin, end = places[coarse, None], places[coarse + 1, None]
        more = (begin + (end - begin) * inner).flatten()
        places, order = torch.cat([places, more]).sort()
        found = way(more.float())
        z, x = torch.cat([z, found])[order], torch.cat([x, decode(found)])[order]
        changes = _numbers(perception.change(x))
    if not 0 < changes.sum() < np.inf:
        return way(wanted)  # without change, every timing is even
    z, x, changes = _bridged(z, x, changes, changes.sum() / halves, model)
    passed = np.concatenate([[0.0], np.cumsum(changes)])
    shares = wanted.double().cpu().numpy()
    inside = (shares > 0) & (shares < 1)
    steps = np.diff(np.concatenate([[0.0], shares[inside], [1.0]])) * passed[-1]
    cost = _costs(x, passed, perception) * steps.mean() ** 2
    codes = way(wanted)
    alike = torch.unique(x.flatten(1), dim=0, return_inverse=True)[1].cpu().numpy()
    codes[torch.from_numpy(inside)] = z[_nearest(passed, steps, cost, alike)].to(codes)
    return codes


def _costs(x: Tensor, passed: Floats, perception: Perception) -> Floats:
    """Return the cost of choosing each example: faults, and numbers of events unlike the ends'."""
    faults = _numbers(perception.faults(x))
    worse = (faults - max(faults[0], faults[-1])).clip(0, 2)
    count = _numbers(perception.count(x))
    usual = np.interp(passed, passed[[0, -1]], count[[0, -1]]).clip(1)
    found: Floats = FAULT_COST * worse + COUNT_COST * (count / usual - 1).clip(-1, 1) ** 2
    return found


def _bridged(
    z: Tensor, x: Tensor, changes: Floats, most: float, model: Measured
) -> tuple[Tensor, Tensor, Floats]:
    """Return codes, examples and changes of a path, with codes inserted into its jumps."""
    perception = model.perception
    codes, rows, places = [z], [x], [torch.arange(len(z), dtype=torch.float64)]
    for jump in np.flatnonzero(changes > most).tolist():
        parts = int(min(MOST_BETWEEN, np.ceil(changes[jump] / most)))
        share = torch.arange(1, parts) / parts
        ends = (x[jump : jump + 1], x[jump + 1 : jump + 2])
        a, b = (end.expand(len(share), *end.shape[1:]) for end in ends)
        found = model.encode(perception.between(a, b, share))
        decoded = model.decode(found)
        good = [
            k
            for k, each in enumerate(decoded)
            if sum(float(perception.change(torch.stack([each, end[0]]))[0]) for end in ends)
            <= DETOUR * changes[jump]
        ]
        codes.append(found[good])
        rows.append(decoded[good])
        places.append(jump + share[good].double())
    order = torch.cat(places).sort(stable=True).indices
    x = torch.cat(rows)[order]
    return torch.cat(codes)[order], x, _numbers(perception.change(x))


def _nearest(
    passed: Floats, steps: Floats, cost: Floats, alike: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Return the indices, without the ends, whose differences are nearest to the wanted steps.

    Minimises the sum of squared deviations and of costs by dynamic programming.

    Args:
        passed: Change from the start to each position.
        steps: Wanted change of each step.
        cost: Cost of choosing each position.
        alike: Numbers of the decoded examples: equal numbers for equal examples. (A path may
            return to an example, so that equal ones need not be neighbours.)
    """
    gap = passed[None, :] - passed[:, None]
    back = np.tri(len(passed), dtype=np.bool_) & ~np.eye(len(passed), dtype=np.bool_)
    # No step leads to an equal example, unless that leaves too few.
    for never in (back | (alike[None, :] == alike[:, None]), back):
        total, came_from = np.where(np.arange(len(passed)) == 0, 0.0, np.inf), []
        for step in steps:
            sums = total[:, None] + np.where(never, np.inf, (gap - step) ** 2 + cost)
            came_from.append(sums.argmin(0))
            total = sums.min(0)
        if np.isfinite(total[-1]):
            break
    at, found = len(passed) - 1, []
    for before in reversed(came_from):
        at = int(before[at])
        found.append(at)
    return np.array(found[-2::-1], np.intp)


def _numbers(x: Tensor) -> Floats:
    return x.detach().double().cpu().numpy()
