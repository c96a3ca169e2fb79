"""Codes refined after encoding, by a few gradient steps through the decoder.

One encoder approximates the posteriors of all examples (amortised inference). A few steps up the
gradient of the objective improve the code of one example. Kim et al., "Semi-Amortized Variational
Autoencoders" (2018), use such steps in training; here they are taken afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaecore.distributions import DiagonalGaussian

if TYPE_CHECKING:
    from vaecore.model import VAE

RATE = 0.3
"""Default learning rate. 1 would reach the optimum in one step if the objective were quadratic,
with the posterior's variances."""
MOMENTUM = 0.6


def refined(
    model: VAE, x: Tensor, posterior: DiagonalGaussian, steps: int | None = None
) -> DiagonalGaussian:
    """Return posteriors with refined means and the same standard deviations.

    A mean z follows the gradient of log p(x|z) - beta |z|^2 / 2, scaled by the posterior's
    variances (a natural gradient), with momentum. Beta is the objective's final one; some models
    replace log p(x|z), see `VAE.closeness`. The best z on the way is kept, the start included, so
    that no code gets worse by this measure. Rows are refined one by one, so that the result does
    not depend on the batch.

    Args:
        model: In evaluation mode, on the device of the tensors.
        x: Examples `(batch, ...)`.
        posterior: Their posteriors by the encoder.
        steps: Number of steps; None takes `model.refinement`. 0 changes nothing.
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
