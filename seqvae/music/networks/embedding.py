"""Token embeddings that know what their tokens are made of.

A drum token is a set of drums and a melody token is a pitch in an octave, so a token's embedding is
the sum of its features' embeddings plus a vector of its own. A combination of drums never seen in
training then still has a sensible embedding, which a plain look-up table could not give it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.networks.architecture import Voice

Lookup = Callable[[Tensor], Tensor]


class TokenEmbedding(nn.Module):
    """Embeds class indices `(...)` as `(..., embedding_dim)`.

    Args:
        features: What each token is made of, `(classes, features)`; see `Alphabet.features`.
        embedding_dim: Width of the embedding.
    """

    def __init__(self, features: Tensor, embedding_dim: int) -> None:
        super().__init__()
        self.register_buffer("features", features, persistent=False)
        self.of_token = nn.Parameter(torch.randn(len(features), embedding_dim) * 0.1)
        self.of_feature = nn.Parameter(torch.randn(features.shape[1], embedding_dim) * 0.5)

    def table(self) -> Tensor:
        """Return every token's embedding, `(classes, embedding_dim)`."""
        return self.of_token + self.features @ self.of_feature

    def forward(self, tokens: Tensor) -> Tensor:
        return functional.embedding(tokens, self.table())

    def through(self, weight: Tensor) -> Lookup:
        """Return what gives `embedding(tokens) @ weight`, with all products done beforehand."""
        table = self.table() @ weight
        return lambda tokens: table[tokens]


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


def make_embedding(voices: Voice | Sequence[Voice], dim: int) -> nn.Module:
    """Return the embedding of one voice's steps, or of several voices' together."""
    if isinstance(voices, Voice):
        return voices.alphabet.embedding(voices.classes, dim)
    return VoicesEmbedding(make_embedding(voice, dim) for voice in voices)
