"""A domain's part of a training; `vaecore.training.pipeline` does the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

if TYPE_CHECKING:
    from vaecore.directions import Directions
    from vaecore.distributions import DiagonalGaussian
    from vaecore.domain import Domain
    from vaecore.model import VAE
    from vaecore.presets import Preset
    from vaecore.priors import Prior
    from vaecore.space import LatentSpace
    from vaecore.training.batches import Batches
    from vaecore.training.config import TrainingConfig
    from vaecore.training.loop import MakeModule
    from vaecore.training.watching import Pictures


class Vectors(NamedTuple):
    """The attributes of a model."""

    vectors: dict[str, Tensor]
    """Attribute vectors `(latent_dim,)`, by name."""
    about: dict[str, Any]
    """Their entries in `config.json`: description, unit and calibration."""
    directions: Directions | None = None
    """Steps that depend on the code, if the recipe trains them."""


class TrainingTask(ABC):
    """A domain's part of a training: one recipe on one set of data.

    Args:
        domain: The model's domain.
        preset: The recipe, with all settings decided, so that a resumed training sees the same
            batches.
    """

    components = 20
    """Components of a mixture prior."""
    completes_interrupted = True
    """Whether an interrupted training still gets its prior and vectors."""
    headline: tuple[str, str] | None = None
    """The metric to show in place of the loss, and its format."""

    def __init__(self, domain: Domain, preset: Preset) -> None:
        self.domain, self.preset = domain, preset

    @property
    @abstractmethod
    def command(self) -> str:
        """The command that trains such a model again, without the options -o and --config."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return facts about the data for `config.json`, before the training and after it.

        They are the numbers of examples, and the names of `sources`.
        """

    @abstractmethod
    def loaders(self, config: TrainingConfig) -> tuple[Batches, Batches]:
        """Return the batches to train and to validate on."""

    @abstractmethod
    def measure(self, model: VAE, x: Tensor) -> Mapping[str, Any]:
        """Return the domain's figures of a model on a batch; numbers become metrics."""

    @abstractmethod
    def encode(self, space: LatentSpace[Any]) -> DiagonalGaussian:
        """Return posteriors of training examples, `(n, latent_dim)`, to fit the prior to."""

    @abstractmethod
    def vectors(self, space: LatentSpace[Any]) -> Vectors:
        """Return attribute vectors; called after `encode`."""

    def choose(self, space: LatentSpace[Any], prior: Prior) -> None:  # noqa: B027
        """Train what chooses among draws of the fitted prior, in place; called after `encode`."""

    def begin(self, model: VAE, start: str | Path | None, resume: bool) -> None:  # noqa: B027
        """Change the model before it is trained.

        Args:
            model: Changed in place.
            start: The model whose weights it has; None if they are random.
            resume: Whether it gets the weights of a checkpoint afterwards.
        """

    def pictures(self) -> Pictures | None:
        """Return the function that draws the model at each validation, for TensorBoard."""
        return None

    def make_module(self) -> MakeModule:
        """Return the function that makes the LightningModule."""
        from vaecore.training.module import TrainingModule

        return TrainingModule

    def close(self) -> None:  # noqa: B027
        """Release resources of the batches, such as processes, after the training."""

    def kept(self) -> LatentSpace[Any] | None:
        """Return the model with the same codes whose prior, vectors and directions are taken over.

        None if they are fitted after the training.
        """
        return None

    def prior_settings(
        self, space: LatentSpace[Any], posterior: DiagonalGaussian
    ) -> dict[str, Any]:
        """Return the arguments of `fit_flow`; an empty mapping for a mixture."""
        return dict(self.preset.prior)
