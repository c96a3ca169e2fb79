"""Magenta's encoders: bidirectional LSTMs, flat or on two levels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.tokens import Classes, Numbers, Tokens, set_tokens
from seqvae.music.networks.levels import fold
from seqvae.music.representations.alphabet import CLOSED_HAT, DRUMS
from seqvae.music.representations.groove.performance import blocks, stiffened, tapped
from seqvae.sequences.layers import Layers
from seqvae.sequences.lstm import LSTM


class Reader(Layers[LSTM]):
    """A bidirectional LSTM whose layers may differ in width; it returns the top's last states.

    Args:
        input_dim: Width of its inputs.
        dims: Units per direction of each layer.
    """

    def __init__(self, input_dim: int, dims: tuple[int, ...]) -> None:
        widths = (input_dim, *(2 * dim for dim in dims))
        pairs = zip(widths[:-1], dims, strict=True)
        super().__init__(LSTM(width, dim, 1, bidirectional=True) for width, dim in pairs)

    def read(self, x: Tensor) -> Tensor:
        """Return `(batch, 2 * units of the top)` for inputs `(steps, batch, input)`."""
        for layer in self:
            x = layer.run(x)
        half = x.shape[-1] // 2
        return torch.cat([x[-1, :, :half], x[0, :, half:]], dim=-1)


class MagentaEncoder(nn.Module):
    """Returns mean and standard deviation of q(z|x) for a window.

    The standard deviation is a softplus, without a lower bound.
    """

    def __init__(self, architecture: MagentaArchitecture) -> None:
        super().__init__()
        a = architecture
        self.lengths = tuple(a.encoder_levels) or (a.steps,)
        self.hides, self.controlled, self.roll = a.hides, a.controlled, a.inputs == "roll"
        self.performed = a.head == "groove"
        self.tokens = tokens_read(a)
        dims = tuple(a.encoder_dims)
        width = a.input_width
        levels = []
        for _ in self.lengths:
            levels.append(Reader(width, dims))
            width = 2 * dims[-1]
        self.levels = Layers[Reader](levels)
        """The levels, beginning with the innermost."""
        self.mean = nn.Linear(width, a.latent_dim)
        self.stddev = nn.Linear(width, a.latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation `(batch, latent_dim)` for examples `(batch, *shape)`."""
        code = self.code(x)
        return self.mean(code), functional.softplus(self.stddev(code))

    def code(self, x: Tensor) -> Tensor:
        """Return the vector `(batch, width)` that mean and deviation are computed from."""
        read = fold(self.inputs(x), math.prod(self.lengths[:-1])).transpose(0, 1)
        for level, length in zip(self.levels, reversed((1, *self.lengths[:-1])), strict=True):
            read = level.read(read).unflatten(0, (-1, length)).transpose(0, 1)
        return read[0]

    def inputs(self, x: Tensor) -> Tensor:
        """Return the inputs of the LSTM for examples, `(batch, steps, input)`."""
        if self.performed:  # Magenta's decoder writes velocities and offsets without hits, too
            hits, velocity, offset = blocks(x)
            x = torch.cat([hits, hits * velocity, hits * offset], dim=-1)
        shown = self.tokens.dense(hidden_from(x, self.hides) if self.hides else x)
        if self.roll:
            shown = torch.cat([shown, (shown.amax(-1, keepdim=True) < 0.5).float()], dim=-1)
        if self.controlled:
            shown = torch.cat([shown, blocks(x)[0].float()], dim=-1)
        return shown


def hidden_from(x: Tensor, what: str) -> Tensor:
    """Return performances `(..., 27)` without the part that the encoder does not read.

    Args:
        x: Performances.
        what: `MagentaArchitecture.hides`, not empty.
    """
    if what == "feel":
        return stiffened(x)
    if what == "tapped":
        return tapped(x)
    x = x.clone()
    if what == "velocities":
        x[..., DRUMS : 2 * DRUMS] = 0
    else:
        x[..., CLOSED_HAT::DRUMS] = 0
    return x


def tokens_read(a: MagentaArchitecture) -> Tokens:
    """Return the tokens by which the encoder reads steps."""
    voices = a.voices
    if isinstance(voices, tuple):
        return Classes([voice.classes for voice in voices], True)
    if a.inputs == "roll":
        return set_tokens(voices)
    return Numbers(voices.shape[0]) if voices.shape else Classes([voices.classes], False)
