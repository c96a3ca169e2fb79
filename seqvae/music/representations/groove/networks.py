"""The embedding and the head of performances, with which the networks of all music handle them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from seqvae.music.representations.groove.performance import blocks, hit_classes
from seqvae.sequences.affine import affine
from seqvae.sequences.embedding import Embedding, Lookup
from seqvae.sequences.heads import Head, chain_log_prob, chain_logits
from seqvae.sequences.sampling import choose, find, heated


class PerformanceEmbedding(Embedding):
    """Embeds the steps of a performance `(..., 3 drums)` as `(..., embedding_dim)`.

    It is linear in hits, velocities, offsets and squared velocities; with the squares, soft hits
    and accents can have embeddings of their own.
    """

    def __init__(self, drums: int, embedding_dim: int) -> None:
        super().__init__()
        self.drums = drums
        self.weight = nn.Parameter(torch.randn(4 * drums, embedding_dim) * 0.5)
        self.bias = nn.Parameter(torch.zeros(embedding_dim))

    def forward(self, x: Tensor) -> Tensor:
        return self._features(x) @ self.weight + self.bias

    def fused_with(self, weight: Tensor) -> Lookup:
        """Return a function equal to `embedding(x) @ weight`; see `Embedding.fused_with`."""
        matrix, bias = (self.weight @ weight).t().contiguous(), self.bias @ weight
        return lambda x: affine(self._features(x), matrix, bias)

    def _features(self, x: Tensor) -> Tensor:
        velocity = x[..., self.drums : 2 * self.drums]
        return torch.cat([x, velocity.square()], dim=-1)


class PerformanceHead(Head):
    """Hits, and velocity and offset of each hit: p(hits) prod_k p(velocity_k) p(offset_k).

    The hits are a `ChainHead`'s. Velocities, 0..1, and offsets, -1..1, have densities that are
    constant on small intervals, so that they may have several peaks: ghost notes and accents, or
    straight and swung hits. Both depend on all hits of the step, and the offsets on the velocities.
    GrooVAE has squared errors instead, also where nothing is hit, and decodes means.
    """

    VELOCITIES, OFFSETS = 32, 39
    """Numbers of intervals; one of the offsets' is centred on the grid."""

    def __init__(self, hidden_dim: int, drums: int) -> None:
        self.drums = drums
        super().__init__(hidden_dim, drums * (1 + self.VELOCITIES + self.OFFSETS))
        self.node_bias = nn.Parameter(torch.zeros((1 << drums) - 1))
        self.velocity_of = nn.Parameter(torch.zeros(drums, drums * self.VELOCITIES))
        self.offset_of = nn.Parameter(torch.zeros(2 * drums, drums * self.OFFSETS))

    def logits(self, projected: Tensor) -> Tensor:
        """Return log-probabilities of all sets of hits `(..., 2 ** drums)`."""
        return chain_logits(projected[..., : self.drums].float(), self.node_bias)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-density in nats of performances `(..., 3 drums)`, `(...)`."""
        projected = self.projection(hidden).float()
        hits, velocity, offset = blocks(target)
        chosen = chain_log_prob(projected[..., : self.drums], self.node_bias, hit_classes(target))
        soft = _density(self._velocity(projected, hits), velocity)
        timed = _density(self._offset(projected, hits, velocity), (offset + 1) / 2) - math.log(2)
        return chosen + (hits * (soft + timed)).sum(-1)

    def choose(
        self,
        projected: Tensor,
        temperature: float | Tensor,
        noise: Tensor | None,
        hits: Tensor | None = None,
    ) -> Tensor:
        """Return a performance `(batch, 3 drums)` for each row of the linear layer's outputs.

        Args:
            projected: `(batch, outputs)`.
            temperature: 0 takes the likeliest hits, and medians; see `sampling.choose`.
            noise: Uniform numbers like the result; needed above temperature 0.
            hits: The hits, as classes `(batch,)`; by default they are chosen, too.
        """
        first, *others = (None, None, None) if noise is None else blocks(noise)
        if hits is None:
            first = None if first is None else first[..., 0]
            hits = choose(self.logits(projected), temperature, first)
        drum = torch.arange(self.drums, device=projected.device)
        struck = (torch.bitwise_right_shift(hits.unsqueeze(-1), drum) & 1).to(projected.dtype)
        velocity = _quantile(self._velocity(projected, struck), temperature, others[0])
        velocity = velocity.where(struck > 0, 0)
        offset = (
            2 * _quantile(self._offset(projected, struck, velocity), temperature, others[1]) - 1
        )
        return torch.cat([struck, velocity, offset.where(struck > 0, 0)], dim=-1)

    def _velocity(self, projected: Tensor, hits: Tensor) -> Tensor:
        """Return logits `(..., drums, intervals)` of velocities."""
        own = projected[..., self.drums : self.drums * (1 + self.VELOCITIES)]
        logits: Tensor = own + hits @ self.velocity_of
        return logits.view(*logits.shape[:-1], self.drums, self.VELOCITIES)

    def _offset(self, projected: Tensor, hits: Tensor, velocity: Tensor) -> Tensor:
        """Return logits `(..., drums, intervals)` of offsets."""
        own = projected[..., self.drums * (1 + self.VELOCITIES) :]
        logits: Tensor = own + torch.cat([hits, velocity], dim=-1) @ self.offset_of
        return logits.view(*logits.shape[:-1], self.drums, self.OFFSETS)


def _density(logits: Tensor, values: Tensor) -> Tensor:
    """Return log-densities of values in 0..1, `(...)`, constant on as many intervals as logits."""
    intervals = logits.shape[-1]
    place = (values * intervals).long().clamp(0, intervals - 1)
    chosen = logits.log_softmax(-1).gather(-1, place.unsqueeze(-1)).squeeze(-1)
    return chosen + math.log(intervals)


def _quantile(logits: Tensor, temperature: float | Tensor, noise: Tensor | None) -> Tensor:
    """Return quantiles in 0..1 of such densities: medians at temperature 0 or without noise.

    Above temperature 0 logits are divided by it, and noise, uniform in [0, 1), is the cumulative
    probability.
    """
    intervals, exported = logits.shape[-1], isinstance(temperature, Tensor)
    if noise is None or (not isinstance(temperature, Tensor) and temperature == 0):
        noise = torch.full_like(logits[..., 0], 0.5)
    else:
        logits = logits / heated(temperature)
        if isinstance(temperature, Tensor):
            noise = torch.where(temperature > 0, noise, 0.5)
    cumulative = logits.double().softmax(-1).cumsum(-1)
    wanted = (noise.double() * cumulative[..., -1]).unsqueeze(-1)
    place = find(cumulative, wanted, exported).clamp(max=intervals - 1)
    above = cumulative.gather(-1, place)
    below = torch.where(place > 0, cumulative.gather(-1, (place - 1).clamp(min=0)), 0)
    part = ((wanted - below) / (above - below).clamp(min=1e-12)).clamp(0, 1)
    return ((place + part) / intervals).squeeze(-1).to(logits.dtype)
