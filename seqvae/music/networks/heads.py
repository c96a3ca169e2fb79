"""Output heads: from the decoder's hidden state to a distribution over the classes of one step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.networks.architecture import PERFORMANCE, Voice
from seqvae.music.representations.groove.performance import blocks, hit_classes
from seqvae.sequences.sampling import choose


class Head(nn.Module, ABC):
    """A linear layer, and what it means for the classes.

    Args:
        hidden_dim: Width of the head's inputs.
        numbers: How many numbers the linear layer gives to each step.
    """

    def __init__(self, hidden_dim: int, numbers: int) -> None:
        super().__init__()
        self.projection = nn.Linear(hidden_dim, numbers)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return logits `(..., classes)` of inputs `(..., hidden_dim)`."""
        return self.logits(self.numbers(hidden))

    def numbers(self, hidden: Tensor) -> Tensor:
        """Return what the linear layer gives, `(..., numbers)`."""
        return self.projection(hidden)

    @abstractmethod
    def logits(self, numbers: Tensor) -> Tensor:
        """Return logits `(..., classes)`, given what the linear layer gave."""

    @abstractmethod
    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability of each target class in nats, shaped like `target`."""

    def choose(self, numbers: Tensor, temperature: float, noise: Tensor | None) -> Tensor:
        """Return a class for each row of what the linear layer gave; see `sampling.choose`."""
        return choose(self.logits(numbers), temperature, noise)

    @property
    def bias(self) -> Tensor:
        """The linear layer's bias, `(numbers,)`."""
        return self.projection.bias

    def share(self, inputs: Tensor) -> Tensor:
        """Return what the last inputs `(..., width)` add to the linear layer, without its bias.

        When a window is decoded they are known before it begins.
        """
        return inputs @ self.projection.weight[:, -inputs.shape[-1] :].t()

    def rest(self, width: int) -> Tensor:
        """Return the weights of the first `width` inputs, `(numbers, width)`."""
        return self.projection.weight[:, :width].contiguous()


class SoftmaxHead(Head):
    """One logit per class."""

    def __init__(self, hidden_dim: int, classes: int) -> None:
        super().__init__(hidden_dim, classes)

    def logits(self, numbers: Tensor) -> Tensor:
        """Return logits `(..., classes)`."""
        return numbers

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability of each target class in nats, shaped like `target`."""
        logits = self(hidden).float()
        loss = functional.cross_entropy(logits.flatten(0, -2), target.flatten(), reduction="none")
        return -loss.view(target.shape)


class ChainHead(Head):
    """A set of binary parts, decided one after the other: p(c) = prod_k p(c_k | c_0 .. c_{k-1}, h).

    Each decision's logit is linear in the hidden state plus a bias of its own for every outcome of
    the decisions before it, so parts are shared between classes (a rare combination of drums is
    made of frequent drums) while their joint habits are still learned. The classes number
    `2 ** parts` and part k is bit k, so the chain is an exact distribution over the classes: its
    logits are normalised log-probabilities and every sampler works on them as on a softmax.
    """

    def __init__(self, hidden_dim: int, classes: int) -> None:
        parts = (classes - 1).bit_length()
        if classes != 1 << parts:
            raise ValueError(f"a chain needs a power of two of classes, got {classes}")
        super().__init__(hidden_dim, parts)
        self.parts = parts
        # The node of part k after the outcomes `prefix` of the parts before it: 2**k - 1 + prefix.
        self.node_bias = nn.Parameter(torch.zeros(classes - 1))

    def logits(self, numbers: Tensor) -> Tensor:
        """Return log-probabilities of all classes `(..., 2 ** parts)`."""
        return _chain_logits(numbers.float(), self.node_bias)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability of each target class, walking its path of the chain only."""
        return _chain_log_prob(self.projection(hidden).float(), self.node_bias, target)


def _chain_logits(numbers: Tensor, node_bias: Tensor) -> Tensor:
    """Return log-probabilities `(..., 2 ** parts)`, given a number for each part `(..., parts)`."""
    total = numbers.new_zeros(*numbers.shape[:-1], 1)
    for k in range(numbers.shape[-1]):
        nodes = numbers[..., k : k + 1] + node_bias[(1 << k) - 1 : (2 << k) - 1]
        off, on = functional.logsigmoid(-nodes), functional.logsigmoid(nodes)
        total = torch.cat([total + off, total + on], dim=-1)  # bit k is the new highest bit
    return total


def _chain_log_prob(numbers: Tensor, node_bias: Tensor, target: Tensor) -> Tensor:
    part = torch.arange(numbers.shape[-1], device=target.device)
    bits = (target.unsqueeze(-1) >> part) & 1
    prefix = target.unsqueeze(-1) & ((1 << part) - 1)
    logits = numbers + node_bias[(1 << part) - 1 + prefix]
    return functional.logsigmoid(torch.where(bits == 1, logits, -logits)).sum(-1)


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
        return _chain_logits(numbers[..., : self.drums].float(), self.node_bias)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-density in nats of performances `(..., 3 drums)`, `(...)`."""
        numbers = self.projection(hidden).float()
        hits, velocity, offset = blocks(target)
        chosen = _chain_log_prob(numbers[..., : self.drums], self.node_bias, hit_classes(target))
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


class VoicesHead(nn.ModuleList):
    """A head for each of several voices, which are independent of each other given its inputs."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits of all voices side by side, `(..., classes of all voices)`."""
        return torch.cat([head(hidden) for head in self], dim=-1)

    def numbers(self, hidden: Tensor) -> Tensor:
        """Return what the linear layers of all heads give, side by side."""
        return torch.cat([head.numbers(hidden) for head in self], dim=-1)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability in nats of targets `(..., voices)`, `(...)`."""
        targets = target.unbind(-1)
        return sum(h.log_prob(hidden, t) for h, t in zip(self, targets, strict=True))

    def choose(self, numbers: Tensor, temperature: float, noise: Tensor | None) -> Tensor:
        """Return a class for each voice of each row, `(batch, voices)`; noise alike."""
        parts = numbers.split([len(head.bias) for head in self], dim=-1)
        noises = [None] * len(self) if noise is None else noise.unbind(-1)
        chosen = (h.choose(p, temperature, n) for h, p, n in zip(self, parts, noises, strict=True))
        return torch.stack(list(chosen), dim=-1)

    @property
    def bias(self) -> Tensor:
        """The biases of all heads, side by side."""
        return torch.cat([head.bias for head in self])

    def share(self, inputs: Tensor) -> Tensor:
        """Return what the last inputs add to all heads, side by side; see `Head.share`."""
        return torch.cat([head.share(inputs) for head in self], dim=-1)

    def rest(self, width: int) -> Tensor:
        """Return the weights of the first `width` inputs of all heads; see `Head.rest`."""
        return torch.cat([head.rest(width) for head in self])


HEADS = {"softmax": SoftmaxHead, "chain": ChainHead, PERFORMANCE: PerformanceHead}


def make_head(voices: Voice | Sequence[Voice], hidden_dim: int) -> Head | VoicesHead:
    """Return the head of one voice, or of several voices together."""
    if isinstance(voices, Voice):
        return HEADS[voices.head](hidden_dim, voices.classes)
    return VoicesHead(HEADS[voice.head](hidden_dim, voice.classes) for voice in voices)
