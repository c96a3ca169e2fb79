"""Codes refined after encoding, by a few gradient steps through the decoder.

An encoder's posterior is a guess that has to serve all examples (amortised inference). A few steps
up the gradient of the objective serve the one example at hand; Kim et al., "Semi-Amortized
Variational Autoencoders" (2018), train with them, here they are taken afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaecore.distributions import DiagonalGaussian

if TYPE_CHECKING:
    from vaecore.model import VAE

RATE = 0.3
"""Learning rate of most models: 1 would go to the optimum if the objective were quadratic with
the posterior's variances."""
MOMENTUM = 0.6


def refined(
    model: VAE, x: Tensor, posterior: DiagonalGaussian, steps: int | None = None
) -> DiagonalGaussian:
    """Return posteriors whose means are better codes of their examples.

    A mean z goes up the gradient of log p(x|z) - beta |z|^2 / 2, beta being the objective's last
    one, scaled by the posterior's variances (a natural gradient), with momentum; `VAE.closeness`
    says what takes the place of log p(x|z) in some models. Of all places on its way, the first
    among them, the best is taken; so no code gets worse by this measure. Each row is refined by
    itself, so that it does not depend on the others; deviations stay.

    Args:
        model: In evaluation mode, on the device of the others.
        x: Examples `(batch, ...)`.
        posterior: What the encoder made of them.
        steps: How many; those of `model.refinement` by default. 0 changes nothing.

    Returns:
        Posteriors with new means, and the same standard deviations.
    """
    steps = model.refinement if steps is None else steps
    if not steps or not len(x):
        return posterior
    beta = model.objective.beta.final
    rows = zip(x.split(1), posterior.mean.split(1), posterior.stddev.split(1), strict=True)
    means = [_refined(model, beta, steps, *row) for row in rows]
    return DiagonalGaussian(torch.cat(means), posterior.stddev)


def _refined(
    model: VAE, beta: float, steps: int, x: Tensor, mean: Tensor, stddev: Tensor
) -> Tensor:
    """Return the refined code `(1, latent_dim)` of one example."""
    scale = model.refinement_rate * stddev.square() / max(beta, 1e-6)
    z, best = mean, mean
    velocity, most, closeness = torch.zeros_like(z), -torch.inf, model.closeness(x)
    for step in range(steps + 1):
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            value = (closeness(z) - beta * z.square().sum(1) / 2).sum()
        if (reached := value.item()) > most:
            most, best = reached, z
        if step < steps:
            (gradient,) = torch.autograd.grad(value, z)
            velocity = MOMENTUM * velocity + scale * gradient
            z = z + velocity
    return best.detach()
