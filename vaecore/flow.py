"""A continuous flow from N(0, I) to the aggregate posterior: a prior that knows what codes are.

A VAE that keeps much of its examples has codes whose every dimension is about N(0, 1), yet which
depend on each other in ways that neither N(0, I) nor a few Gaussians can say; codes drawn from
these decode to ghosts. A small network learns the velocity that carries noise to codes along
straight lines (Lipman et al., Flow matching for generative modeling, 2023; Liu et al., Flow
straight and fast, 2023), on the codes alone, when the VAE is done: a second stage (Dai & Wipf,
Diagnosing and enhancing VAE models, 2019).

The code of something long says what its parts are, and parts come back: a phrase has few different
bars. Given a basis in which each group of dimensions is a part's, the network attends from part to
part (Vaswani et al., Attention is all you need, 2017), and learns to repeat them. Which parts are
the same may be told beforehand: then a form is drawn first, one of those that examples have, and a
code of that form second.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaecore.device import fast_bfloat16, pad
from vaecore.distributions import DiagonalGaussian

FREQUENCIES = 32
LARGEST_FREQUENCY = 200.0
LARGEST = {"width": 1 << 13, "blocks": 64, "groups": 1 << 8}
"""A file that asks for more is broken or hostile."""


FORMS = 8192
"""So many forms are kept to draw from."""
STEPS = 16
"""Of Heun's method, from noise to codes and back. Most codes of phrases are then less than 2 % of
their length away from where ten times as many steps lead."""
HEAD = 32
"""Width of a head of attention, where the width divides by it."""


class _Norm(nn.Module):
    """Layer normalisation that time scales and shifts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time = nn.Linear(2 * FREQUENCIES, 2 * width)

    def norm(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time(time)[:, None].chunk(2, dim=-1)
        return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift


class _Block(_Norm):
    """A residual block of two layers, for each group by itself."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__(width)
        self.inner, self.outer = nn.Linear(width, inner), _silent(inner, width)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        return x + self.outer(F.silu(self.inner(self.norm(x, time))))


class _Attention(_Norm):
    """A residual block in which each group hears all."""

    def __init__(self, width: int, relations: int = 0) -> None:
        super().__init__(width)
        self.heads = max(1, width // HEAD) if width % HEAD == 0 else 1
        self.asked, self.told = nn.Linear(width, 3 * width, bias=False), _silent(width, width)
        if relations:
            self.related = nn.Parameter(torch.zeros(relations, self.heads))

    def forward(self, x: Tensor, time: Tensor, related: Tensor | None = None) -> Tensor:
        asked = self.asked(self.norm(x, time)).unflatten(-1, (3, self.heads, -1))
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        bias = None if related is None else (related @ self.related).movedim(-1, 1).to(query)
        heard = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return x + self.told(heard.transpose(1, 2).flatten(2))


def _silent(inputs: int, outputs: int) -> nn.Linear:
    """Return a layer that says nothing at first: a network of such blocks begins as none."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Flow(nn.Module):
    """The flow from N(0, I), at time 0, to codes, at time 1.

    A sampler like those in `vaecore.samplers`, without a density.

    Args:
        latent_dim: Number of latent dimensions.
        width: Units of a layer, for each group.
        blocks: Residual blocks of two layers; with several groups each comes after one in which
            the groups attend to each other, and is four times as wide inside.
        groups: Parts of a code, of equally many dimensions, in the coordinates of the basis.
        basis: `(latent_dim, latent_dim)`, invertible: `(z - center) @ basis` are the coordinates
            in which the flow takes place. Those of z themselves without it.
        center: `(latent_dim,)`; 0 without it.
        forms: Integers `(n, groups, groups)`, of which `sample` draws: bit k of an entry says
            whether two parts have relation k. At least 0.

    Raises:
        ValueError: A size is out of range, the basis is singular, or forms are none of the groups.
    """

    def __init__(
        self,
        latent_dim: int,
        width: int = 640,
        blocks: int = 3,
        groups: int = 1,
        basis: Tensor | None = None,
        center: Tensor | None = None,
        forms: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.kind = "flow"
        for name, value in (("width", width), ("blocks", blocks), ("groups", groups)):
            if not 1 <= value <= LARGEST[name]:
                raise ValueError(f"{name} must be in 1..{LARGEST[name]}, got {value}")
        if latent_dim % groups:
            raise ValueError(f"{latent_dim} dimensions do not make {groups} equal groups")
        self.latent_dim, self.groups, self.relations = latent_dim, groups, 0
        if forms is not None:
            square = not forms.is_floating_point() and forms.shape[1:] == (groups, groups)
            if not (square and groups > 1 and len(forms) and forms.min() >= 0):
                raise ValueError(f"forms must be integers (n, {groups}, {groups}), at least 0")
            self.relations = max(1, int(forms.max()).bit_length())
            self.register_buffer("forms", forms)
        self.first = nn.Linear(latent_dim // groups, width)
        layers: list[nn.Module] = []
        for _ in range(blocks):
            layers += [_Attention(width, self.relations)] if groups > 1 else []
            layers.append(_Block(width, width if groups == 1 else 4 * width))
        self.blocks = nn.ModuleList(layers)
        self.last = _silent(width, latent_dim // groups)
        if groups > 1:
            self.position = nn.Parameter(torch.randn(groups, width) * 0.1)
        if basis is not None:
            self.register_buffer("basis", basis.float())
            self.register_buffer("center", torch.zeros(latent_dim) if center is None else center)
            inverse = torch.linalg.inv_ex(basis.double())
            if inverse.info or not inverse.inverse.isfinite().all():
                raise ValueError("the basis is singular")
            self.register_buffer("inverse", inverse.inverse.float(), persistent=False)

    def forward(self, x: Tensor, time: Tensor, forms: Tensor | None = None) -> Tensor:
        """Return velocities `(batch, latent_dim)` in the coordinates of the basis.

        Args:
            x: Points `(batch, latent_dim)` in the same.
            time: `(batch,)` in 0..1.
            forms: `(batch, groups, groups)`, where the flow has some.
        """
        grid = torch.linspace(0, math.log(LARGEST_FREQUENCY), FREQUENCIES, device=x.device).exp()
        angles = time[:, None] * grid
        embedded = torch.cat([angles.sin(), angles.cos()], dim=1)
        h = self.first(x.unflatten(1, (self.groups, -1)))
        if self.groups > 1:
            h = h + self.position
        related: tuple[Tensor, ...] = ()
        if self.relations:
            bits = torch.arange(self.relations, device=x.device)
            related = ((forms.long().unsqueeze(-1) >> bits & 1).float(),)
        for block in self.blocks:
            h = block(h, embedded, *(related if isinstance(block, _Attention) else ()))
        return self.last(h).flatten(1)

    def coordinates(self, z: Tensor) -> Tensor:
        """Return codes in the coordinates of the basis."""
        return (z - self.center) @ self.basis if hasattr(self, "basis") else z

    def codes(self, x: Tensor) -> Tensor:
        """Return codes, given in the coordinates of the basis."""
        return x @ self.inverse + self.center if hasattr(self, "basis") else x

    def loss(
        self, posterior: DiagonalGaussian, spread: float = 1.0, forms: Tensor | None = None
    ) -> Tensor:
        """Return the mean squared error of the velocity, per dimension, at random times.

        Args:
            posterior: Of examples; the target is a sample of each.
            spread: Multiplies the deviations of the posteriors.
            forms: Of the examples, where the flow has some.
        """
        drawn = posterior.sample()
        target = self.coordinates(torch.lerp(posterior.mean, drawn, spread))
        noise = torch.randn_like(target)
        # Logit-normal times: both ends are easy (Esser et al., Scaling rectified flow, 2024).
        time = torch.randn(len(target), device=target.device).sigmoid()
        point = torch.lerp(noise, target, time[:, None])
        with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16()):
            said = self(point, time, forms)
        return (said.float() - (target - noise)).square().mean()

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        steps: int = STEPS,
        forms: Tensor | None = None,
    ) -> Tensor:
        """Return n codes, `(n, latent_dim)`.

        Args:
            n: How many.
            generator: Source of the noise; the way from noise to code is deterministic.
            temperature: Multiplies the noise; see `vaecore.samplers.Sampler`.
            steps: Of Heun's method, two evaluations each.
            forms: `(n, groups, groups)` to keep to; drawn from its own where the flow has some.
        """
        if forms is None:
            forms = self.draw_forms(n, generator)
        noise = temperature * torch.randn(n, self.latent_dim, generator=generator)
        return self.codes_of(noise, forms, steps)

    def draw_forms(self, n: int, generator: torch.Generator | None = None) -> Tensor | None:
        """Return n of its forms, `(n, groups, groups)`; None where the flow has none."""
        if not self.relations:
            return None
        return self.forms[torch.randint(len(self.forms), (n,), generator=generator)]

    @torch.no_grad()
    def codes_of(self, noise: Tensor, forms: Tensor | None = None, steps: int = STEPS) -> Tensor:
        """Return the codes `(n, latent_dim)` that noise of that shape becomes."""
        return self.codes(self._carried(noise, forms, torch.linspace(0, 1, steps + 1)))

    @torch.no_grad()
    def noise_of(self, z: Tensor, forms: Tensor | None = None, steps: int = STEPS) -> Tensor:
        """Return the noise that becomes these codes, under these forms: the way back."""
        return self._carried(self.coordinates(z), forms, torch.linspace(1, 0, steps + 1))

    def _carried(self, x: Tensor, forms: Tensor | None, times: Tensor) -> Tensor:
        """Follow the velocity from time to time, by Heun's method."""
        n, x = len(x), pad(x)
        forms = None if forms is None else pad(forms)
        for begin, end in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
            now, then = (torch.full((len(x),), time) for time in (begin, end))
            velocity, step = self(x, now, forms), end - begin
            x = x + step / 2 * (velocity + self(x + step * velocity, then, forms))
        return x[:n]

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
        width, part = state["first.weight"].shape
        blocks = sum(name.endswith(".inner.bias") for name in state)
        groups = len(state["position"]) if "position" in state else 1
        latent_dim = groups * part
        basis, center = state.get("basis"), state.get("center")
        shapes = [None if part is None else tuple(part.shape) for part in (basis, center)]
        if basis is not None and shapes != [(latent_dim, latent_dim), (latent_dim,)]:
            raise ValueError(f"needs a basis of {latent_dim} dimensions, and its center")
        flow = cls(latent_dim, width, blocks, groups, basis, center, state.get("forms"))
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
        groups: int = 1,
        basis: Tensor | None = None,
        spread: float = 1.0,
        forms: Tensor | None = None,
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
            groups: See `Flow`.
            basis: See `Flow`. It is scaled so that all coordinates of the means have variance 1.
            spread: Multiplies the deviations of the posteriors that are sampled: below 1, codes
                are nearer to those that examples are encoded to.
            forms: Of every example, `(n, groups, groups)`; see `Flow`. `FORMS` of them are kept.
            seed: Of weights, batches and noise.
            progress: Called with the number of steps and the loss now and then.
        """
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            center = posterior.mean.mean(0)
            if basis is not None:
                basis = basis / ((posterior.mean - center) @ basis).std(0)
            kept = None
            if forms is not None:
                kept = forms[torch.linspace(0, len(forms) - 1, min(FORMS, len(forms))).long()]
                # As small as they can be stored: mostly there are few relations.
                kept = kept.to(torch.uint8) if int(kept.max()) < 256 else kept.int()
            flow = cls(posterior.mean.shape[1], width, blocks, groups, basis, center, kept)
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
                told = None if forms is None else forms[chosen]
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
