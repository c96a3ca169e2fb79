"""What the networks of all music need to read and write performances: an embedding and a head."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqvae.music.representations.groove.performance import blocks, hit_classes
from seqvae.sequences.affine import affine
from seqvae.sequences.heads import Head, chain_log_prob, chain_logits
from seqvae.sequences.sampling import choose


class PerformanceEmbedding(nn.Module):
    """Embeds the numbers of a performance's steps `(..., 3 drums)` as `(..., embedding_dim)`.

    How hard a drum is hit counts as it is and squared, so that soft hits and accents are kinds of
    their own rather than less and more of the same.
    """

    def __init__(self, drums: int, embedding_dim: int) -> None:
        super().__init__()
        self.drums = drums
        self.weight = nn.Parameter(torch.randn(4 * drums, embedding_dim) * 0.5)
        self.bias = nn.Parameter(torch.zeros(embedding_dim))

    def forward(self, x: Tensor) -> Tensor:
        return self._features(x) @ self.weight + self.bias

    def through(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """Return what gives `embedding(x) @ weight`; see `TokenEmbedding.through`."""
        matrix, bias = (self.weight @ weight).t().contiguous(), self.bias @ weight
        return lambda x: affine(self._features(x), matrix, bias)

    def _features(self, x: Tensor) -> Tensor:
        velocity = x[..., self.drums : 2 * self.drums]
        return torch.cat([x, velocity.square()], dim=-1)


class PerformanceHead(Head):
    """Hits, and of what is hit velocity and offset: p(hits) prod_k p(velocity_k) p(offset_k).

    The hits are a `ChainHead`'s. Velocities, 0..1, and offsets, -1..1, have densities that are
    constant on small intervals, so that they may have any form: drummers have ghost notes and
    accents, and swing. Both know all hits of the step, and the offsets the velocities. GrooVAE has
    squared errors instead, also where nothing is hit, and decodes means.
    """

    VELOCITIES, OFFSETS = 32, 39
    """Intervals; one of the offsets is on the grid."""

    def __init__(self, hidden_dim: int, drums: int) -> None:
        self.drums = drums
        super().__init__(hidden_dim, drums * (1 + self.VELOCITIES + self.OFFSETS))
        self.node_bias = nn.Parameter(torch.zeros((1 << drums) - 1))
        self.velocity_of = nn.Parameter(torch.zeros(drums, drums * self.VELOCITIES))
        self.offset_of = nn.Parameter(torch.zeros(2 * drums, drums * self.OFFSETS))

    def logits(self, numbers: Tensor) -> Tensor:
        """Return log-probabilities of all sets of hits `(..., 2 ** drums)`."""
        return chain_logits(numbers[..., : self.drums].float(), self.node_bias)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-density in nats of performances `(..., 3 drums)`, `(...)`."""
        numbers = self.projection(hidden).float()
        hits, velocity, offset = blocks(target)
        chosen = chain_log_prob(numbers[..., : self.drums], self.node_bias, hit_classes(target))
        soft = _density(self._velocity(numbers, hits), velocity)
        timed = _density(self._offset(numbers, hits, velocity), (offset + 1) / 2) - math.log(2)
        return chosen + (hits * (soft + timed)).sum(-1)

    def choose(
        self,
        numbers: Tensor,
        temperature: float,
        noise: Tensor | None,
        hits: Tensor | None = None,
    ) -> Tensor:
        """Return a performance `(batch, 3 drums)` for each row of what the linear layer gave.

        Args:
            numbers: `(batch, numbers)`.
            temperature: 0 takes the likeliest hits, and medians.
            noise: Uniform numbers like the result; needed above temperature 0.
            hits: What is hit, as classes `(batch,)`; chosen without them.
        """
        first, *others = [None] * 3 if noise is None else blocks(noise)
        if hits is None:
            first = None if first is None else first[..., 0]
            hits = choose(self.logits(numbers), temperature, first)
        drum = torch.arange(self.drums, device=numbers.device)
        struck = ((hits.unsqueeze(-1) >> drum) & 1).to(numbers.dtype)
        velocity = _quantile(self._velocity(numbers, struck), temperature, others[0])
        velocity = velocity.where(struck > 0, 0)
        offset = 2 * _quantile(self._offset(numbers, struck, velocity), temperature, others[1]) - 1
        return torch.cat([struck, velocity, offset.where(struck > 0, 0)], dim=-1)

    def _velocity(self, numbers: Tensor, hits: Tensor) -> Tensor:
        """Return logits `(..., drums, intervals)` of velocities."""
        own = numbers[..., self.drums : self.drums * (1 + self.VELOCITIES)]
        return (own + hits @ self.velocity_of).unflatten(-1, (self.drums, self.VELOCITIES))

    def _offset(self, numbers: Tensor, hits: Tensor, velocity: Tensor) -> Tensor:
        """Return logits `(..., drums, intervals)` of offsets."""
        own = numbers[..., self.drums * (1 + self.VELOCITIES) :]
        said = torch.cat([hits, velocity], dim=-1) @ self.offset_of
        return (own + said).unflatten(-1, (self.drums, self.OFFSETS))


def _density(logits: Tensor, values: Tensor) -> Tensor:
    """Return log-densities of values in 0..1, `(...)`, constant on as many intervals as logits."""
    intervals = logits.shape[-1]
    place = (values * intervals).long().clamp(0, intervals - 1)
    chosen = logits.log_softmax(-1).gather(-1, place.unsqueeze(-1)).squeeze(-1)
    return chosen + math.log(intervals)


def _quantile(logits: Tensor, temperature: float, noise: Tensor | None) -> Tensor:
    """Return values in 0..1 of such densities at cumulative probabilities: medians without noise.

    Above temperature 0 logits are divided by it; noise is uniform in [0, 1).
    """
    intervals = logits.shape[-1]
    if temperature == 0 or noise is None:
        noise = logits.new_full(logits.shape[:-1], 0.5)
    else:
        logits = logits / temperature
    cumulative = logits.double().softmax(-1).cumsum(-1)
    wanted = (noise.double() * cumulative[..., -1]).unsqueeze(-1)
    place = torch.searchsorted(cumulative, wanted, right=True).clamp(max=intervals - 1)
    above = cumulative.gather(-1, place)
    below = torch.where(place > 0, cumulative.gather(-1, (place - 1).clamp(min=0)), 0)
    part = ((wanted - below) / (above - below).clamp(min=1e-12)).clamp(0, 1)
    return ((place + part) / intervals).squeeze(-1).to(logits.dtype)
