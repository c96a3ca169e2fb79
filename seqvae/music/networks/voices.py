"""Embeddings and output heads of one voice, or of several voices together.

A voice has those of its alphabet (`seqvae.music.representations.alphabet`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import torch
from torch import Tensor

from seqvae.music.networks.architecture import Voice
from seqvae.sequences.embedding import Embedding, Lookup
from seqvae.sequences.heads import Head
from seqvae.sequences.layers import Layers


class VoicesEmbedding(Layers[Embedding], Embedding):
    """Embeds class indices of several voices `(..., voices)` as the sum of their embeddings."""

    def forward(self, tokens: Tensor) -> Tensor:
        parts: list[Tensor] = [e(t) for e, t in zip(self, tokens.unbind(-1), strict=True)]
        return reduce(add, parts)

    def fused_with(self, weight: Tensor) -> Lookup:
        """Return a look-up of `embedding(tokens) @ weight`; see `Embedding.fused_with`."""
        lookups = [each.fused_with(weight) for each in self]

        def look_up(tokens: Tensor) -> Tensor:
            voices = zip(lookups, tokens.unbind(-1), strict=True)
            return reduce(add, (lookup(t) for lookup, t in voices))

        return look_up


class VoicesHead(Layers[Head]):
    """A head for each of several voices, which are independent given the inputs.

    Its methods are those of `Head`, with the results of all voices concatenated.
    """

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits, `(..., classes of all voices)`."""
        return torch.cat([head(hidden) for head in self], dim=-1)

    def project(self, hidden: Tensor) -> Tensor:
        """Return the outputs of all linear layers."""
        return torch.cat([head.project(hidden) for head in self], dim=-1)

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return the log-probability in nats of targets `(..., voices)`, `(...)`."""
        voices = zip(self, target.unbind(-1), strict=True)
        return reduce(add, (head.log_prob(hidden, t) for head, t in voices))

    def logits(self, projected: Tensor) -> Tensor:
        """Return the logits for outputs of all linear layers, `(..., classes of all voices)`."""
        parts = zip(self, self._parts(projected), strict=True)
        return torch.cat([head.logits(own) for head, own in parts], dim=-1)

    def _parts(self, projected: Tensor) -> Sequence[Tensor]:
        """Return the outputs of each linear layer."""
        parts: Sequence[Tensor] = projected.split([len(head.bias) for head in self], dim=-1)
        return parts

    def choose(
        self, projected: Tensor, temperature: float | Tensor, noise: Tensor | None
    ) -> Tensor:
        """Return a class for each voice of each row, `(batch, voices)`, as is the noise."""
        parts = self._parts(projected)
        noises = [None] * len(self) if noise is None else noise.unbind(-1)
        chosen = (h.choose(p, temperature, n) for h, p, n in zip(self, parts, noises, strict=True))
        return torch.stack(list(chosen), dim=-1)

    @property
    def bias(self) -> Tensor:
        """The biases of all heads."""
        return torch.cat([head.bias for head in self])

    def project_last(self, inputs: Tensor) -> Tensor:
        """Return the products of the last inputs; see `Head.project_last`."""
        return torch.cat([head.project_last(inputs) for head in self], dim=-1)

    def first_weights(self, width: int) -> Tensor:
        """Return the weights of the first `width` inputs of all heads."""
        return torch.cat([head.first_weights(width) for head in self])


def make_embedding(voices: Voice | Sequence[Voice], dim: int) -> Embedding:
    """Return the untrained embedding of one voice's steps, or of several voices' together."""
    if isinstance(voices, Voice):
        return voices.alphabet.embedding(voices.classes, dim)
    return VoicesEmbedding(make_embedding(voice, dim) for voice in voices)


def make_head(voices: Voice | Sequence[Voice], hidden_dim: int) -> Head | VoicesHead:
    """Return the untrained head of one voice, or of several voices together."""
    if isinstance(voices, Voice):
        return voices.alphabet.head(voices.head, hidden_dim, voices.classes)
    heads = (voice.alphabet.head(voice.head, hidden_dim, voice.classes) for voice in voices)
    return VoicesHead(heads)
