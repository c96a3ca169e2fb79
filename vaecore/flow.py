"""A continuous flow from N(0, I) to the aggregate posterior: a prior that knows what codes are.

A VAE that keeps much of its examples has codes whose every dimension is about N(0, 1), yet which
depend on each other in ways that neither N(0, I) nor a few Gaussians can say; codes drawn from
these decode to ghosts. A small network learns the velocity that carries noise to codes along
straight lines (Lipman et al., Flow matching for generative modeling, 2023; Liu et al., Flow
straight and fast, 2023), on the codes alone, when the VAE is done: a second stage (Dai & Wipf,
Diagnosing and enhancing VAE models, 2019).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaecore.device import fast_bfloat16
from vaecore.distributions import DiagonalGaussian

FREQUENCIES = 32
LARGEST_FREQUENCY = 200.0
LARGEST = {"width": 1 << 13, "blocks": 64}
"""A file that asks for more is broken or hostile."""


class _Block(nn.Module):
    """A residual block that time scales and shifts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time = nn.Linear(2 * FREQUENCIES, 2 * width)
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time(time).chunk(2, dim=-1)
        h = F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift
        return x + self.outer(F.silu(self.inner(h)))


class Flow(nn.Module):
    """The flow from N(0, I), at time 0, to codes, at time 1.

    A sampler like those in `vaecore.samplers`, without a density.

    Args:
        latent_dim: Number of latent dimensions.
        width: Units of a layer.
        blocks: Residual blocks of two layers.

    Raises:
        ValueError: A size is out of range.
    """

    def __init__(self, latent_dim: int, width: int = 640, blocks: int = 3) -> None:
        super().__init__()
        self.kind = "flow"
        for name, value in (("width", width), ("blocks", blocks)):
            if not 1 <= value <= LARGEST[name]:
                raise ValueError(f"{name} must be in 1..{LARGEST[name]}, got {value}")
        self.latent_dim = latent_dim
        self.first = nn.Linear(latent_dim, width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.last = nn.Linear(width, latent_dim)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Return velocities `(batch, latent_dim)`.

        Args:
            x: Points `(batch, latent_dim)`.
            time: `(batch,)` in 0..1.
        """
        grid = torch.linspace(0, math.log(LARGEST_FREQUENCY), FREQUENCIES, device=x.device).exp()
        angles = time[:, None] * grid
        embedded = torch.cat([angles.sin(), angles.cos()], dim=1)
        h = self.first(x)
        for block in self.blocks:
            h = block(h, embedded)
        return self.last(h)

    def loss(self, posterior: DiagonalGaussian) -> Tensor:
        """Return the mean squared error of the velocity, per dimension, at random times.

        Args:
            posterior: Of examples; the target is a sample of each.
        """
        target = posterior.sample()
        noise = torch.randn_like(target)
        # Logit-normal times: both ends are easy (Esser et al., Scaling rectified flow, 2024).
        time = torch.randn(len(target), device=target.device).sigmoid()
        point = torch.lerp(noise, target, time[:, None])
        return (self(point, time).float() - (target - noise)).square().mean()

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        steps: int = 40,
    ) -> Tensor:
        """Return n codes, `(n, latent_dim)`.

        Args:
            n: How many.
            generator: Source of the noise; the way from noise to code is deterministic.
            temperature: Multiplies the noise; see `vaecore.samplers.Sampler`.
            steps: Of Heun's method, two evaluations each.
        """
        x = temperature * torch.randn(n, self.latent_dim, generator=generator)
        for index in range(steps):
            begin, end = (torch.full((n,), (index + offset) / steps) for offset in (0, 1))
            velocity = self(x, begin)
            x = x + (velocity + self(x + velocity / steps, end)) / (2 * steps)
        return x

    def state(self) -> dict[str, Tensor]:
        """Return the weights, for safetensors and `from_state`."""
        return {name: tensor.detach().contiguous() for name, tensor in self.state_dict().items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Flow:
        """Return the flow that `state` describes.

        Raises:
            ValueError: A tensor is missing, unknown or misshapen.
        """
        if "first.weight" not in state or state["first.weight"].ndim != 2:
            raise ValueError("needs a matrix first.weight")
        width, latent_dim = state["first.weight"].shape
        flow = cls(latent_dim, width, sum(name.endswith(".inner.bias") for name in state))
        try:
            flow.load_state_dict(dict(state))
        except RuntimeError as error:
            reason = str(error).split("\n")[1].strip() if "\n" in str(error) else str(error)
            raise ValueError(reason) from error
        return flow.eval()

    @classmethod
    def fit(
        cls,
        posterior: DiagonalGaussian,
        *,
        steps: int = 20_000,
        epochs: int = 200,
        minutes: float | None = None,
        batch_size: int = 512,
        learning_rate: float = 1e-3,
        width: int = 640,
        blocks: int = 3,
        seed: int = 0,
        progress: Callable[[int, float], None] = lambda step, loss: None,
    ) -> Flow:
        """Fit a flow to an aggregate posterior.

        The learning rate falls on a cosine over `steps`, or over `minutes` where these are given;
        the weights are averaged.

        Args:
            posterior: Posteriors of real items `(n, latent_dim)`.
            steps: Optimiser steps.
            epochs: Fewer steps are taken where they would show every code more often than this:
                a flow that has seen a few codes too often makes nothing else.
            minutes: Wall-clock budget that takes the place of `steps` and `epochs`.
            batch_size: Codes per step.
            learning_rate: Of AdamW, at first.
            width: Units of a layer.
            blocks: Residual blocks.
            seed: Of weights, batches and noise.
            progress: Called with the number of steps and the loss now and then.
        """
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            flow = cls(posterior.mean.shape[1], width, blocks)
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
                with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16()):
                    loss = flow.loss(posterior[chosen])
                optimizer.zero_grad()
                loss.backward()
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
