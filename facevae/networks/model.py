"""The face VAE: a convolutional encoder and decoder put together, whatever their kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from facevae.networks.architecture import FaceArchitecture
from facevae.networks.enlarging import halved
from facevae.networks.plain import PlainDecoder, PlainEncoder
from facevae.networks.realism import Realism
from facevae.networks.residual import (
    ResidualDecoder,
    ResidualEncoder,
    start_from_principal_components,
)
from facevae.networks.spatial import SpatialDecoder, SpatialEncoder
from facevae.networks.trunk import Trunk, feature_distance
from vaecore.model import VAE
from vaecore.objective import Objective

LARGEST_LOG = 8.0
"""Bound on the logarithm of a posterior's standard deviation, so that no exp overflows."""
ENCODERS: dict[str, type[ResidualEncoder | SpatialEncoder | PlainEncoder]] = {
    "residual": ResidualEncoder,
    "spatial": SpatialEncoder,
}
DECODERS: dict[str, type[ResidualDecoder | SpatialDecoder | PlainDecoder]] = {
    "residual": ResidualDecoder,
    "spatial": SpatialDecoder,
}
"""By kind; the networks of all other kinds are plain."""
PERCEPTUAL, RATE = 3000.0, 0.02
"""Where codes are refined: weight of the perceptual distance, in nats, and the rate that goes with
it; the distance is more curved than a posterior is. Chosen on validation faces (docs/faces.md)."""
CANDIDATES = 8
"""Draws of the prior of which a sample is the best, where a model can tell."""
SCORED_AT_ONCE = 128
CENTRE, SCALE = 0.5, 0.25
"""Inputs and outputs of the networks are (x - centre) / scale, about -2..2."""


def _autocast(device: torch.device, enabled: bool) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


class FaceEncoder(nn.Module):
    """Pictures to mean and standard deviation of the posterior."""

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        self.network = ENCODERS.get(architecture.kind, PlainEncoder)(architecture)
        self.mixed_precision = False

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation, each `(batch, latent_dim)`, 32-bit.

        Args:
            x: Pictures `(batch, 3, size, size)`, values in 0..1.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        with _autocast(x.device, self.mixed_precision):
            mean, log_stddev = self.network((x - CENTRE) / SCALE)
        return mean, log_stddev.clamp(-LARGEST_LOG, LARGEST_LOG).exp()


class FaceDecoder(nn.Module):
    """Codes to pictures; p(x|z) has Gaussian noise of the same standard deviation everywhere."""

    draws = False

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        self.network = DECODERS.get(architecture.kind, PlainDecoder)(architecture)
        self.noise = architecture.noise
        self.mixed_precision = False

    def forward(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z): pictures `(batch, 3, size, size)`, about 0..1, 32-bit."""
        with _autocast(z.device, self.mixed_precision):
            x = self.network(z)
        picture: Tensor = x.float() * SCALE + CENTRE
        return picture

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats, summed over all values of a picture, `(batch,)`.

        It is the log density of values in 0..1, and may be above 0.
        """
        return self.log_density(x, self(z))

    def log_density(self, x: Tensor, mean: Tensor) -> Tensor:
        """Return log N(x; mean, noise^2) of pictures, in nats, `(batch,)`."""
        deviation = (x - mean).flatten(1) / self.noise
        constant = math.log(self.noise) + 0.5 * math.log(2 * math.pi)
        return -0.5 * deviation.square().sum(1) - constant * deviation.shape[1]

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        """Return one picture per row of z, values in 0..1: the mean of p(x|z).

        The noise of p(x|z) is independent from pixel to pixel and would only look like grain: no
        temperature adds it.
        """
        picture: Tensor = self(z)
        return picture.clamp(0, 1)


class FaceVAE(VAE):
    """A VAE over pictures `(batch, 3, size, size)`, RGB, values in 0..1."""

    architecture: FaceArchitecture
    encoder: FaceEncoder
    decoder: FaceDecoder

    def __init__(self, architecture: FaceArchitecture, objective: Objective | None = None) -> None:
        super().__init__(
            FaceEncoder(architecture), FaceDecoder(architecture), architecture.latent_dim, objective
        )
        self.architecture = architecture
        self.perceptual: Trunk | None = None
        if architecture.perceptual:
            self.perceptual = Trunk(architecture.perceptual, blocks=1).requires_grad_(False).eval()
            self.refinement_rate = RATE
        self.realism: Realism | None = None
        if architecture.realism:
            sizes = architecture.perceptual, architecture.realism, architecture.core_size
            self.realism = Realism(*sizes).requires_grad_(False).eval()
            self.candidates = CANDIDATES
        self.fitted_last = ("realism.",)
        # Convolutions are faster with the channels of a pixel side by side.
        self.to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> FaceVAE:
        """Set training or evaluation mode; features are those of evaluation in both."""
        super().train(mode)
        for part in (self.perceptual, self.realism):
            if part is not None:
                part.eval()
        return self

    @torch.no_grad()
    def preference(self, z: Tensor) -> Tensor:
        """Return how much the pictures of codes look like photographs, as `VAE.preference` says.

        Pictures that are enlarged are scored before that, so that all sizes have the same samples.
        """
        trunk, decoder = self.perceptual, self.decoder.network
        if self.realism is None or trunk is None or not isinstance(decoder, SpatialDecoder):
            return super().preference(z)
        found = []
        for part in z.to(self.device).split(SCORED_AT_ONCE):
            pictures = (decoder.core(part)[0] * SCALE + CENTRE).clamp(0, 1)
            found.append(self.realism(pictures, trunk))
        return torch.cat(found).cpu()

    def closeness(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """Return how close decoded codes come to pictures, as `VAE.closeness` says.

        A model that has a perceptual trunk also compares features, as its decoder was trained to:
        by the likelihood alone, refined pictures would be blurred. Pictures that are enlarged are
        compared before that, so that all sizes have the same codes.
        """
        trunk, decoder = self.perceptual, self.decoder.network
        if trunk is None or not isinstance(decoder, SpatialDecoder):
            return super().closeness(x)
        with torch.no_grad():
            original = halved(x) if decoder.enlarger is not None else x
            targets = trunk.stages(original)

        def closeness(z: Tensor) -> Tensor:
            picture = decoder.core(z)[0] * SCALE + CENTRE
            distance = feature_distance(trunk.stages(picture), targets)
            return self.decoder.log_density(original, picture) - PERCEPTUAL * distance

        return closeness

    def start(self, batches: Iterable[Tensor]) -> None:
        """Start an untrained residual network from the pictures' principal components.

        Args:
            batches: One pass over pictures `(batch, 3, size, size)`; several thousand are enough.
        """
        encoder, decoder = self.encoder.network, self.decoder.network
        if isinstance(encoder, ResidualEncoder) and isinstance(decoder, ResidualDecoder):
            start_from_principal_components(
                encoder,
                decoder,
                ((x - CENTRE) / SCALE for x in batches),
                self.decoder.noise / SCALE,
            )
