"""One voice, or several that sound together: their embeddings and their heads.

An embedding and a head are those of a voice's alphabet (`seqvae.music.representations.alphabet`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqvae.music.networks.architecture import Voice
from seqvae.sequences.embedding import Lookup
from seqvae.sequences.heads import Head


class VoicesEmbedding(nn.ModuleList):
    """Embeds class indices of several voices `(..., voices)` as the sum of their embeddings."""

    def forward(self, tokens: Tensor) -> Tensor:
        return sum(each(t) for each, t in zip(self, tokens.unbind(-1), strict=True))

    def through(self, weight: Tensor) -> Lookup:
        """Return what gives `embedding(tokens) @ weight`; see `TokenEmbedding.through`."""
        lookups = [each.through(weight) for each in self]
        return lambda tokens: sum(
            lookup(t) for lookup, t in zip(lookups, tokens.unbind(-1), strict=True)
        )


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


def make_embedding(voices: Voice | Sequence[Voice], dim: int) -> nn.Module:
    """Return the embedding of one voice's steps, or of several voices' together."""
    if isinstance(voices, Voice):
        return voices.alphabet.embedding(voices.classes, dim)
    return VoicesEmbedding(make_embedding(voice, dim) for voice in voices)


def make_head(voices: Voice | Sequence[Voice], hidden_dim: int) -> Head | VoicesHead:
    """Return the head of one voice, or of several voices together."""
    if isinstance(voices, Voice):
        return voices.alphabet.head(voices.head, hidden_dim, voices.classes)
    return VoicesHead(make_head(voice, hidden_dim) for voice in voices)
