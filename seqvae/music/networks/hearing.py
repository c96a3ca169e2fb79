"""Voices that hear each other: what a voice knows of another that is written before it."""

from __future__ import annotations

from torch import Tensor, nn

from seqvae.music.representations import Alphabet
from seqvae.music.representations.perception.notes import sounding


class Hearing(nn.Module):
    """Turns a voice of notes into inputs of another voice at the same steps.

    A step is heard as what begins there and as the note that sounds there, which may have begun
    bars before. Untrained, nothing is heard, so that a model that did not hear goes on from what it
    was.

    Args:
        classes: Of the voice that is heard.
        embedding_dim: Width of an input.
        alphabet: Of the voice that is heard.
    """

    def __init__(self, classes: int, embedding_dim: int, alphabet: Alphabet) -> None:
        super().__init__()
        self.begins = alphabet.embedding(classes, embedding_dim)
        self.sounds = alphabet.embedding(classes, embedding_dim)
        for weight in self.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return inputs `(batch, steps, embedding)` for whole windows `(batch, steps)`."""
        heard: Tensor = self.begins(x) + self.sounds(sounding(x))
        return heard
