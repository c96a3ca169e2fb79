"""Magenta's own output layers: NADE for sets of drums, and GrooVAE's for performances."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqvae.music.magenta.architecture import set_size
from seqvae.music.magenta.tokens import bits, integers, set_tokens
from seqvae.music.networks.architecture import Voice
from seqvae.music.networks.voices import VoicesHead, make_head
from seqvae.music.representations.groove.performance import blocks
from seqvae.sequences.heads import Head
from seqvae.sequences.sampling import heated

_NADE_FLOOR, _GROOVE_FLOOR = 1e-6, 1e-7
"""Added to probabilities before their logarithm is taken."""


class NadeHead(Head):
    """Chooses the drums of a set one after the other, each given those before it.

    A neural autoregressive distribution estimator (NADE; Larochelle & Murray 2011). Of the linear
    layer's outputs one part are the first hidden units, the other the drums' biases.

    Args:
        hidden_dim: Width of the head's inputs.
        voice: The voice, whose steps are sets of drums.
        nade_dim: Number of hidden units.
    """

    def __init__(self, hidden_dim: int, voice: Voice, nade_dim: int) -> None:
        self.sets = set_tokens(voice)
        self.nade_dim, self.drums = nade_dim, self.sets.width
        super().__init__(hidden_dim, nade_dim + self.drums)
        self.encoding = nn.Parameter(torch.zeros(self.drums, nade_dim))
        self.decoding = nn.Parameter(torch.zeros(self.drums, nade_dim))
        self.as_classes = not voice.shape

    def logits(self, projected: Tensor) -> Tensor:
        """Return the linear layer's outputs unchanged; they are not logits of classes."""
        return projected

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        seen, biases = self.project(hidden).float().split([self.nade_dim, self.drums], dim=-1)
        chosen = self.sets.dense(target)
        total: Tensor = seen.new_zeros(chosen.shape[:-1])
        for drum in range(self.drums):
            p = torch.sigmoid(biases[..., drum] + torch.sigmoid(seen) @ self.decoding[drum])
            hit = chosen[..., drum]
            total = total + (torch.where(hit > 0.5, p, 1 - p) + _NADE_FLOOR).log()
            seen = seen + hit.unsqueeze(-1) * self.encoding[drum]
        return total

    def choose(
        self, projected: Tensor, temperature: float | Tensor, noise: Tensor | None
    ) -> Tensor:
        """Return sets `(batch, *shape)`; noise is `(batch, drums)`."""
        hidden, biases = projected.float().split([self.nade_dim, self.drums], dim=-1)
        found = []
        for drum in range(self.drums):
            logit = biases[:, drum] + torch.sigmoid(hidden) @ self.decoding[drum]
            hit = _bernoulli(logit, temperature, None if noise is None else noise[:, drum])
            hidden = hidden + hit.unsqueeze(-1) * self.encoding[drum]
            found.append(hit)
        chosen = torch.stack(found, dim=-1)
        return integers(chosen) if self.as_classes else chosen


class GrooveHead(Head):
    """Chooses hits independently of each other; velocities and offsets are direct outputs.

    Args:
        hidden_dim: Width of the head's inputs.
        drums: Number of drums.
    """

    def __init__(self, hidden_dim: int, drums: int) -> None:
        super().__init__(hidden_dim, 3 * drums)
        self.drums = drums

    def logits(self, projected: Tensor) -> Tensor:
        """Return the linear layer's outputs: logits of hits, unbounded velocities and offsets."""
        return projected

    def log_prob(self, hidden: Tensor, target: Tensor) -> Tensor:
        """Return minus GrooVAE's loss of each step, which is not a density of a performance."""
        logits, velocity, offset = blocks(self.project(hidden).float())
        hits, loud, early = blocks(target)
        p = torch.sigmoid(logits)
        likely = torch.where(hits > 0.5, p, 1 - p)
        wrong = (torch.sigmoid(velocity) - loud).square() + (torch.tanh(offset) - early).square()
        return ((likely + _GROOVE_FLOOR).log() - wrong).sum(-1)

    def choose(
        self,
        projected: Tensor,
        temperature: float | Tensor,
        noise: Tensor | None,
        hits: Tensor | None = None,
    ) -> Tensor:
        """Return performances `(batch, 3 * drums)`.

        Args:
            projected: `(batch, outputs)`.
            temperature: Temperature of the hits; velocities and offsets are not drawn.
            noise: Uniform numbers `(batch, drums)`; None as for temperature 0.
            hits: The hits, as classes `(batch,)`; by default they are chosen.
        """
        logits, velocity, offset = blocks(projected)
        chosen = _bernoulli(logits, temperature, noise) if hits is None else bits(hits, self.drums)
        return torch.cat([chosen, torch.sigmoid(velocity), torch.tanh(offset)], dim=-1)


def _bernoulli(logits: Tensor, temperature: float | Tensor, noise: Tensor | None) -> Tensor:
    """Return 0 or 1 for each logit; at temperature 0 the likelier one, and 1 for a logit of 0."""
    if noise is None or (not isinstance(temperature, Tensor) and temperature == 0):
        return (logits >= 0).float()
    drawn = (noise < torch.sigmoid(logits / heated(temperature))).float()
    if isinstance(temperature, Tensor):
        drawn = torch.where(temperature > 0, drawn, (logits >= 0).float())
    return drawn


def make_output(
    voices: Voice | tuple[Voice, ...], hidden_dim: int, nade_dim: int
) -> Head | VoicesHead:
    """Return the untrained output layer of one voice, or of several voices of one decoder."""
    if isinstance(voices, Voice) and voices.head == "nade":
        return NadeHead(hidden_dim, voices, nade_dim)
    if isinstance(voices, Voice) and voices.head == "groove":
        return GrooveHead(hidden_dim, voices.classes)
    return make_head(voices, hidden_dim)


def drawn_numbers(voices: Voice | tuple[Voice, ...]) -> tuple[int, ...]:
    """Return the shape of the uniform numbers that are needed to draw a step."""
    if not isinstance(voices, Voice):
        return (len(voices),)
    if voices.head == "softmax":
        return ()
    return (voices.classes if voices.head == "groove" else set_size(voices),)
