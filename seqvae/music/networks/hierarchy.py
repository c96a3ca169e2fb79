"""The hierarchical decoder: a conductor plans the bars, and all bars are written at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from seqvae.music.networks.architecture import SequenceArchitecture, Voice
from seqvae.music.networks.decoder import Guided, SequenceDecoder
from seqvae.music.networks.levels import fold
from seqvae.sequences.sampling import uniform_noise

ROWS = 256
"""Bars that are decoded together: more of them leave the processor's caches, and take longer."""


class HierarchicalDecoder(nn.Module):
    """p(x|z) = prod_k prod_v p(bar k of voice v | embedding k), the embeddings a function of z.

    A conductor, an LSTM, unrolls z into an embedding for each bar; from it a core decoder for each
    voice, with weights of its own and shared by all bars, writes the bar (Roberts et al. 2018,
    section 3.2). With more than two levels there is a conductor for each but the last.

    Other than in the reference, a bar begins without a past, not with the last token of the bar
    before: given the embeddings all bars are independent. They are one batch therefore, with those
    of all other windows, and decoding takes as many steps as a bar has.
    """

    def __init__(self, architecture: SequenceArchitecture) -> None:
        super().__init__()
        a = architecture
        *above, steps = a.levels
        self.shape = a.shape
        self.segments = math.prod(above)
        """Bars of a window."""
        width, conductors = a.latent_dim, []
        for length in above:
            conductors.append(
                Guided(
                    length,
                    width,
                    a.segment_dim,
                    a.conductor_dim,
                    a.conductor_layers,
                    a.segment_dim,
                    a,
                )
            )
            width = conductors[-1].width
        self.conductors = nn.ModuleList(conductors)
        voices = (a.voices,) if isinstance(a.voices, Voice) else a.voices
        self.cores = nn.ModuleList(SequenceDecoder(a, steps, width, voice) for voice in voices)

    def embeddings(self, z: Tensor) -> Tensor:
        """Return what each bar is to be, `(batch * bars, width)`, the bars of a code in a row."""
        for conductor in self.conductors:
            z = conductor.outputs(z).transpose(0, 1).flatten(0, 1)
        return z

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats summed over steps and voices, `(batch,)`, teacher-forced."""
        said = self.embeddings(z)
        bars = sum(
            core.log_likelihood(voice, said)
            for core, voice in zip(self.cores, self._voices(fold(x, self.segments)), strict=True)
        )
        return bars.unflatten(0, (len(x), -1)).sum(1)

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)`, those of the voices abreast."""
        said = self.embeddings(z)
        voices = self._voices(fold(target, self.segments))
        logits = [core.logits(said, v) for core, v in zip(self.cores, voices, strict=True)]
        return torch.cat(logits, dim=-1).unflatten(0, (len(z), -1)).flatten(1, 2)

    @torch.no_grad()
    def generate(
        self, z: Tensor, temperature: float, seed: int, hits: Tensor | None = None
    ) -> Tensor:
        """Return examples `(batch, *shape)`: all bars of all codes together.

        The bars of a window are drawn with the same random numbers. Each is a draw from its own
        p(bar|z) as before, but bars of which z says the same come out the same, or nearly so: with
        numbers of their own, each would be another of the bars that z may mean.

        Arguments are those of `SequenceDecoder.generate`.
        """
        said = self.embeddings(z).split(ROWS)
        given = [None] * len(said) if hits is None else fold(hits, self.segments).split(ROWS)
        if temperature > 0:
            bar = (self.shape[0] // self.segments, *self.shape[1:])
            noise = uniform_noise(len(z), bar, seed, z.device)
            noise = noise.repeat_interleave(self.segments, dim=0)
            noises = [voice.split(ROWS) for voice in self._voices(noise)]
        else:
            noises = [[None] * len(said)] * len(self.cores)
        bars = [
            torch.cat(
                [
                    core.unroll(s, temperature, n, hits=h)
                    for s, n, h in zip(said, noise, given, strict=True)
                ]
            )
            for core, noise in zip(self.cores, noises, strict=True)
        ]
        x = bars[0] if len(self.cores) == 1 else torch.stack(bars, dim=-1)
        return x.unflatten(0, (len(z), -1)).flatten(1, 2)

    def _voices(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the voices of windows `(batch, *shape)`, one by one."""
        return (x,) if len(self.cores) == 1 else x.unbind(-1)
