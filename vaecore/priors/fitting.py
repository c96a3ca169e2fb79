"""Fitting a prior to the codes of real examples."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vaecore.distributions import DiagonalGaussian
from vaecore.priors.base import Prior
from vaecore.priors.flow import Flow
from vaecore.priors.mixture import GaussianMixture

CONDITIONS = 8192
"""So many conditions are kept to draw from."""


def fit_prior(posterior: DiagonalGaussian, flow: Mapping[str, Any], components: int = 20) -> Prior:
    """Return a prior fitted to the codes of training examples.

    Args:
        posterior: Their posteriors.
        flow: Arguments of `fit_flow`; a mixture, of one sample of each posterior, without them.
        components: Of the mixture, at most the number of examples.
    """
    if flow:
        return fit_flow(posterior, **flow)
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
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> Flow:
    """Fit a flow to an aggregate posterior.

    The learning rate falls on a cosine over `steps`, or over `minutes` where these are given; the
    weights are averaged.

    Args:
        posterior: Posteriors of real items `(n, latent_dim)`.
        steps: Optimiser steps.
        epochs: Fewer steps are taken where they would show every code more often than this: a flow
            that has seen a few codes too often makes nothing else.
        minutes: Wall-clock budget that takes the place of `steps` and `epochs`.
        batch_size: Codes per step.
        learning_rate: Of AdamW, at first.
        width: Units of a layer.
        blocks: Residual blocks.
        groups: See `Flow`.
        basis: See `Flow`. It is scaled so that all coordinates of the means have variance 1.
        spread: Multiplies the standard deviations of the posteriors that are sampled: below 1,
            codes are nearer to those that examples are encoded to.
        condition: Of every example, `(n, groups, groups)`; see `Flow`. `CONDITIONS` of them are
            kept.
        seed: Of weights, batches and noise.
        progress: Called with the number of steps and the loss now and then.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        center = posterior.mean.mean(0)
        if basis is not None:
            basis = basis / ((posterior.mean - center) @ basis).std(0)
        kept = None
        if condition is not None:
            rows = torch.linspace(0, len(condition) - 1, min(CONDITIONS, len(condition))).long()
            # As small as they can be stored: mostly there are few relations.
            kept = condition[rows]
            kept = kept.to(torch.uint8) if int(kept.max()) < 256 else kept.int()
        flow = Flow(posterior.mean.shape[1], width, blocks, groups, basis, center, kept)
        parameters = list(flow.parameters())
        average = [parameter.detach().clone() for parameter in parameters]
        optimizer = torch.optim.AdamW(parameters, learning_rate, weight_decay=0.01, fused=True)
        batch_size = min(batch_size, len(posterior))
        steps = min(steps, max(1, epochs * len(posterior) // batch_size))
        began, step, done, running = time.monotonic(), 0, 0.0, 0.0
        while done < 1:
            rate = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * rate * min(1.0, (step + 1) / 200)
            chosen = torch.randint(0, len(posterior), (batch_size,))
            told = None if condition is None else condition[chosen]
            loss = flow.loss(posterior[chosen], spread, told)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            step += 1
            decay = min(0.998, (1 + step) / (10 + step))
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - decay)
            value = float(loss.detach())
            running = value if step == 1 else 0.99 * running + 0.01 * value
            elapsed = (time.monotonic() - began) / 60
            done = step / steps if minutes is None else elapsed / minutes
            if step % 500 == 0:
                progress(step, running)
        with torch.no_grad():
            for parameter, mean in zip(parameters, average, strict=True):
                parameter.copy_(mean)
    return flow.eval()
