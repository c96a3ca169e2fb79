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

from seqvae.music.networks.architecture import PERFORMANCE, Voice
from seqvae.sequences.affine import affine

Lookup = Callable[[Tensor], Tensor]


def token_features(kind: str, classes: int) -> Tensor:
    """Return what each token is made of, `(classes, features)`, zeros and ones.

    Args:
        kind: "drums" for sets of drums as bit masks (one feature per drum and one for silence),
            "melody" for 0 no event, 1 note off and then pitches (pitch class, octave and
            kind of event), "plain" for tokens without inner structure (no features).
        classes: Number of tokens.
    """
    tokens = torch.arange(classes)
    if kind == "drums":
        drums = (classes - 1).bit_length()
        bits = (tokens[:, None] >> torch.arange(drums)) & 1
        return torch.cat([bits, (tokens == 0)[:, None]], dim=1).float()
    if kind == "melody":
        steps = torch.arange(classes)[:, None] - 2  # semitones above the lowest pitch
        sounding = steps >= 0
        pitch_class = (steps % 12 == torch.arange(12)) & sounding
        octave = (steps // 12 == torch.arange((classes - 3) // 12 + 1)) & sounding
        event = torch.cat([steps == -2, steps == -1, sounding], dim=1)
        return torch.cat([event, pitch_class, octave], dim=1).float()
    if kind == "plain":
        return torch.zeros(classes, 0)
    raise ValueError(f"unknown kind of token {kind!r}; known: drums, melody, plain")


class TokenEmbedding(nn.Module):
    """Embeds class indices `(...)` as `(..., embedding_dim)`."""

    def __init__(self, kind: str, classes: int, embedding_dim: int) -> None:
        super().__init__()
        features = token_features(kind, classes)
        self.register_buffer("features", features, persistent=False)
        self.of_token = nn.Parameter(torch.randn(classes, embedding_dim) * 0.1)
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

    def through(self, weight: Tensor) -> Lookup:
        """Return what gives `embedding(x) @ weight`; see `TokenEmbedding.through`."""
        matrix, bias = (self.weight @ weight).t().contiguous(), self.bias @ weight
        return lambda x: affine(self._features(x), matrix, bias)

    def _features(self, x: Tensor) -> Tensor:
        velocity = x[..., self.drums : 2 * self.drums]
        return torch.cat([x, velocity.square()], dim=-1)


def make_embedding(
    voices: Voice | Sequence[Voice], dim: int
) -> TokenEmbedding | PerformanceEmbedding | VoicesEmbedding:
    """Return the embedding of one voice's steps, or of several voices' together."""
    if isinstance(voices, Voice) and voices.tokens == PERFORMANCE:
        return PerformanceEmbedding(voices.classes, dim)
    if isinstance(voices, Voice):
        return TokenEmbedding(voices.tokens, voices.classes, dim)
    return VoicesEmbedding(TokenEmbedding(v.tokens, v.classes, dim) for v in voices)
