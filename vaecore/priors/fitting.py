"""Fitting a prior to the codes of real examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from vaecore.device import autocast
from vaecore.distributions import DiagonalGaussian
from vaecore.priors.base import Prior
from vaecore.priors.flow import Flow, Velocity
from vaecore.priors.mixture import GaussianMixture
from vaecore.seeds import check_seed
from vaecore.training.small import SmallLoop, cosine, ramped_decay

CONDITIONS = 8192
"""Largest number of training conditions that a flow keeps to draw from."""
WARMUP = 200
"""Steps over which the learning rate of a flow rises."""
REPORTED = 500
"""Steps between two reports of progress."""
WEAK = 0.2
"""Share of the training after which a flow is the weak one that guides."""
GUIDED = 0.3, 0.7
"""Times, from noise (0) to codes (1), between which the velocity is guided."""
DISTILLED = 0.2
"""Share of the training in which the guided velocity is learned."""
DISTILLING_RATE = 0.3
"""Learning rate of that part, relative to the rest."""

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
    guidance: float = 0.0,
    condition: Tensor | None = None,
    seed: int = 0,
    progress: Progress = lambda step, loss: None,
    device: torch.device | str = "cpu",
) -> Flow:
    """Fit a flow to an aggregate posterior.

    The learning rate falls on a cosine to 1 % over `steps`, or over `minutes` if given; the weights
    are averaged. With `guidance`, the last part of the budget is spent on learning the guided
    velocity.

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
        guidance: At least 0; see `guided`.
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
        weak: list[Flow] = []

        def train(network: Flow, share: float, rate: float, teacher: Velocity | None) -> Flow:
            """Return the average of the weights in a training with a share of the budget."""

            def loss(step: int) -> Tensor:
                rows = torch.randint(0, len(posterior), (batch_size,))
                held = None if condition is None else condition[rows].to(device)
                return network.loss(posterior[rows].to(device), spread, held, teacher)

            loop = SmallLoop(
                network,
                torch.optim.AdamW(network.parameters(), rate, weight_decay=0.01, fused=True),
                lambda done, step: rate * cosine(done, 0.01) * min(1.0, (step + 1) / WARMUP),
                steps=max(1, round(share * budget)) if minutes is None else None,
                minutes=None if minutes is None else share * minutes,
                decay=ramped_decay(0.998),
                clip=1.0,
                device=device,
            )
            for step in loop.run(loss):
                if guidance and not weak and loop.done * share >= WEAK:
                    weak.append(deepcopy(loop.average))
                if step % REPORTED == 0:
                    progress(step, loop.loss)
            return loop.average

        if not guidance:
            return train(flow, 1.0, learning_rate, None).cpu().eval()
        flow = train(flow, 1 - DISTILLED, learning_rate, None)
        teacher = guided(deepcopy(flow), weak[0], guidance)
        return train(flow, DISTILLED, DISTILLING_RATE * learning_rate, teacher).cpu().eval()


def guided(flow: Flow, weak: Flow, guidance: float) -> Velocity:
    """Return a flow's velocity, guided by that of a weaker flow.

    A flow that was trained for a shorter time is wrong in the same places, but more so. Away from
    it, draws come nearer to the codes of examples (Karras et al., Guiding a diffusion model with a
    bad version of itself, 2024). In the middle of the way this does most good, and draws vary less
    if it is done at the beginning (Kynkäänniemi et al., Applying guidance in a limited interval,
    2024).

    Args:
        flow: The better flow.
        weak: The weaker one, over the same coordinates.
        guidance: How much of the difference of the two velocities is added, at times in `GUIDED`.
    """

    @torch.no_grad()
    def velocity(point: Tensor, time: Tensor, condition: Tensor | None) -> Tensor:
        with autocast(point.device):
            better, worse = (each.network(point, time, condition) for each in (flow, weak))
        share = guidance * ((time >= GUIDED[0]) & (time <= GUIDED[1])).float()
        found: Tensor = better.float() + share[:, None] * (better.float() - worse.float())
        return found

    return velocity
