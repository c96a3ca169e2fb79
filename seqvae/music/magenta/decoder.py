"""Magenta's decoders: cores that write the steps of segments, under conductors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.chain import Chain
from seqvae.music.magenta.core import Conductor, Core
from seqvae.music.magenta.heads import drawn_numbers
from seqvae.music.magenta.tokens import bits
from seqvae.music.networks.architecture import Voice
from seqvae.music.networks.levels import fold
from seqvae.music.networks.voices import VoicesHead
from seqvae.music.representations.groove.performance import blocks
from seqvae.sequences.heads import Head
from seqvae.sequences.layers import Layers
from seqvae.sequences.sampling import uniform_noise


class MagentaDecoder(nn.Module):
    """p(x|z) of Magenta: bars, each given the last step of the bar before it."""

    def __init__(self, architecture: MagentaArchitecture) -> None:
        super().__init__()
        a = architecture
        *above, self.length = a.levels or (a.steps,)
        self.segments = math.prod(above)
        """Number of segments (bars) of a window; 1 for a flat decoder."""
        width, dims = a.latent_dim, tuple(a.conductor_dims)
        conductors = []
        for length in above:
            conductors.append(Conductor(width, length, dims))
            width = dims[-1]
        self.conductors = Layers[Conductor](conductors)
        voices = a.voices
        apart = isinstance(voices, tuple) and not a.joint
        self.cores = Layers[Core](
            Core(a, width, own)
            for own in (voices if apart else (voices,))  # type: ignore[union-attr]
        )
        self.apart = apart
        self.controlled = a.controlled
        self.drums = voices.classes if isinstance(voices, Voice) else 0
        self.noise_shape = (a.steps, *drawn_numbers(voices))
        """Shape of the uniform numbers that are needed to draw a window."""
        self.control_shape = (a.steps, self.drums) if a.controlled else None
        """Shape of the hits of a window as a further input; None if the model is not controlled."""

    @property
    def heads(self) -> list[Head]:
        """The head of each voice."""
        found: list[Head] = []
        for core in self.cores:
            found += core.head if isinstance(core.head, VoicesHead) else [core.head]
        return found

    def codes(self, z: Tensor) -> Tensor:
        """Return the code of every segment, `(batch * segments, width)`, window by window."""
        for conductor in self.conductors:
            z = conductor(z)
        return z

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats summed over steps and voices, `(batch,)`, teacher-forced.

        It is minus Magenta's reconstruction loss, which is not a density of performances.
        """
        found = z.new_zeros(())
        for core, own, hidden in zip(self.cores, self._voices(x), self._hidden(x, z), strict=True):
            target = fold(own, self.segments).transpose(0, 1)
            found = found + core.head.log_prob(hidden, target).sum(0)
        return found.view(len(x), -1).sum(1)

    def logits(self, z: Tensor, target: Tensor, control: Tensor | None = None) -> Tensor:
        """Return the teacher-forced outputs of the linear layers, `(batch, steps, width)`.

        Args:
            z: Codes `(batch, latent_dim)`.
            target: Examples `(batch, *shape)`.
            control: Hits `(batch, steps, drums)`, if the model is controlled; by default the
                target's.
        """
        pairs = zip(self.cores, self._hidden(target, z, control), strict=True)
        found = torch.cat([core.head.project(hidden) for core, hidden in pairs], dim=-1)
        return self._whole(found.transpose(0, 1), len(z))

    def forced(self, z: Tensor, target: Tensor) -> Tensor:
        """Return the likeliest value of each step given z and the true steps before it.

        With NADE, the likeliest value of each drum given the drums before it. The result has the
        shape of the targets, `(batch, *shape)`.
        """
        voices = []
        for core, hidden in zip(self.cores, self._hidden(target, z), strict=True):
            chosen = core.head.choose(core.head.project(hidden).flatten(0, 1), 0.0, None)
            chosen = chosen.unflatten(0, hidden.shape[:2]).transpose(0, 1)
            voices.append(self._whole(chosen, len(z)))
        return self._joined(voices)

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        temperature: float,
        seed: int,
        hits: Tensor | None = None,
        control: Tensor | None = None,
    ) -> Tensor:
        """Return examples `(batch, *shape)`, free running.

        Args:
            z: Codes `(batch, latent_dim)`.
            temperature: 0 takes the likeliest value of each step.
            seed: Seed of the draw.
            hits: Fixed hits of performances, as classes of drums `(batch, steps)`; by default they
                are chosen.
            control: Hits as an input of the decoder, `(batch, steps, drums)`, if the model is
                controlled; by default the fixed hits, or none.
        """
        noise = None
        if temperature > 0:
            noise = uniform_noise(len(z), self.noise_shape, seed, z.device)
        if noise is None and hits is None and control is None:  # padded batches have equal codes
            z, place = torch.unique_consecutive(z, dim=0, return_inverse=True)
            return self.unroll(z)[place]
        return self.unroll(z, temperature, noise, hits, control)

    @torch.no_grad()
    def unroll(
        self,
        z: Tensor,
        temperature: float = 0.0,
        noise: Tensor | None = None,
        hits: Tensor | None = None,
        control: Tensor | None = None,
        parallel: bool = True,
    ) -> Tensor:
        """Return examples like `generate`.

        Args:
            z: Codes `(batch, latent_dim)`.
            temperature: 0 takes the likeliest value of each step.
            noise: Uniform numbers `(batch, *noise_shape)`; needed above temperature 0.
            hits: See `generate`.
            control: See `generate`.
            parallel: Write all bars at once; otherwise one after the other, with the same result.
        """

        def folded(x: Tensor | None) -> Tensor | None:
            return None if x is None else fold(x, self.segments)

        if not self.controlled:
            control = None
        elif control is None:
            blank = z.new_zeros(len(z), self.segments * self.length, self.drums)
            control = blank if hits is None else bits(hits, self.drums)
        codes, fixed, control = self.codes(z), folded(hits), folded(control)
        noises = [None] * len(self.cores) if noise is None else self._voices(noise)
        voices = []
        for core, own in zip(self.cores, noises, strict=True):
            writer = core.writer(codes, control)
            chain = Chain(writer, self.segments, self.length, temperature, folded(own), fixed)
            written = chain.at_once() if parallel else chain.in_order()
            voices.append(self._whole(written, len(z)))
        return self._joined(voices)

    def draw(
        self, z: Tensor, temperature: Tensor, noise: Tensor, control: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the results of `unroll` and of `logits`, in operations that can be exported.

        Args:
            z: Codes `(batch, latent_dim)`.
            temperature: A tensor without dimensions; 0 takes the likeliest value of each step.
            noise: Uniform numbers `(batch, *noise_shape)`.
            control: `(batch, *control_shape)`, 1 where a drum is hit and 0 elsewhere; needed if
                the model is controlled.
        """
        codes = self.codes(z)
        pairs = zip(self.cores, self._voices(noise), strict=True)
        found = [core.draw(codes, self.segments, temperature, own, control) for core, own in pairs]
        voices, outputs = zip(*found, strict=True)
        return self._joined(voices), torch.cat(outputs, dim=-1)

    def _hidden(self, x: Tensor, z: Tensor, control: Tensor | None = None) -> list[Tensor]:
        """Return the teacher-forced outputs of the top of each core, `(steps, rows, units)`."""
        codes = self.codes(z)
        if self.controlled:
            control = fold(blocks(x)[0].float() if control is None else control, self.segments)
        found = []
        for core, own in zip(self.cores, self._voices(x), strict=True):
            steps = core.tokens.dense(own)
            before = torch.cat([torch.zeros_like(steps[:, :1]), steps[:, :-1]], dim=1)
            found.append(core.hidden(codes, fold(before, self.segments), control))
        return found

    def _voices(self, x: Tensor) -> list[Tensor]:
        """Return the voices of windows that each core writes."""
        return list(x.unbind(-1)) if self.apart else [x]

    def _joined(self, voices: Sequence[Tensor]) -> Tensor:
        """Return windows of the voices that each core wrote."""
        return torch.stack(list(voices), dim=-1) if self.apart else voices[0]

    def _whole(self, segments: Tensor, rows: int) -> Tensor:
        """Return windows `(rows, steps, ...)` of segments `(rows * segments, ...)`."""
        return segments.reshape(rows, -1, *segments.shape[2:])
