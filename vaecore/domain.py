"""A domain: music, text, faces or digits over the shared core.

It has a codec (files or objects to tensors and back), networks, and a presentation (how results are
written and shown). Everything about codes is in the core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.codec import Codec
from vaecore.config import CONFIG, ModelConfig, read_config, write_config
from vaecore.errors import DataError, UsageError
from vaecore.files import replacing

if TYPE_CHECKING:
    from torch import Tensor

    from vaecore.directions import Directions
    from vaecore.model import VAE
    from vaecore.objective import Objective
    from vaecore.priors import Prior
    from vaecore.space import LatentSpace


ON_HUB = "hf:/"
"""How names of models on the hub begin; a path keeps one of their two slashes."""


@dataclass(frozen=True)
class Domain:
    """A kind of data over the shared core: its codec, its networks and its shipped models.

    Several domains of a package share its name and its box, and differ in their representations;
    see `find_model`.

    Args:
        name: The package's name; model folders carry it.
        make_codec: Builds the codec from a model's `representation`.
        make_model: Builds the network from a model's `architecture` and its objective.
        box: The folder of shipped models.
        threads: CPU threads of the command line; None leaves torch's default. Steps of recurrent
            networks are too small to be shared by threads.
        subject: The kind of data in a word, for messages: "music".
        representations: Names of its representations; None takes all models of the package.
    """

    name: str
    make_codec: Callable[[Mapping[str, Any]], Codec[Any]]
    make_model: Callable[[Mapping[str, Any], Objective], VAE]
    box: Path
    threads: int | None = None
    subject: str = ""
    representations: frozenset[str] | None = None

    def takes(self, config: ModelConfig) -> bool:
        """Return whether a model belongs to this domain."""
        known = self.representations
        name = config.representation.get("name")
        return config.domain == self.name and (known is None or name in known)

    def shipped(self) -> list[str]:
        """Return the names of the domain's models in the box."""
        found = sorted(path.parent for path in self.box.glob(f"*/{CONFIG}"))
        if self.representations is not None:
            found = [folder for folder in found if self.takes(read_config(folder))]
        return [folder.name for folder in found]

    def shipped_with(self, attribute: str) -> list[str]:
        """Return the names of the models in the box that have an attribute."""
        names = self.shipped()
        return [name for name in names if attribute in read_config(self.box / name).attributes]

    def folder(self, model: str | Path) -> Path:
        """Return the folder of a model, named as in `find_model`.

        Raises:
            UsageError: There is neither a shipped model nor a folder of that name.
        """
        return find_model([self], model)[1]

    def load(self, model: str | Path, device: str = "cpu") -> LatentSpace[Any]:
        """Load a model: a shipped one by name, or any model folder.

        Args:
            model: As in `find_model`.
            device: As in `vaecore.choose_device`.

        Raises:
            UsageError: There is no such model or device.
            DataError: The folder was tampered with, is incomplete, or belongs to another domain.
        """
        from vaecore import folder as files
        from vaecore.device import choose_device
        from vaecore.space import LatentSpace

        place = self.folder(model)
        config = read_config(place)
        if config.domain != self.name:
            problem = f"is a model of {config.domain!r}, not of {self.name!r}"
            raise DataError(problem, path=place, remedy=f"load it with {config.domain}")
        shared, weights = self._shared(place, config), self.weights(place, config)
        codec, network = self._build(config, place, weights)
        files.load_weights(network, *weights)
        network.refinement = config.refinement

        def part(name: str) -> Path:
            here = place / name
            return here if shared is None or here.exists() else shared / name

        size, vectors = network.latent_dim, part(files.ATTRIBUTES)
        fits = files.fits_vectors(size)
        return LatentSpace(
            network.to(choose_device(device)),
            codec,
            attributes=files.read_tensors(vectors, fits) if vectors.exists() else {},
            prior=_prior(part(files.PRIOR), config.prior, size),
            directions=_directions(part(files.DIRECTIONS), size),
            config=config,
        )

    def weights(self, place: Path, config: ModelConfig | None = None) -> list[Path]:
        """Return the weight files of a model: its own, and that of the model it shares with.

        Args:
            place: The model folder.
            config: Its configuration, if it was read.

        Raises:
            DataError: The other model is not there, or the configuration cannot be read.
        """
        from vaecore.folder import WEIGHTS

        shared = self._shared(place, config or read_config(place))
        return [each / WEIGHTS for each in (place, shared) if each is not None]

    def complete(self, place: Path, to: Path) -> None:
        """Write a complete copy of a model folder that shares files with another one."""
        from vaecore.folder import CARD
        from vaecore.reading import CARD_TEXT, read_text

        space, card = self.load(place), place / CARD
        assert space.config is not None  # it was read from a folder
        text = read_text(card, CARD_TEXT) if card.exists() else None
        given = (space.attributes, space.prior, space.directions)
        self.save(to, space.model, space.config, *given, card=text)

    def _shared(self, place: Path, config: ModelConfig) -> Path | None:
        """Return the folder of the model that a model shares files with; None if there is none.

        Raises:
            DataError: That folder is missing, or shares files with a third one.
        """
        if not config.shares_with:
            return None
        # Beside the folder as it was named, or beside the target of a link.
        named = [place.parent] if place.name not in ("", "..") else []
        folders = [each / config.shares_with for each in (*named, place.resolve().parent)]
        folder = next((each for each in folders if (each / CONFIG).is_file()), None)
        if folder is None:
            problem = f"shares weights with {config.shares_with}, which is not beside it"
            remedy = f"copy the folder {config.shares_with} there, too"
            raise DataError(problem, path=place, remedy=remedy)
        if read_config(folder).shares_with:
            problem = f"shares weights with {config.shares_with}, which is not complete itself"
            raise DataError(problem, path=place, remedy="get both model folders again")
        return folder

    def _build(
        self, config: ModelConfig, place: Path, weights: Sequence[Path]
    ) -> tuple[Codec[Any], VAE]:
        """Return codec and untrained network of a configuration that is not trusted.

        The network gets no more memory than its weight files account for.
        """
        from vaecore import folder as files
        from vaecore.device import Budget
        from vaecore.objective import Objective

        path = place / CONFIG
        try:
            codec = self.make_codec(config.representation)
            objective = Objective.from_config(config.objective)
            with Budget(files.room(*weights)):
                model = self.make_model(config.architecture, objective)
            codec.check(model)
            return codec, model
        except DataError as error:
            if error.path in weights:
                raise
            raise DataError(error.problem, path=path, remedy=error.remedy) from error
        except (ValueError, TypeError, KeyError) as error:
            # Torch appends a stack of its own to some messages.
            reason = str(error).partition("\n")[0]
            raise DataError(f"cannot be used: {reason}", path=path) from error
        except (RuntimeError, MemoryError, OverflowError) as error:
            problem = "cannot be used: its sizes are negative, or larger than those of its weights"
            raise DataError(problem, path=path) from error

    def save(
        self,
        place: Path,
        model: VAE,
        config: ModelConfig,
        attributes: Mapping[str, Tensor] | None = None,
        prior: Prior | None = None,
        directions: Directions | None = None,
        card: str | None = None,
    ) -> None:
        """Write a complete model folder, which shares nothing with others.

        Existing files stay where the argument is None.

        Args:
            place: The folder; created if needed.
            model: Its weights are written with `config.bits`.
            config: The content of `config.json`.
            attributes: Vectors `(latent_dim,)` by name.
            prior: The fitted prior.
            directions: Attribute steps that depend on the code.
            card: The text of README.md.

        Raises:
            DataError: The folder cannot be written.
        """
        from vaecore import folder as files

        place.mkdir(parents=True, exist_ok=True)
        files.write_tensors(place / files.WEIGHTS, model.state_dict(), config.bits)
        if attributes is not None:
            files.write_tensors(place / files.ATTRIBUTES, attributes)
        if prior is not None:
            files.write_tensors(place / files.PRIOR, prior.state(), config.prior_bits)
            config = replace(config, prior=prior.kind)
        elif not (place / files.PRIOR).exists():
            config = replace(config, prior="")
        if directions is not None:
            files.write_tensors(place / files.DIRECTIONS, directions.state(), config.prior_bits)
        if card is not None:
            with replacing(place / files.CARD) as temporary:
                temporary.write_text(card, encoding="utf-8")
        objective = model.objective.config
        config = replace(config, domain=self.name, objective=objective, shares_with="")
        write_config(place, config)


