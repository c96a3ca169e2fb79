"""The description of a face VAE's architecture: plain data, stored in the model folder."""

from __future__ import annotations

from dataclasses import dataclass

from vaecore.objective import implied_noise

KINDS = ("lecture", "vanilla", "residual", "spatial")
ENLARGED = (1, 2)
LARGEST = {"size": 512, "latent_dim": 1 << 13, "width": 512, "blocks": 16}
"""Larger values in a model folder are refused before memory is allocated for them."""


@dataclass(frozen=True)
class FaceArchitecture:
    """Everything that decides the shape of a face VAE; stored in the model folder.

    The noise of p(x|z) is a Gaussian on every value of a picture in [0, 1]. Its standard
    deviation is either given (`sigma`) or follows from `reconstruction_factor`, the weight of the
    mean squared error in much published code of face VAEs.
    """

    kind: str = "residual"
    """"lecture" and "vanilla" are plain convolutions, "residual" is that of `faces_64_residual`,
    and the code of "spatial" is a feature map."""
    size: int = 64
    """Height and width of a picture, a multiple of 16."""
    latent_dim: int = 256
    width: int = 64
    """Channels at half resolution of the residual network, and in proportion of the spatial one;
    those of the plain ones are fixed."""
    blocks: int = 1
    """Residual blocks at each resolution."""
    dropout: float = 0.0
    """Probability of dropout after each hidden convolution of the plain networks, in training."""
    enlarged: int = 1
    """2 if a last stage of a spatial decoder draws a picture of half the size larger."""
    perceptual: int = 0
    """Channels of the first stage of the trunk (`facevae.networks.trunk`) in whose features a
    spatial model compares pictures where codes are refined. 0: pixels alone are compared."""
    realism: int = 0
    """Channels of the network that chooses among draws of the prior (`facevae.networks.realism`); a
    spatial model with a perceptual trunk can have one. 0: each sample is one draw."""
    sigma: float | None = None
    """Standard deviation of the noise, in units of the picture's range 0..1."""
    reconstruction_factor: float | None = None
    """Weight of the mean squared error in "factor * MSE + KL"; stands for a sigma."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        for name, largest in LARGEST.items():
            value = getattr(self, name)
            if not (isinstance(value, int) and 1 <= value <= largest):
                raise ValueError(f"{name} must be a number in 1..{largest}, got {value!r}")
        if self.size % 16:
            raise ValueError(f"size must be a multiple of 16, got {self.size}")
        if self.enlarged not in ENLARGED or isinstance(self.enlarged, bool):
            raise ValueError(f"enlarged must be 1 or 2, got {self.enlarged!r}")
        if self.enlarged > 1 and (self.kind != "spatial" or self.core_size % 16):
            raise ValueError(
                "only spatial networks can be enlarged, and half of their size must be a multiple "
                f"of 16: got {self.kind!r} and {self.size}"
            )
        widest = LARGEST["width"] if self.kind == "spatial" else 0
        if not isinstance(self.perceptual, int) or not 0 <= self.perceptual <= widest:
            raise ValueError(
                f"perceptual must be a number in 0..{widest} for {self.kind!r}, got "
                f"{self.perceptual!r}"
            )
        most = LARGEST["width"] if self.perceptual else 0
        if not isinstance(self.realism, int) or not 0 <= self.realism <= most:
            raise ValueError(
                f"realism must be a number in 0..{most}, with perceptual at {self.perceptual}: got "
                f"{self.realism!r}"
            )
        positions = self.positions
        if self.kind == "spatial" and (self.latent_dim % positions or self.width % 4):
            raise ValueError(
                f"a spatial code of {positions} positions needs a latent_dim that is a multiple of "
                f"{positions}, got {self.latent_dim}, and a width of 4, got {self.width}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")
        if (self.sigma is None) == (self.reconstruction_factor is None):
            raise ValueError("give either sigma or reconstruction_factor")
        if not self.noise > 0:
            raise ValueError(f"sigma must be above 0, got {self.sigma}")

    @property
    def core_size(self) -> int:
        """Height and width of the picture that is encoded, and decoded before it is enlarged."""
        return self.size // self.enlarged

    @property
    def positions(self) -> int:
        """Parts of a code, of equally many dimensions, that each describe a part of the picture."""
        return (self.core_size // 16) ** 2 if self.kind == "spatial" else 1

    @property
    def dimensions(self) -> int:
        """Event dimensions of a picture: height * width * channels."""
        return 3 * self.size**2

    @property
    def noise(self) -> float:
        """Standard deviation of p(x|z), in units of the picture's range 0..1."""
        if self.sigma is not None:
            return self.sigma
        assert self.reconstruction_factor is not None  # one of the two is given, as checked above
        return implied_noise(self.reconstruction_factor, self.dimensions).sigma
