"""The sequence VAE: encoder, decoder and loss."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from seqvae.music.networks.architecture import SequenceArchitecture, Voice
from seqvae.music.networks.decoder import SequenceDecoder
from seqvae.music.networks.encoder import SequenceEncoder
from seqvae.music.networks.hierarchy import HierarchicalDecoder
from seqvae.music.reading.grids import grid
from seqvae.sequences.sizes import listed
from vaecore.distributions import Noise
from vaecore.model import VAE
from vaecore.objective import LossTerms, Objective
from vaecore.paths import slerp


class SequenceVAE(VAE):
    """A VAE over windows of class indices, int64 `(batch, steps)`, or `(batch, steps, voices)`."""

    architecture: SequenceArchitecture
    encoder: SequenceEncoder
    decoder: SequenceDecoder | HierarchicalDecoder

    def __init__(
        self, architecture: SequenceArchitecture, objective: Objective | None = None
    ) -> None:
        decoder = HierarchicalDecoder if architecture.levels else SequenceDecoder
        super().__init__(
            SequenceEncoder(architecture), decoder(architecture), architecture.latent_dim, objective
        )
        self.architecture = architecture
        voices = architecture.voices
        bar = grid(architecture.grid)
        self._perception = voices.alphabet.perception(bar) if isinstance(voices, Voice) else None

    def without(self, classes: Sequence[Sequence[int]]) -> SequenceVAE:
        """Return a copy that never chooses some classes.

        Args:
            classes: The classes of each voice; where there are any, its head must be a softmax, or
                one that chooses notes by keys.
        """
        found = deepcopy(self)
        decoder = found.decoder
        cores = [decoder] if isinstance(decoder, SequenceDecoder) else list(decoder.cores)
        heads = [head for core in cores for head in core.heads]
        for head, never in zip(heads, classes, strict=True):
            if never:
                head.forbid(never)
        found.never = tuple(map(tuple, classes))
        return found

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)`, several voices concatenated.

        Args:
            z: Latent codes `(batch, latent_dim)`.
            target: Class indices `(batch, *shape)`; step t sees the targets before t.
        """
        return self.decoder.logits(z, target)

    def forced(self, z: Tensor, target: Tensor) -> Tensor:
        """Return the likeliest class indices given z and the true steps before them.

        The arguments are those of `logits`. For performances these are the classes of the hits.

        Returns:
            `(batch, steps, voices)`.
        """
        voices: tuple[Voice, ...] = listed(self.architecture.voices)
        classes = [voice.alphabet.outcomes(voice.classes) for voice in voices]
        logits = self.logits(z, target).split(classes, dim=-1)
        return torch.stack([each.argmax(-1) for each in logits], dim=-1)

    def loss(
        self,
        x: Tensor,
        step: int | None = None,
        generator: torch.Generator | Noise | None = None,
    ) -> LossTerms:
        """Return the objective and its parts for a batch; see `VAE.loss`.

        In training, `blended_loss` is added with the weight `blend` of the architecture.
        """
        weight = self.architecture.blend
        if not (self.training and weight) or len(x) < 2:
            return super().loss(x, step, generator)
        posterior = self.encode(x)
        z = self.objective.latent(posterior, generator)
        terms = self.objective(self.log_likelihood(x, z), posterior.kl(), step)
        return terms._replace(loss=terms.loss + weight * self.blended_loss(x, z))

    def blended_loss(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the mean of -log p(blend | code between) in nats over pairs of rows.

        A decoder that was trained on codes of windows alone mostly jumps somewhere between two of
        them. The targets are those of `VoicePerception.blend`; the codes lie between the straight
        line and the arc.

        Args:
            x: Windows `(batch, steps)`.
            z: Their codes `(batch, latent_dim)`.
        """
        perception = self._perception
        assert perception is not None  # the architecture has checked it
        half = len(x) // 2
        a, b, first, second = x[:half], x[half : 2 * half], z[:half], z[half : 2 * half]
        share, bend = torch.rand(2, half, device=x.device)
        line, arc = torch.lerp(first, second, share[:, None]), slerp(first, second, share)
        target = perception.blend(a, b, share)
        return -self.log_likelihood(target, torch.lerp(line, arc, bend[:, None])).mean()
