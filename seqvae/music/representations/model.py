"""What representations know of a model of their windows, whose networks are a layer above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vaecore.distributions import DiagonalGaussian


class Size(Protocol):
    """The part of an architecture that a representation decides."""

    @property
    def steps(self) -> int:
        """Number of sixteenths of a window."""
        ...

    @property
    def classes(self) -> int | tuple[int, ...]:
        """Number of classes of a step; of several voices, that of each."""
        ...


class Generator(Protocol):
    """A decoder that can be given the hits of a performance."""

    def generate(
        self, z: Tensor, temperature: float, seed: int, hits: Tensor | None = None
    ) -> Tensor:
        """Return windows from codes; see `SequenceDecoder.generate`."""
        ...


class WindowModel(Protocol):
    """A VAE of windows, as far as representations use it; `SequenceVAE` is one."""

    @property
    def architecture(self) -> Size:
        """The sizes of windows."""
        ...

    @property
    def decoder(self) -> Generator:
        """The network from codes to windows."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    def encode(self, x: Tensor) -> DiagonalGaussian:
        """Return the posterior of windows; see `VAE.encode`."""
        ...

    def decode(self, z: Tensor, temperature: float = 0.0, seed: int = 0) -> Tensor:
        """Return windows from codes; see `VAE.decode`."""
        ...