def find_model(domains: Sequence[Domain], model: str | Path) -> tuple[Domain, Path]:
    """Return the domain of a model, and the model's folder.

    Args:
        domains: The domains of one package. A folder of none of them goes to the first one, whose
            `load` then reports the problem.
        model: Name of a shipped model, a model folder, or `hf://OWNER/NAME`; see `vaecore.hub`.

    Raises:
        UsageError: There is neither a shipped model nor a folder of that name.
        DataError: The folder's configuration cannot be read, or the hub does not give the model.
    """
    shipped = {name: domain for domain in domains for name in domain.shipped()}
    if str(model) in shipped:
        return shipped[str(model)], shipped[str(model)].box / str(model)
    if str(model).startswith(ON_HUB):
        from vaecore.hub import fetch

        place = fetch(model)
    else:
        place = Path(model)
    if not place.is_dir():
        known = ", ".join(sorted(shipped))
        raise UsageError(f"no model {str(model)!r}: neither a folder nor one of {known}")
    if len(domains) == 1:
        return domains[0], place
    config = read_config(place)
    return next((each for each in domains if each.takes(config)), domains[0]), place


def _directions(path: Path, latent_dim: int) -> Directions | None:
    from vaecore.directions import directions_fit, directions_from_state
    from vaecore.folder import read_tensors

    if not path.exists():
        return None
    return directions_from_state(read_tensors(path, directions_fit(latent_dim)))


def _prior(path: Path, kind: str, latent_dim: int) -> Prior | None:
    from vaecore.folder import read_tensors
    from vaecore.priors import prior_fits, prior_from_state

    if not kind and not path.exists():
        return None
    try:
        return prior_from_state(kind, read_tensors(path, prior_fits(kind, latent_dim)))
    except ValueError as error:
        raise DataError(f"holds neither mixture nor flow: {error}", path=path) from error
