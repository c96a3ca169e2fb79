"""A domain: what music, faces or digits bring to the core.

Three things, and nothing else: a codec (files or objects to tensors and back), networks, and a
presentation (how results are written and shown). Everything about z is the core's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.codec import Codec
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.flow import Flow
    from vaecore.folder import ModelConfig
    from vaecore.model import VAE
    from vaecore.samplers import GaussianMixture
    from vaecore.space import LatentSpace


@dataclass(frozen=True)
class Domain:
    """One art over the shared core.

    Args:
        name: The package's name; model folders carry it.
        make_codec: Builds the codec from a model's `representation`.
        make_model: Builds the network from a model's `architecture` and its objective.
        box: The folder of shipped models.
        threads: CPU threads that the command line uses; torch's default without it. A recurrent
            step is too small to share: threads would mostly wait for each other.
    """

    name: str
    make_codec: Callable[[Mapping[str, Any]], Codec]
    make_model: Callable[[Mapping[str, Any], Any], VAE]
    box: Path
    threads: int | None = None

    def shipped(self) -> list[str]:
        """Return the names of the models in the box."""
        return sorted(path.parent.name for path in self.box.glob("*/config.json"))

    def folder(self, model: str | Path) -> Path:
        """Return the folder of a shipped model's name or of a path to a model folder.

        Raises:
            UsageError: There is neither a shipped model nor a folder of that name.
        """
        if str(model) in self.shipped():
            return self.box / str(model)
        if Path(model).is_dir():
            return Path(model)
        raise UsageError(
            f"no model {str(model)!r}: neither a folder nor one of {', '.join(self.shipped())}"
        )

    def load(self, model: str | Path, device: str = "cpu") -> LatentSpace:
        """Load a model: a shipped one by name, or any model folder.

        Raises:
            UsageError: There is no such model.
            DataError: The folder was tampered with, is incomplete, or belongs to another domain.
        """
        from vaecore import folder as files
        from vaecore.device import choose_device
        from vaecore.space import LatentSpace

        place = self.folder(model)
        config = files.read_config(place)
        if config.domain != self.name:
            raise DataError(f"is a model of {config.domain!r}, not of {self.name!r}", path=place)
        codec, network = self._build(config, place / files.CONFIG)
        files.load_weights(network, place / files.WEIGHTS)
        return LatentSpace(
            network.to(choose_device(device)),
            codec,
            attributes=_attributes(place / files.ATTRIBUTES, network.latent_dim),
            prior=_prior(place / files.PRIOR, network.latent_dim),
            config=config,
        )

    def _build(self, config: ModelConfig, path: Path) -> tuple[Codec, VAE]:
        """Return codec and untrained network; a configuration may hold anything."""
        from vaecore.objective import Objective

        try:
            codec = self.make_codec(config.representation)
            model = self.make_model(config.architecture, Objective.from_config(config.objective))
            codec.check(model)
            return codec, model
        except DataError as error:
            raise DataError(error.problem, path=path, remedy=error.remedy) from error
        except (ValueError, TypeError, KeyError) as error:
            # Torch appends a stack of its own to some messages.
            reason = str(error).partition("\n")[0]
            raise DataError(f"cannot be used: {reason}", path=path) from error
        except (RuntimeError, MemoryError, OverflowError) as error:
            problem = "cannot be used: its sizes are negative or too large"
            raise DataError(problem, path=path) from error

    def save(
        self,
        place: Path,
        model: VAE,
        config: ModelConfig,
        attributes: Mapping[str, Tensor] | None = None,
        prior: GaussianMixture | Flow | None = None,
        card: str | None = None,
    ) -> None:
        """Write a model folder; what is None and already there stays."""
        from vaecore import folder as files

        place.mkdir(parents=True, exist_ok=True)
        files.write_tensors(place / files.WEIGHTS, model.state_dict())
        if attributes is not None:
            files.write_tensors(place / files.ATTRIBUTES, attributes)
        if prior is not None:
            files.write_tensors(place / files.PRIOR, prior.state())
        if card is not None:
            with files.replacing(place / files.CARD) as temporary:
                temporary.write_text(card, encoding="utf-8")
        files.write_config(
            place, replace(config, domain=self.name, objective=model.objective.config)
        )


def _attributes(path: Path, latent_dim: int) -> dict[str, Tensor]:
    from vaecore.folder import read_tensors

    vectors = read_tensors(path) if path.exists() else {}
    for name, vector in vectors.items():
        shape = tuple(vector.shape)
        if shape != (latent_dim,):
            raise DataError(f"attribute {name!r} has shape {shape}, not ({latent_dim},)", path=path)
    return vectors


def _prior(path: Path, latent_dim: int) -> GaussianMixture | Flow | None:
    from vaecore.folder import read_tensors
    from vaecore.samplers import sampler_from_state

    if not path.exists():
        return None
    try:
        prior = sampler_from_state(read_tensors(path))
    except ValueError as error:
        raise DataError(f"holds neither mixture nor flow: {error}", path=path) from error
    if prior.latent_dim != latent_dim:
        found = prior.latent_dim
        raise DataError(f"has {found} dimensions, the model has {latent_dim}", path=path)
    return prior
