"""Priors, from which codes are drawn: N(0, I), or distributions fitted to codes of examples.

base       Prior, the interface of all of them
normal     N(0, I)
mixture    a Gaussian mixture
flow       a continuous flow, invertible, and conditional where its codes have conditions
velocity   the network of the flow
fitting    fits a mixture or a flow to the codes of examples
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vaecore.folder import Fits
from vaecore.priors.base import Prior
from vaecore.priors.fitting import fit_flow, fit_prior
from vaecore.priors.flow import Flow
from vaecore.priors.mixture import GaussianMixture
from vaecore.priors.normal import StandardNormal
from vaecore.tensor_header import Declared

__all__ = [
    "Flow",
    "GaussianMixture",
    "Prior",
    "StandardNormal",
    "fit_flow",
    "fit_prior",
    "prior_fits",
    "prior_from_state",
]

STORED: dict[str, type[Prior]] = {kind.kind: kind for kind in (GaussianMixture, Flow)}
"""The priors that a model folder may hold, by kind."""
MOST_COMPONENTS = 4096
"""Largest number of components of a mixture in a file."""


def prior_from_state(kind: str, state: Mapping[str, Tensor]) -> Prior:
    """Return the prior of stored tensors.

    Args:
        kind: "mixture" or "flow", from `config.json`; "" (in older folders) tries both.
        state: From `Prior.state`.

    Raises:
        ValueError: The kind is unknown, or the tensors do not fit it.
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


def prior_fits(kind: str, latent_dim: int) -> Fits:
    """Return the check that a file holds a prior of a kind ("" for any) and size."""

    def problem(declared: Mapping[str, Declared]) -> str | None:
        if kind == "mixture" or (not kind and "means" in declared):
            means = declared.get("means")
            if means is None or len(means.shape) != 2 or means.shape[0] > MOST_COMPONENTS:
                return f"holds no mixture of at most {MOST_COMPONENTS:,} components"
            found = means.shape[1]
        else:
            try:
                found, *_ = Flow.declared(declared)
            except ValueError as error:
                return f"holds neither mixture nor flow: {error}"
        if found != latent_dim:
            return f"has {found} dimensions, the model has {latent_dim}"
        return None

    return problem
