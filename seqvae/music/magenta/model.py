"""A VAE with Magenta's networks, for weights that Magenta trained."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from seqvae.music.magenta.architecture import MagentaArchitecture
from seqvae.music.magenta.decoder import MagentaDecoder
from seqvae.music.magenta.encoder import MagentaEncoder
from seqvae.music.networks.architecture import Voice
from vaecore.model import VAE
from vaecore.objective import Objective


class MagentaVAE(VAE):
    """A VAE over windows of music that computes what MusicVAE and GrooVAE do.

    `docs/magenta.md` lists the differences from `SequenceVAE`.
    """

    architecture: MagentaArchitecture
    encoder: MagentaEncoder
    decoder: MagentaDecoder

    def __init__(
        self, architecture: MagentaArchitecture, objective: Objective | None = None
    ) -> None:
        super().__init__(
            MagentaEncoder(architecture),
            MagentaDecoder(architecture),
            architecture.latent_dim,
            objective,
        )
        self.architecture = architecture

    def logits(self, z: Tensor, target: Tensor, control: Tensor | None = None) -> Tensor:
        """Return Magenta's teacher-forced logits `(batch, steps, width)`; see `MagentaDecoder`."""
        return self.decoder.logits(z, target, control)

    def forced(self, z: Tensor, target: Tensor) -> Tensor:
        """Return the likeliest class indices `(batch, steps, voices)`; see `SequenceVAE.forced`."""
        found = self.decoder.forced(z, target)
        voices = self.architecture.voices
        return voices.alphabet.indices(found)[..., None] if isinstance(voices, Voice) else found

    def without(self, classes: Sequence[Sequence[int]]) -> MagentaVAE:
        """Return a copy that never chooses some classes: the biases of their logits are -inf.

        Args:
            classes: The classes of each voice; where there are any, its head must be a softmax.
        """
        found = deepcopy(self)
        for head, never in zip(found.decoder.heads, classes, strict=True):
            if never:
                head.bias.data[list(never)] = -torch.inf
        found.never = tuple(map(tuple, classes))
        return found
