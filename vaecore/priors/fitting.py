"""Fitting a prior to the codes of real examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vaecore.distributions import DiagonalGaussian
from vaecore.priors.base import Prior
from vaecore.priors.flow import Flow
from vaecore.priors.mixture import GaussianMixture
from vaecore.seeds import check_seed
from vaecore.training.small import SmallLoop, cosine, ramped_decay

CONDITIONS = 8192
"""Largest number of training conditions that a flow keeps to draw from."""
WARMUP = 200
"""Steps over which the learning rate of a flow rises."""
REPORTED = 500
"""Steps between two reports of progress."""

Progress = Callable[[int, float], None]
"""Called with the number of steps and the loss."""


def fit_prior(
    posterior: DiagonalGaussian,
    flow: Mapping[str, Any],
    components: int = 20,
    progress: Progress = lambda step, loss: None,
    device: torch.device | str = "cpu",
) -> Prior:
    """Return a prior fitted to the codes of training examples.

    Args:
        posterior: Their posteriors `(n, latent_dim)`.
        flow: Arguments of `fit_flow`; if empty, a mixture is fitted to a sample of each posterior.
        components: Number of components of the mixture, reduced to n if larger.
        progress: As for `fit_flow`.
        device: As for `fit_flow`.
    """
    if flow:
        return fit_flow(posterior, **flow, progress=progress, device=device)
    codes = posterior.sample(torch.Generator().manual_seed(0))
    return GaussianMixture.fit(codes, min(components, len(codes)), covariance="full")


def fit_flow(
    posterior: DiagonalGaussian,
    *,
    steps: int = 20_000,
    epochs: int = 200,
    minutes: float | None = None,
    batch_size: int = 512,
    learning_rate: float = 1e-3,
    width: int = 640,
    blocks: int = 3,
    groups: int = 1,
    basis: Tensor | None = None,
    spread: float = 1.0,
    condition: Tensor | None = None,
    seed: int = 0,
    progress: Progress = lambda step, loss: None,
    device: torch.device | str = "cpu",
) -> Flow:
    """Fit a flow to an aggregate posterior.

    The learning rate falls on a cosine to 1 % over `steps`, or over `minutes` if given; the weights
    are averaged.

    Args:
        posterior: Posteriors of real items `(n, latent_dim)`.
        steps: Number of optimiser steps.
        epochs: Largest number of passes over the codes; limits `steps`, against overfitting.
        minutes: Wall-clock budget, in place of `steps` and `epochs`.
        batch_size: Codes per step.
        learning_rate: Largest learning rate of AdamW.
        width: Units of a layer.
        blocks: Number of residual blocks.
        groups: See `Flow`.
        basis: See `Flow`. It is scaled so that all coordinates of the means have variance 1.
        spread: Factor on the standard deviations of the posteriors that are sampled: below 1,
            codes are nearer to posterior means.
        condition: Condition of every example, `(n, groups, groups)`; see `Flow`.
        seed: Seed of weights, batches and noise.
        progress: Called every `REPORTED` steps with their number and the loss.
        device: Where to compute.
    """
    with torch.random.fork_rng():
        torch.manual_seed(check_seed(seed))
        center = posterior.mean.mean(0)
        if basis is not None:
            basis = basis / ((posterior.mean - center) @ basis).std(0)
        kept = None
        if condition is not None:
            rows = torch.linspace(0, len(condition) - 1, min(CONDITIONS, len(condition))).long()
            # Stored in bytes where they fit, as they do with up to eight relations.
            kept = condition[rows]
            kept = kept.to(torch.uint8) if int(kept.max()) < 256 else kept.int()
        flow = Flow(posterior.mean.shape[1], width, blocks, groups, basis, center, kept)
        batch_size = min(batch_size, len(posterior))
        budget = min(steps, max(1, epochs * len(posterior) // batch_size))
        loop = SmallLoop(
            flow,
            torch.optim.AdamW(flow.parameters(), learning_rate, weight_decay=0.01, fused=True),
            lambda done, step: learning_rate * cosine(done, 0.01) * min(1.0, (step + 1) / WARMUP),
            steps=budget if minutes is None else None,
            minutes=minutes,
            decay=ramped_decay(0.998),
            clip=1.0,
            device=device,
        )

        def loss(step: int) -> Tensor:
            rows = torch.randint(0, len(posterior), (batch_size,))
            held = None if condition is None else condition[rows].to(device)
            return flow.loss(posterior[rows].to(device), spread, held)

        for step in loop.run(loss):
            if step % REPORTED == 0:
                progress(step, loop.loss)
    return loop.average.cpu().eval()
