"""The sequence VAE: its encoder and its decoder put together."""

from __future__ import annotations

from torch import Tensor

from seqvae.networks.architecture import SequenceArchitecture
from seqvae.networks.decoder import SequenceDecoder
from seqvae.networks.encoder import SequenceEncoder
from vaecore.model import VAE
from vaecore.objective import Objective


class SequenceVAE(VAE):
    """A VAE over windows of class indices `(batch, steps)`, int64."""

    def __init__(
        self, architecture: SequenceArchitecture, objective: Objective | None = None
    ) -> None:
        super().__init__(
            SequenceEncoder(architecture),
            SequenceDecoder(architecture),
            architecture.latent_dim,
            objective,
        )
        self.architecture = architecture

    @property
    def mixed_precision(self) -> bool:
        """Whether the LSTMs train in bfloat16; weights and evaluation stay 32-bit."""
        return self.decoder.mixed_precision

    @mixed_precision.setter
    def mixed_precision(self, value: bool) -> None:
        self.encoder.mixed_precision = self.decoder.mixed_precision = value

    def logits(self, z: Tensor, target: Tensor) -> Tensor:
        """Return teacher-forced logits `(batch, steps, classes)`.

        Args:
            z: Latent codes `(batch, latent_dim)`.
            target: Class indices `(batch, steps)`; step t sees the targets before t.
        """
        return self.decoder.logits(z, target)
