"""Plain convolutional networks: the lecture's, and a vanilla VAE as most tutorials have it.

They are here to be compared with, and to be read.
"""

from __future__ import annotations

from torch import Tensor, nn

from facevae.networks.architecture import FaceArchitecture

ENCODER = {"lecture": (32, 64, 64, 64), "vanilla": (32, 64, 128, 256)}
"""Channels after each convolution of the encoder; each halves height and width."""
DECODER = {"lecture": (64, 64, 32, 3), "vanilla": (128, 64, 32, 3)}
"""Channels after each transposed convolution of the decoder; each doubles height and width."""
SLOPE = {"lecture": 0.3, "vanilla": 0.01}
"""Of the leaky rectifier: the defaults of the libraries that the two come from."""


class PlainEncoder(nn.Module):
    """Pictures `(batch, 3, size, size)` to the posterior's mean and log standard deviation."""

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for channels in ENCODER[architecture.kind]:
            layers += [
                nn.Conv2d(before, channels, 3, stride=2, padding=1),
                nn.BatchNorm2d(channels),
                nn.LeakyReLU(SLOPE[architecture.kind]),
                nn.Dropout(architecture.dropout),
            ]
            before = channels
        features = before * (architecture.size // 16) ** 2
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(features, 2 * architecture.latent_dim)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation of pictures with values around 0."""
        mean, log_stddev = self.layers(x).float().chunk(2, dim=1)
        return mean, log_stddev


class PlainDecoder(nn.Module):
    """Codes `(batch, latent_dim)` to pictures `(batch, 3, size, size)`."""

    def __init__(self, architecture: FaceArchitecture) -> None:
        super().__init__()
        side, before = architecture.size // 16, ENCODER[architecture.kind][-1]
        layers: list[nn.Module] = [
            nn.Linear(architecture.latent_dim, before * side**2),
            nn.Unflatten(1, (before, side, side)),
        ]
        for channels in DECODER[architecture.kind]:
            layers.append(
                nn.ConvTranspose2d(before, channels, 3, stride=2, padding=1, output_padding=1)
            )
            # The last one has the three channels of a picture, and nothing after it.
            if channels > 3:
                layers += [
                    nn.BatchNorm2d(channels),
                    nn.LeakyReLU(SLOPE[architecture.kind]),
                    nn.Dropout(architecture.dropout),
                ]
            before = channels
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures with values around 0."""
        picture: Tensor = self.layers(z)
        return picture
