"""The network of a flow: the velocity of a point between noise and code.

Each group of dimensions is one token. Within a token there are residual layers; between tokens
there is attention (Vaswani et al., Attention is all you need, 2017), so that a network over the
parts of a phrase learns to repeat them. The time scales and shifts every normalisation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FREQUENCIES = 32
"""Number of sines, and of cosines, that embed the time."""
LARGEST_FREQUENCY = 200.0
HEAD_WIDTH = 32
"""Width of an attention head, if the network's width is a multiple of it; else there is one."""
LARGEST = {"width": 1 << 13, "blocks": 64, "groups": 1 << 8}
"""Largest sizes; a file with larger ones is broken or hostile."""


class _TimedNorm(nn.Module):
    """Layer normalisation whose scale and shift depend on the time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time = nn.Linear(2 * FREQUENCIES, 2 * width)

    def norm(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time(time)[:, None].chunk(2, dim=-1)
        normed: Tensor = F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift
        return normed


class _Feedforward(_TimedNorm):
    """A residual block of two layers, for each group by itself."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__(width)
        self.inner, self.outer = nn.Linear(width, inner), _zero_linear(inner, width)

    def forward(self, x: Tensor, time: Tensor, relations: Tensor | None) -> Tensor:
        hidden: Tensor = self.outer(F.silu(self.inner(self.norm(x, time))))
        return x + hidden


class _Attention(_TimedNorm):
    """A residual block of self-attention between the groups.

    Args:
        width: Units of a token.
        relations: Number of kinds of relation between groups; each adds a learned bias to the
            attention logits of every head.
    """

    def __init__(self, width: int, relations: int = 0) -> None:
        super().__init__(width)
        self.heads = max(1, width // HEAD_WIDTH) if width % HEAD_WIDTH == 0 else 1
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = _zero_linear(width, width)
        if relations:
            self.relation_bias = nn.Parameter(torch.zeros(relations, self.heads))

    def forward(self, x: Tensor, time: Tensor, relations: Tensor | None) -> Tensor:
        projected = self.query_key_value(self.norm(x, time)).unflatten(-1, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        bias = None
        if relations is not None:
            bias = (relations @ self.relation_bias).movedim(-1, 1).to(query)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        update: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return x + update


def _zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a zero-initialised layer: a residual block that ends in it begins as the identity."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class VelocityNetwork(nn.Module):
    """Maps a point and a time to the velocity there.

    Args:
        latent_dim: Number of dimensions.
        width: Units of a token.
        blocks: Number of residual blocks of two layers. With several groups, a block of attention
            comes before each, and its inner layer is four times as wide.
        groups: Number of tokens, of equally many dimensions.
        relations: Number of kinds of relation between groups, which bias the attention.

    Raises:
        ValueError: A size is out of range.
    """

    def __init__(
        self, latent_dim: int, width: int, blocks: int, groups: int = 1, relations: int = 0
    ) -> None:
        super().__init__()
        for name, value in (("width", width), ("blocks", blocks), ("groups", groups)):
            if not 1 <= value <= LARGEST[name]:
                raise ValueError(f"{name} must be in 1..{LARGEST[name]}, got {value}")
        if latent_dim % groups:
            raise ValueError(f"{latent_dim} dimensions do not make {groups} equal groups")
        self.groups, self.relations = groups, relations
        self.first = nn.Linear(latent_dim // groups, width)
        layers: list[nn.Module] = []
        for _ in range(blocks):
            layers += [_Attention(width, relations)] if groups > 1 else []
            layers.append(_Feedforward(width, width if groups == 1 else 4 * width))
        self.blocks = nn.ModuleList(layers)
        self.last = _zero_linear(width, latent_dim // groups)
        if groups > 1:
            self.position = nn.Parameter(torch.randn(groups, width) * 0.1)

    def forward(self, x: Tensor, time: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return velocities `(batch, latent_dim)`.

        Args:
            x: Points `(batch, latent_dim)`.
            time: `(batch,)`, from 0 (noise) to 1 (code).
            condition: `(batch, groups, groups)`: bit k of an entry is set if two groups have
                relation k; required if the network has relations.

        Raises:
            ValueError: The network has relations, and there is no condition.
        """
        grid = torch.linspace(0, math.log(LARGEST_FREQUENCY), FREQUENCIES, device=x.device).exp()
        angles = time[:, None] * grid
        embedded = torch.cat([angles.sin(), angles.cos()], dim=1)
        h = self.first(x.unflatten(1, (self.groups, -1)))
        if self.groups > 1:
            h = h + self.position
        relations: Tensor | None = None
        if self.relations:
            if condition is None:
                raise ValueError("a conditional flow needs the conditions of its points")
            bits = torch.arange(self.relations, device=x.device)
            relations = (
                torch.bitwise_right_shift(condition.long().unsqueeze(-1), bits) & 1
            ).float()
        for block in self.blocks:
            h = block(h, embedded, relations)
        velocity: Tensor = self.last(h).flatten(1)
        return velocity
