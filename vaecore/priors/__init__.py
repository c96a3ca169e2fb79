"""What codes are drawn from: N(0, I), or what is fitted to the codes of real examples.

base       Prior, what all of them can do
normal     N(0, I)
mixture    a Gaussian mixture
flow       a continuous flow, invertible, and conditional where its codes have conditions
velocity   the network of the flow
fitting    fits a mixture or a flow to the codes of examples
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vaecore.priors.base import Prior
from vaecore.priors.fitting import fit_flow, fit_prior
from vaecore.priors.flow import Flow
from vaecore.priors.mixture import GaussianMixture
from vaecore.priors.normal import StandardNormal

__all__ = [
    "Flow",
    "GaussianMixture",
    "Prior",
    "StandardNormal",
    "fit_flow",
    "fit_prior",
    "prior_from_state",
]

STORED: dict[str, type[Prior]] = {kind.kind: kind for kind in (GaussianMixture, Flow)}
"""The priors that a model folder may hold, by kind."""


def prior_from_state(kind: str, state: Mapping[str, Tensor]) -> Prior:
    """Return the prior whose `state` this is.

    Args:
        kind: "mixture" or "flow", as `config.json` names it; "" of a folder written before it did,
            whose tensors are tried on both.
        state: From `Prior.state`.

    Raises:
        ValueError: The kind is unknown, or the tensors are not of it.
    """
    if kind in STORED:
        return STORED[kind].from_state(state)
    if kind:
        raise ValueError(f"unknown kind of prior {kind!r}; known are {', '.join(STORED)}")
    problems = []
    for each in STORED.values():
        try:
            return each.from_state(state)
        except ValueError as error:
            problems.append(f"no {each.kind}: {error}")
    raise ValueError("; ".join(problems))
