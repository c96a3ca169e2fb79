"""One voice, which is decoded first, as an input of another voice's decoder."""

from __future__ import annotations

from torch import Tensor, nn

from seqvae.music.representations import Alphabet
from seqvae.music.representations.perception.notes import sounding


class Hearing(nn.Module):
    """Turns a voice of notes into inputs of another voice at the same steps.

    The input of a step is the sum of two embeddings: of the class at the step, and of the note that
    sounds there, which may have begun bars before. They are zero-initialised, so that the weights
    of a model that was trained without them can be used.

    Args:
        classes: Number of classes of the first voice.
        embedding_dim: Width of an input.
        alphabet: Alphabet of the first voice.
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
