"""The description of a face VAE's architecture: plain data, stored in the model folder."""

from __future__ import annotations

from dataclasses import dataclass, fields

from vaecore.objective import implied_noise

KINDS = ("lecture", "vanilla", "residual")
LARGEST = {"size": 512, "latent_dim": 1 << 13, "width": 512, "blocks": 16}
"""A model folder that asks for more is broken or hostile, and is refused before it takes memory."""


@dataclass(frozen=True)
class FaceArchitecture:
    """Everything that decides the shape of a face VAE; stored in the model folder.

    The noise of p(x|z) is a Gaussian on every value of a picture in [0, 1]. Its standard
    deviation is either given (`sigma`) or follows from `reconstruction_factor`, the weight that
    much face-VAE code puts on the mean squared error.
    """

    kind: str = "residual"
    """"lecture" and "vanilla" are plain convolutions; "residual" is ours (see `residual`)."""
    size: int = 64
    """Height and width of a picture, a multiple of 16."""
    latent_dim: int = 256
    width: int = 64
    """Channels at half resolution of the residual network; the plain ones are what they are."""
    blocks: int = 1
    """Residual blocks at each resolution."""
    dropout: float = 0.0
    """After each convolution of the plain networks' encoders, in training."""
    sigma: float | None = None
    """Standard deviation of the noise, in units of the picture's range 0..1."""
    reconstruction_factor: float | None = None
    """Weight of the mean squared error in "factor * MSE + KL"; stands for a sigma."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for field in fields(self):
            value, largest = getattr(self, field.name), LARGEST.get(field.name)
            if field.type == "int" and not (isinstance(value, int) and 1 <= value <= largest):
                raise ValueError(f"{field.name} must be a number in 1..{largest}, got {value!r}")
        if self.size % 16:
            raise ValueError(f"size must be a multiple of 16, got {self.size}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")
        if (self.sigma is None) == (self.reconstruction_factor is None):
            raise ValueError("give either sigma or reconstruction_factor")
        if not self.noise > 0:
            raise ValueError(f"sigma must be above 0, got {self.sigma}")

    @property
    def dimensions(self) -> int:
        """Event dimensions of a picture: height * width * channels."""
        return 3 * self.size**2

    @property
    def noise(self) -> float:
        """Standard deviation of p(x|z), in units of the picture's range 0..1."""
        if self.sigma is not None:
            return self.sigma
        return implied_noise(self.reconstruction_factor, self.dimensions).sigma
