"""The variational autoencoder: an encoder, a decoder and an objective, for all domains.

Kingma & Welling 2014, "Auto-Encoding Variational Bayes". A domain supplies the two networks;
posterior, reparameterised draw and loss are the same for a bar of music and for a face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn

from vaecore.distributions import DiagonalGaussian, Noise
from vaecore.objective import LossTerms, Objective
from vaecore.refinement import RATE, refined
from vaecore.seeds import check_seed

Part = Literal["encoder", "decoder"]
"""The two networks of a VAE."""


class Encoder(Protocol):
    """The interface of a domain's encoder network, an `nn.Module`.

    An encoder that splits each row, such as a phrase into its bars, has an attribute `segments`,
    the number of parts, and pads where it has fewer rows (see `vaecore.device.pad`). So do
    decoders.
    """

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of q(z|x), each `(batch, latent_dim)`."""


class Decoder(Protocol):
    """The interface of a domain's decoder network, an `nn.Module`.

    A deterministic decoder, which ignores the temperature, has `draws = False`. Others can be
    exported (see `vaecore.export`) if they have `noise_shape` and a method
    `draw(z, temperature, noise)`: `generate` as pure tensor operations, given uniform random
    numbers `(batch, *noise_shape)` and a temperature `()`; it returns examples and logits. A
    decoder with a further input at each step has `control_shape`; `draw`, `generate` and the
    model's `logits` then take `control`, `(batch, *control_shape)`, as their last argument.
    """

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats, summed over all event dimensions, `(batch,)`."""

    def generate(self, z: Tensor, temperature: float, seed: int) -> Tensor:
        """Return one x per row of z `(batch, latent_dim)`: a draw, at temperature 0 the likeliest.

        The draw of row i depends on `seed` and i alone, not on the other rows.
        """


class VAE(nn.Module):
    """A variational autoencoder over any domain's encoder and decoder.

    Args:
        encoder: Maps x to mean and standard deviation of the posterior.
        decoder: Scores and generates x given z.
        latent_dim: Number of latent dimensions.
        objective: What `loss` computes; the plain evidence lower bound by default.
    """

    architecture: Any
    """The network's sizes, a dataclass; set by a domain's model."""

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_dim: int,
        objective: Objective | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.latent_dim = latent_dim
        self.objective = objective or Objective()
        self.frozen: Part | None = None
        """The part that is not trained; see `freeze`."""
        self.refinement = 0
        """Gradient steps by which `infer` refines the encoder's posterior means."""
        self.refinement_rate = RATE
        """Learning rate of these steps; see `vaecore.refinement`."""
        self.candidates = 1
        """Draws of a fitted prior of which a sample is the best; see `preference`."""
        self.fitted_last: tuple[str, ...] = ()
        """How the names of weights begin that are fitted after the prior, at the end of a training.
        A model to begin with may lack them."""
        self.never: tuple[tuple[int, ...], ...] = ()
        """Classes that the decoder must not choose, for each voice; see `LatentSpace.within`."""

    def freeze(self, part: Part) -> None:
        """Freeze the encoder or the decoder: its weights get no gradients, and it no dropout."""
        self.get_submodule(part).requires_grad_(False)
        self.frozen = part
        self.train(self.training)

    def train(self, mode: bool = True) -> VAE:
        """Set training or evaluation mode; a frozen part stays in evaluation."""
        super().train(mode)
        if self.frozen is not None:
            self.get_submodule(self.frozen).eval()
        return self

    @property
    def draws(self) -> bool:
        """Whether decoding at a temperature above 0 is a draw."""
        return getattr(self.decoder, "draws", True)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def mixed_precision(self) -> bool | None:
        """Whether parts of the model compute in bfloat16 in training; weights stay 32-bit.

        None if no part has an attribute `mixed_precision`.
        """
        return next((part.mixed_precision for part in self._mixing()), None)

    @mixed_precision.setter
    def mixed_precision(self, value: bool) -> None:
        for part in self._mixing():
            part.mixed_precision = value

    def _mixing(self) -> Iterator[Any]:
        return (p for p in self.modules() if "mixed_precision" in vars(p))

    def encode(self, x: Tensor) -> DiagonalGaussian:
        """Return the posterior q(z|x) of a batch `(batch, ...)`."""
        return DiagonalGaussian(*self.encoder(x))

    def infer(self, x: Tensor) -> DiagonalGaussian:
        """Return the posterior of a batch, refined by `refinement` steps; see `refined`."""
        return refined(self, x, self.encode(x))

    def decode(self, z: Tensor, temperature: float = 0.0, seed: int = 0) -> Tensor:
        """Return one x per row of z `(batch, latent_dim)`.

        Args:
            z: Latent codes.
            temperature: 0 gives the most likely x; 1 a draw from p(x|z); must be at least 0.
            seed: Seed of the draw, from 0 to 2**63 - 1; row i depends on the seed and i alone.

        Returns:
            `(batch, ...)`.

        Raises:
            ValueError: z has another shape, or the temperature is below 0.
            UsageError: The seed is out of range.
        """
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z must be (batch, {self.latent_dim}), got {tuple(z.shape)}")
        if temperature < 0:
            raise ValueError(f"temperature must be at least 0, got {temperature}")
        return cast(Decoder, self.decoder).generate(z, temperature, check_seed(seed))

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) in nats, `(batch,)`."""
        return cast(Decoder, self.decoder).log_likelihood(x, z)

    def closeness(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function of codes that refinement increases: closeness of decoding to `x`.

        It maps codes `(batch, latent_dim)` to log p(x|z), `(batch,)` in nats. Models trained with
        a perceptual loss subtract that.
        """
        return partial(self.log_likelihood, x)

    def preference(self, z: Tensor) -> Tensor:
        """Return how good the examples of codes `(batch, latent_dim)` are, `(batch,)`.

        Of `candidates` draws of a fitted prior, `LatentSpace.sample` keeps the one with the highest
        value. Most models have one candidate, and no preference.
        """
        return torch.zeros(len(z))

    def loss(
        self,
        x: Tensor,
        step: int | None = None,
        generator: torch.Generator | Noise | None = None,
    ) -> LossTerms:
        """Return the objective and its terms for a batch.

        Args:
            x: Examples `(batch, ...)`.
            step: Optimiser step, for beta schedules; None means after the schedule's end.
            generator: Source of the reparameterised draw.
        """
        posterior = self.encode(x)
        z = self.objective.latent(posterior, generator)
        return self.objective(self.log_likelihood(x, z), posterior.kl(), step)
