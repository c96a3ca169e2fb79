"""The hierarchical decoder: an embedding for each bar, and all bars written at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from seqvae.music.networks.architecture import SequenceArchitecture, Voice
from seqvae.music.networks.decoder import ConditionedLSTM, SequenceDecoder
from seqvae.music.networks.harmony import Harmony
from seqvae.music.networks.hearing import Hearing
from seqvae.music.networks.levels import fold
from seqvae.sequences.layers import Layers
from seqvae.sequences.sampling import uniform_noise
from seqvae.sequences.sizes import listed
from vaecore.device import pad

DECODED_AT_ONCE = 256
"""Bars that are decoded together; more do not fit the processor's caches, which is slower."""


class HierarchicalDecoder(nn.Module):
    """p(x|z) = prod_k prod_v p(bar k of voice v | embedding k), the embeddings a function of z.

    A conductor, an LSTM, unrolls z into an embedding for each bar. From it a core decoder for each
    voice, which all bars share, writes the bar (Roberts et al. 2018, section 3.2). With more than
    two levels there is a conductor for each but the last.

    Unlike in MusicVAE, a bar is not given the last token of the bar before it: given the
    embeddings, all bars are independent. So all bars of all windows are decoded as one batch, in as
    many steps as a bar has. With `hearing` the first voice is an input of the others; with
    `harmony` it raises the notes of the second voice, a bass, that suit it.
    """

    def __init__(self, architecture: SequenceArchitecture) -> None:
        super().__init__()
        a = architecture
        *above, steps = a.levels
        self.shape = a.shape
        self.segments = math.prod(above)
        """Number of segments (bars) of a window."""
        self.noise_shape = (steps, *a.shape[1:])
        """Shape of the uniform numbers that are needed to draw an example; see `generate`."""
        width, conductors = a.latent_dim, list[ConditionedLSTM]()
        sizes = (a.segment_dim, a.conductor_dim, a.conductor_layers, a.segment_dim)
        for length in above:
            conductors.append(ConditionedLSTM(length, width, *sizes, a))
            width = conductors[-1].width
        self.conductors = Layers[ConditionedLSTM](conductors)
        voices: tuple[Voice, ...] = listed(a.voices)
        self.cores = Layers[SequenceDecoder](
            SequenceDecoder(a, steps, width, voice) for voice in voices
        )
        ears = len(voices) - 1 if a.hearing else 0
        self.ears = Layers[Hearing](
            Hearing(voices[0].classes, a.embedding_dim, voices[0].alphabet) for _ in range(ears)
        )
        """For each voice after the first, its inputs from the first."""
        self.harmony = Harmony(a.harmony, voices[1].classes) if a.harmony else None
        """Harmony of the second voice, a bass."""

    def embeddings(self, z: Tensor) -> Tensor:
        """Return the embedding of every bar, `(batch * bars, width)`, window by window."""
        for conductor in self.conductors:
            # There may be few codes; there are always enough bars. See `vaecore.device.pad`.
            rows = z.shape[0]  # TorchScript takes `len` for a constant
            outputs = conductor.outputs(z if self.training else pad(z))[:, :rows]
            z = outputs.transpose(0, 1).flatten(0, 1)
        return z

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats summed over steps and voices, `(batch,)`, teacher-forced."""
        bars, voices = self.embeddings(z), self._voices(fold(x, self.segments))
        known = self._heard(voices[0]), self._tilts(voices[0])
        parts = zip(self.cores, voices, *known, strict=True)
        found = reduce(add, (core.log_likelihood(own, bars, *of) for core, own, *of in parts))
        return found.view(len(x), -1).sum(1)

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)`, all voices concatenated."""
        bars, voices = self.embeddings(z), self._voices(fold(target, self.segments))
        known = self._heard(voices[0]), self._tilts(voices[0])
        parts = zip(self.cores, voices, *known, strict=True)
        found = [core.logits(bars, own, *of) for core, own, *of in parts]
        return self._joined(found, torch.cat)

    def _heard(self, first: Tensor) -> Sequence[Tensor | None]:
        """Return each voice's inputs from the first voice, whose bars are `(rows * bars, steps)`.

        Returns:
            For each voice `(steps, rows * bars, embedding)`, or None for no inputs.
        """
        if not self.ears:
            return [None] * len(self.cores)
        whole = first.reshape(-1, self.shape[0])
        return [None, *(fold(ear(whole), self.segments).transpose(0, 1) for ear in self.ears)]

    def _tilts(self, first: Tensor) -> Sequence[Tensor | None]:
        """Return the additions to each voice's logits, as `_heard` returns inputs.

        There are none in training, where the core decoders would learn to undo them.
        """
        tilts: list[Tensor | None] = [None] * len(self.cores)
        if self.harmony is not None and not self.training:
            whole = first.reshape(-1, self.shape[0])
            tilts[1] = fold(self.harmony(whole), self.segments).transpose(0, 1)
        return tilts

    @torch.no_grad()
    def generate(
        self, z: Tensor, temperature: float, seed: int, hits: Tensor | None = None
    ) -> Tensor:
        """Return examples `(batch, *shape)`; the arguments are those of `SequenceDecoder.generate`.

        The bars of a window are drawn with the same random numbers. Each is a draw from its own
        p(bar|z), but bars with equal embeddings come out equal.
        """
        embeddings = self.embeddings(z).split(DECODED_AT_ONCE)
        count = len(embeddings)
        given: Sequence[Tensor | None] = [None] * count
        if hits is not None:
            given = fold(hits, self.segments).split(DECODED_AT_ONCE)
        noises: Sequence[Sequence[Tensor | None]] = [[None] * count] * len(self.cores)
        if temperature > 0:
            bar = (self.shape[0] // self.segments, *self.shape[1:])
            noise = uniform_noise(len(z), bar, seed, z.device)
            noise = noise.repeat_interleave(self.segments, dim=0)
            noises = [voice.split(DECODED_AT_ONCE) for voice in self._voices(noise)]
        bars = list[Tensor]()
        for k, (core, own) in enumerate(zip(self.cores, noises, strict=True)):
            known = (self._heard(bars[0])[k], self._tilts(bars[0])[k]) if bars else (None, None)
            heard, tilts = (
                [None] * count if each is None else each.split(DECODED_AT_ONCE, dim=1)
                for each in known
            )
            parts = zip(embeddings, own, given, heard, tilts, strict=True)
            written = [
                core.unroll(e, temperature, n, hits=h, heard=s, tilt=t) for e, n, h, s, t in parts
            ]
            bars.append(torch.cat(written))
        return self._joined(bars, torch.stack)

    def draw(self, z: Tensor, temperature: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return examples and logits, in operations that can be exported.

        The arguments and results are those of `SequenceDecoder.draw`.
        """
        embeddings = self.embeddings(z)
        bars = noise.unsqueeze(1).expand(-1, self.segments, *noise.shape[1:]).flatten(0, 1)
        written, logits = list[Tensor](), list[Tensor]()
        for k, (core, own) in enumerate(zip(self.cores, self._voices(bars), strict=True)):
            known = (self._heard(written[0])[k], self._tilts(written[0])[k]) if written else ()
            x, likelihood = core.draw(embeddings, temperature, own, *known)
            written.append(x)
            logits.append(likelihood)
        return self._joined(written, torch.stack), self._joined(logits, torch.cat)

    def _joined(self, voices: list[Tensor], join: Callable[..., Tensor]) -> Tensor:
        """Join the voices of bars `(rows * bars, steps, ...)`, and bars to windows."""
        bars = voices[0] if len(voices) == 1 else join(voices, dim=-1)
        return bars.reshape(-1, self.shape[0], *bars.shape[2:])

    def _voices(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the voices of windows `(batch, *shape)`, one by one."""
        return (x,) if len(self.cores) == 1 else x.unbind(-1)
