"""Token embeddings built from features of the tokens.

A drum token is a set of drums, and a melody token is a pitch in an octave. So a token's embedding
is the sum of its features' embeddings and a vector of its own, and a combination of drums that is
not in the training data has a sensible embedding, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Lookup = Callable[[Tensor], Tensor]


class Embedding(nn.Module, ABC):
    """Maps the steps of an example to vectors `(..., embedding_dim)`."""

    @abstractmethod
    def fused_with(self, weight: Tensor) -> Lookup:
        """Return a function that computes `embedding(x) @ weight` from a precomputed product."""


class TokenEmbedding(Embedding):
    """Embeds class indices `(...)` as `(..., embedding_dim)`.

    Args:
        features: Features of each token, `(classes, features)`; see `Alphabet.features`.
        embedding_dim: Width of the embedding.
    """

    features: Tensor

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

    def fused_with(self, weight: Tensor) -> Lookup:
        """Return a look-up of `embedding(tokens) @ weight` in one precomputed table."""
        table = self.table() @ weight
        return lambda tokens: table[tokens]
