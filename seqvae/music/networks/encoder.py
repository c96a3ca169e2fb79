"""The encoder: from a window of class indices to a posterior over z."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.levels import fold
from seqvae.music.networks.voices import VoicesEmbedding, make_embedding
from seqvae.music.representations.groove.performance import stiffened, tapped
from seqvae.sequences.layers import Layers
from seqvae.sequences.lstm import LSTM
from vaecore.device import pad


class Reader(nn.Module):
    """A bidirectional LSTM that summarises a sequence of vectors in one vector.

    With `readout="final"` the summary is the last state of each direction (Roberts et al. 2018,
    section 3.1). With `readout="steps"` it is a small linear projection of every step's input and
    output, so that a detail in the middle need not survive the recurrence to the end.

    Args:
        steps: Length of the sequence.
        input_dim: Width of its vectors.
        hidden_dim: LSTM units per direction.
        layers: Number of layers.
        summary_dim: Width of a step's part of the summary, for "steps".
        a: The architecture: its readout and dropout are used.
    """

    def __init__(
        self,
        steps: int,
        input_dim: int,
        hidden_dim: int,
        layers: int,
        summary_dim: int,
        a: SequenceArchitecture,
    ) -> None:
        super().__init__()
        self.mixed_precision = False
        self.position = nn.Parameter(torch.randn(steps, 1, input_dim) * 0.1)
        self.lstm = LSTM(input_dim, hidden_dim, layers, bidirectional=True)
        self.dropout = nn.Dropout(a.dropout)
        self.summary: nn.Linear | None = None
        self.width = 2 * hidden_dim
        """Width of the summary."""
        if a.readout == "steps":
            self.summary = nn.Linear(2 * hidden_dim + input_dim, summary_dim)
            self.width = steps * summary_dim

    def read(self, inputs: Tensor) -> Tensor:
        """Return `(batch, width)` for vectors `(steps, batch, input)`."""
        rows = inputs.shape[1]
        if not self.training:
            inputs = pad(inputs, dim=1)  # outer levels may have few rows
        inputs = self.dropout(inputs + self.position)
        outputs = self.lstm.run(inputs, mixed_precision=self.mixed_precision and self.training)
        if self.summary is None:
            half = outputs.shape[-1] // 2
            return torch.cat([outputs[-1, :, :half], outputs[0, :, half:]], dim=-1)[:rows]
        summaries: Tensor = self.summary(torch.cat([outputs, inputs], dim=-1))
        return summaries[:, :rows].transpose(0, 1).flatten(1)


class VoicesReader(Layers[Reader]):
    """A reader for each voice of a bar; the summaries are concatenated."""

    @property
    def width(self) -> int:
        """Width of the summaries of all voices."""
        return sum(reader.width for reader in self)

    def read(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return `(batch, width)` for the vectors of each voice, `(steps, batch, input)`."""
        return torch.cat([r.read(each) for r, each in zip(self, inputs, strict=True)], dim=-1)


class SequenceEncoder(Reader):
    """Returns mean and standard deviation of q(z|x) for a window.

    With `encoder_levels` it is a hierarchy: of the levels (16, 16), the inner one reads the 16
    steps of each bar, all bars of all windows as one batch and each voice separately, and the outer
    one reads the summaries of the 16 bars. As in Magenta's HierarchicalLstmEncoder there are no
    layers between the levels.
    """

    def __init__(self, architecture: SequenceArchitecture) -> None:
        a = architecture
        self.lengths = tuple(a.encoder_levels) or (a.steps,)
        self.segments = math.prod(self.lengths[:-1])
        """Number of segments of a window, each of which the innermost level summarises."""
        self.stiff, self.tapped = a.stiff, a.tapped
        self.voices = len(a.voices) if isinstance(a.voices, tuple) else 1
        inner: list[Reader | VoicesReader] = []
        sizes = (a.embedding_dim, a.encoder_dim, a.encoder_layers, a.summary_dim)
        for steps in reversed(self.lengths[1:]):
            readers = [Reader(steps, *sizes, a) for _ in range(1 if inner else self.voices)]
            inner.append(VoicesReader(readers) if len(readers) > 1 else readers[0])
            sizes = (inner[-1].width, a.conductor_dim, a.conductor_layers, a.segment_dim)
        super().__init__(self.lengths[0], *sizes, a)
        self.embedding = make_embedding(a.voices, a.embedding_dim)
        self.inner = Layers[Reader | VoicesReader](inner)
        """The levels below the outermost one, beginning with the innermost."""
        self.mean = nn.Linear(self.width, a.latent_dim)
        self.stddev = nn.Linear(self.width, a.latent_dim)
        for layer in (self.mean, self.stddev):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation `(batch, latent_dim)` for class indices `(batch, *shape)`."""
        code = self.code(x)
        rows = code.shape[0]  # TorchScript takes `len` for a constant
        code = code if self.training else pad(code)
        # Unlike an exponential, softplus does not overflow. The constant keeps the standard
        # deviation from rounding to zero.
        return self.mean(code)[:rows], functional.softplus(self.stddev(code))[:rows] + 1e-4

    def code(self, x: Tensor) -> Tensor:
        """Return the summary `(batch, width)` that mean and deviation are computed from."""
        return self.read(self.vectors(x))

    def vectors(self, x: Tensor) -> Tensor:
        """Return the inputs of the outermost level, `(steps, batch, input)`: steps, or bars."""
        if self.training and self.stiff + self.tapped > 0:
            x = self._simplified(x)
        x = fold(x, self.segments).transpose(0, 1)  # (steps, segments of all, ...)
        vectors: Any  # for several voices a list of tensors, for `VoicesReader`
        if self.inner and isinstance(self.embedding, VoicesEmbedding):
            voices = zip(self.embedding, x.unbind(-1), strict=True)
            vectors = [embedding(voice) for embedding, voice in voices]
        else:
            vectors = self.embedding(x)
        for reader, length in zip(self.inner, reversed(self.lengths[:-1]), strict=True):
            vectors = reader.read(vectors).unflatten(0, (-1, length)).transpose(0, 1)
        outermost: Tensor = vectors
        return outermost

    def _simplified(self, x: Tensor) -> Tensor:
        """Return performances, some of them without velocities and timing, others as rhythm alone.

        The decoder's targets stay the whole performances, so that the posterior of a stiff beat
        covers the performances with these hits.
        """
        chance = torch.rand(len(x), 1, 1, device=x.device)
        others = torch.where(chance < self.stiff, stiffened(x), x)
        return torch.where(chance >= 1 - self.tapped, tapped(x), others)
