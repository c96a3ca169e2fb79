"""The sequence VAE: its encoder and its decoder put together."""

from __future__ import annotations

from torch import Tensor

from seqvae.music.networks.architecture import SequenceArchitecture
from seqvae.music.networks.decoder import ConditionedLSTM, SequenceDecoder
from seqvae.music.networks.encoder import Reader, SequenceEncoder
from seqvae.music.networks.hierarchy import HierarchicalDecoder
from vaecore.model import VAE
from vaecore.objective import Objective


class SequenceVAE(VAE):
    """A VAE over windows of class indices, int64 `(batch, steps)`, or `(batch, steps, voices)`."""

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

    @property
    def mixed_precision(self) -> bool:
        """Whether the LSTMs train in bfloat16; weights and evaluation stay 32-bit."""
        return self.encoder.mixed_precision

    @mixed_precision.setter
    def mixed_precision(self, value: bool) -> None:
        for part in self.modules():
            if isinstance(part, Reader | ConditionedLSTM):
                part.mixed_precision = value

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)`, several voices concatenated.

        Args:
            z: Latent codes `(batch, latent_dim)`.
            target: Class indices `(batch, *shape)`; step t sees the targets before t.
        """
        return self.decoder.logits(z, target)
