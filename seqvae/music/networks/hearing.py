"""What the decoder of a voice is given of another voice, which is decoded before it."""

from __future__ import annotations

from torch import Tensor, nn

from seqvae.music.representations import Alphabet
from seqvae.music.representations.perception.notes import sounding


class Hearing(nn.Module):
    """Turns a voice of notes into inputs of another voice at the same steps.

    A step is embedded as what begins there and as the note that sounds there, which may have begun
    bars before. Zero-initialised, so that a model that was trained without it can go on from its
    weights.

    Args:
        classes: Of the voice that is given.
        embedding_dim: Width of an input.
        alphabet: Of the voice that is given.
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
