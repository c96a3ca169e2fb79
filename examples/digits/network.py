"""The networks of digits: two hidden layers on either side of the latent space.

They are fully connected; convolutional ones are there for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from vaecore.model import VAE
from vaecore.objective import Objective

LARGEST = {"side": 256, "latent_dim": 1024, "hidden": 4096}
"""Larger values in a model folder are refused."""


@dataclass(frozen=True)
class DigitArchitecture:
    """Everything that decides the shape of a digit VAE; stored in the model folder."""

    side: int = 8
    """Height and width of a picture."""
    latent_dim: int = 2
    """Two, so that the latent space can be drawn as it is."""
    hidden: int = 256
    """Units of each hidden layer; of convolutions, their channels."""
    convolutional: bool = False
    """Convolutions in place of fully connected layers."""

    def __post_init__(self) -> None:
        if not isinstance(self.convolutional, bool):
            raise ValueError(f"convolutional must be true or false, got {self.convolutional!r}")
        for name, largest in LARGEST.items():
            if not 1 <= getattr(self, name) <= largest:
                raise ValueError(f"{name} must be in 1..{largest}, got {getattr(self, name)}")


def _layers(first: int, hidden: int, last: int) -> nn.Sequential:
    """Return two hidden layers and a linear one."""
    return nn.Sequential(
        nn.Linear(first, hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, last),
    )  # fmt: skip


def _convolutions(side: int, channels: int, outputs: int) -> nn.Sequential:
    """Return three convolutions, the last two halving the picture, and a linear layer."""
    half = (side + 1) // 2
    quarter = (half + 1) // 2
    return nn.Sequential(
        nn.Unflatten(1, (1, side, side)),
        nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(channels * quarter**2, outputs),
    )  # fmt: skip


def _enlarging(inputs: int, channels: int, side: int) -> nn.Sequential:
    """Return a linear layer and three convolutions, the first two after doubling the picture."""
    half = (side + 1) // 2
    quarter = (half + 1) // 2
    return nn.Sequential(
        nn.Linear(inputs, channels * quarter**2), nn.ReLU(),
        nn.Unflatten(1, (channels, quarter, quarter)),
        nn.Upsample((half, half)), nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
        nn.Upsample((side, side)), nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
        nn.Conv2d(channels, 1, 3, padding=1), nn.Flatten(),
    )  # fmt: skip


class DigitEncoder(nn.Module):
    """Pictures to mean and standard deviation of the posterior."""

    def __init__(self, architecture: DigitArchitecture) -> None:
        super().__init__()
        side, outputs = architecture.side, 2 * architecture.latent_dim
        if architecture.convolutional:
            self.layers = _convolutions(side, architecture.hidden, outputs)
        else:
            self.layers = _layers(side**2, architecture.hidden, outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation, `(batch, latent_dim)`, of `(batch, side, side)`."""
        mean, raw = self.layers(x.flatten(1)).chunk(2, dim=1)
        return mean, softplus(raw) + 1e-4


class DigitDecoder(nn.Module):
    """Codes to the probability of ink in each pixel.

    A picture's values are shares of ink. The likelihood is that of a black and white picture drawn
    from them, in the mean over all such pictures: the cross-entropy.
    """

    def __init__(self, architecture: DigitArchitecture) -> None:
        super().__init__()
        self.side = side = architecture.side
        if architecture.convolutional:
            self.layers = _enlarging(architecture.latent_dim, architecture.hidden, side)
        else:
            self.layers = _layers(architecture.latent_dim, architecture.hidden, side**2)

    def logits(self, z: Tensor) -> Tensor:
        """Return the logits of ink, `(batch, side, side)`."""
        return self.layers(z).unflatten(1, (self.side, self.side))

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats, summed over pixels, `(batch,)`."""
        return -binary_cross_entropy_with_logits(self.logits(z), x, reduction="none").sum((1, 2))

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        """Return the probabilities of ink; at a temperature, black and white drawn from them."""
        if temperature == 0:
            return self.logits(z).sigmoid()
        chance = (self.logits(z) / temperature).sigmoid()
        noise = torch.rand(chance.shape, generator=torch.Generator().manual_seed(seed))
        return (noise.to(chance) < chance).float()


def make_model(architecture: DigitArchitecture, objective: Objective | None = None) -> VAE:
    """Return an untrained VAE over pictures `(batch, side, side)`, shares of ink in [0, 1]."""
    encoder, decoder = DigitEncoder(architecture), DigitDecoder(architecture)
    model = VAE(encoder, decoder, architecture.latent_dim, objective)
    model.architecture = architecture
    return model
