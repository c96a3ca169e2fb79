"""The bidirectional LSTM encoder: a window of class indices to a posterior over z."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.networks.architecture import SequenceArchitecture
from seqvae.networks.embedding import TokenEmbedding
from seqvae.networks.lstm import LSTM


class SequenceEncoder(nn.Module):
    """Reads a window in both directions and returns mean and standard deviation of q(z|x).

    `readout="final"` takes the last state of each direction (Roberts et al. 2018, section 3.1).
    `readout="steps"` takes a small linear summary of every step's input and output instead, so a
    detail in the middle of the window need not survive the recurrence to its end.
    """

    def __init__(self, architecture: SequenceArchitecture) -> None:
        super().__init__()
        a = architecture
        self.mixed_precision = False
        self.embedding = TokenEmbedding(a.tokens, a.classes, a.embedding_dim)
        self.position = nn.Parameter(torch.randn(a.steps, 1, a.embedding_dim) * 0.1)
        self.lstm = LSTM(a.embedding_dim, a.encoder_dim, a.encoder_layers, bidirectional=True)
        self.dropout = nn.Dropout(a.dropout)
        if a.readout == "steps":
            self.summary: nn.Linear | None = nn.Linear(
                2 * a.encoder_dim + a.embedding_dim, a.summary_dim
            )
            width = a.steps * a.summary_dim
        else:
            self.summary = None
            width = 2 * a.encoder_dim
        self.mean = nn.Linear(width, a.latent_dim)
        self.stddev = nn.Linear(width, a.latent_dim)
        for layer in (self.mean, self.stddev):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation `(batch, latent_dim)` for class indices `(batch, steps)`."""
        inputs = self.dropout(self.embedding(x.t()) + self.position)  # (steps, batch, embedding)
        outputs = self.lstm.run(inputs, mixed_precision=self.mixed_precision and self.training)
        if self.summary is None:
            half = outputs.shape[-1] // 2
            code = torch.cat([outputs[-1, :, :half], outputs[0, :, half:]], dim=-1)
        else:
            code = self.summary(torch.cat([outputs, inputs], dim=-1)).transpose(0, 1).flatten(1)
        # softplus gives the standard deviation itself (no exponential to overflow); the small
        # constant keeps it from rounding to zero for very negative inputs.
        return self.mean(code), functional.softplus(self.stddev(code)) + 1e-4
