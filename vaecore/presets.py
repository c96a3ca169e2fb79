"""Presets: recipes from representation to optimiser, as data in a YAML file of a domain."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from vaecore.config import NAME, build, check_stored
from vaecore.domain import Domain
from vaecore.errors import DataError, UsageError
from vaecore.files import replacing
from vaecore.parsing import parse_yaml
from vaecore.reading import RECIPES, read_yaml

if TYPE_CHECKING:
    from vaecore.codec import Codec
    from vaecore.model import VAE
    from vaecore.training.config import FlowConfig, TrainingConfig

MOST_NUMBERS = 1 << 30
"""Largest number of weights of a recipe's network: 4 GB."""
CHECKPOINT = "last.ckpt"
"""The checkpoint in a training's folder, from which it is resumed."""
RECIPE = "recipe.yaml"
"""The recipe in a training's folder, as a file of presets; resuming reads it."""


@dataclass(frozen=True)
class Preset:
    """A recipe. Its sections are plain dictionaries, as they are stored in the model folder.

    A domain may add sections.

    Attributes:
        domain: The domain of its models.
        shipped: The domain's file of presets.
        name: Key in the file of presets.
        representation: Configuration of the codec.
        architecture: The network's description, in the domain's terms.
        objective: Fields of `vaecore.Objective`.
        training: Fields of `vaecore.training.TrainingConfig`.
        prior: Arguments of `vaecore.priors.fit_flow`; empty fits a mixture to the codes.
        description: One line for lists.
        bits: Bits of a weight in the model folder, 16, 32 or 8; see `vaecore.eight_bit`.
        prior_bits: Bits of a weight of the fitted prior.
        refinement: Gradient steps that refine a code; see `vaecore.refinement`.
    """

    domain: ClassVar[Domain]
    shipped: ClassVar[Path]
    name: str
    representation: dict[str, Any]
    architecture: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    prior: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    bits: int = 16
    prior_bits: int = 16
    refinement: int = 0

    @classmethod
    def load(
        cls: type[Recipe], name: str, settings: Sequence[str] = (), path: Path | None = None
    ) -> Recipe:
        """Return a preset, changed by settings, and checked.

        Args:
            name: Its key in the file.
            settings: Changes in the form "section.key=value"; the value is read as YAML.
            path: The file of presets; None reads the shipped one.

        Raises:
            UsageError: There is no such preset or setting, or a value is impossible.
            DataError: The file cannot be read.
        """
        presets = _read(path or cls.shipped)
        if name not in presets:
            raise UsageError(f"no preset {name!r}; known are {', '.join(presets)}")
        values = deepcopy(presets[name])
        for setting in settings:
            _change(values, setting)
        try:
            preset = build(cls, {"name": name, **values}, f"preset {name}")
        except ValueError as error:
            raise UsageError(str(error)) from error
        return preset.check()

    def make_codec(self) -> Codec[Any]:
        """Return the codec of the representation."""
        return self.domain.make_codec(self.representation)

    def make_model(self) -> VAE:
        """Return the untrained model; its weights depend on torch's global generator.

        The recipe may leave out fields of the architecture that the codec fixes.
        """
        from vaecore.objective import Objective

        codec = self.make_codec()
        values = {**codec.sizes, **self.architecture}
        model = self.domain.make_model(values, Objective.from_config(self.objective))
        if codec.ready:
            codec.check(model)
        return model

    def make_training(self) -> TrainingConfig:
        """Return the settings of the training."""
        from vaecore.training.config import TrainingConfig

        return build(TrainingConfig, self.training, "training")

    def make_all(self) -> None:
        """Build the objects that the sections describe, to check that this is possible.

        Raises:
            ValueError: A section has a value that cannot be used.
        """
        self.make_codec()
        from vaecore.device import Budget

        with Budget(MOST_NUMBERS):
            model = self.make_model()
        self.make_training()
        check_stored(self)
        build(self.prior_config(), self.prior, "prior")
        groups, dimensions = self.prior.get("groups", 1), model.latent_dim
        if dimensions % groups:
            text = f"prior: groups must divide the {dimensions} latent dimensions, got {groups}"
            raise ValueError(text)

    def prior_config(self) -> type[FlowConfig]:
        """Return the class that checks the section `prior`; a domain may extend it."""
        from vaecore.training.config import FlowConfig

        return FlowConfig

    def check(self: Recipe) -> Recipe:
        """Return the preset itself if all of its sections are usable.

        Raises:
            UsageError: A section has an unknown key or an impossible value; it is named.
        """
        try:
            self.make_all()
        except (ValueError, TypeError, KeyError, DataError) as error:
            raise UsageError(f"preset {self.name}: {error}") from error
        except (RuntimeError, OverflowError, MemoryError) as error:
            text = f"preset {self.name}: its sizes are negative or too large"
            raise UsageError(text) from error
        return self

    def write(self, folder: Path) -> None:
        """Write the recipe into a folder, which is created if needed."""
        import yaml

        sections = {key: value for key, value in asdict(self).items() if key != "name"}
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / RECIPE) as temporary:
            temporary.write_text(yaml.safe_dump({self.name: sections}, sort_keys=False))


Recipe = TypeVar("Recipe", bound=Preset)


def preset_names(path: Path) -> list[str]:
    """Return the names of the presets in a file.

    Raises:
        DataError: The file cannot be read.
    """
    return list(_read(path))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    presets = read_yaml(path, RECIPES)
    _check_keys(presets, path)
    for name, sections in presets.items():
        if not isinstance(name, str) or not isinstance(sections, dict):
            raise DataError("is no file of presets", path=path, remedy=RECIPES.remedy)
        if not NAME.fullmatch(name):
            text = f"has a preset {name!r}; names have at most 64 letters, digits, _ and -"
            raise DataError(text, path=path, remedy="rename it")
    if not presets:
        raise DataError("has no presets", path=path, remedy=RECIPES.remedy)
    return presets


def _check_keys(values: Any, path: Path) -> None:
    """Refuse keys other than strings: in JSON, a number and its string would be one key."""
    if isinstance(values, dict):
        for key, value in values.items():
            if not isinstance(key, str):
                text = f"has the key {key!r}, which is not a string; put it in quotes"
                raise DataError(text, path=path, remedy=RECIPES.remedy)
            _check_keys(value, path)
    elif isinstance(values, list):
        for value in values:
            _check_keys(value, path)


def _change(values: dict[str, Any], setting: str) -> None:
    place, equals, text = setting.partition("=")
    *sections, key = place.split(".")
    if not equals or not sections:
        raise UsageError(f"a setting is section.key=value, got {setting!r}")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise UsageError(f"{setting!r}: {section} is no section")
    try:
        values[key] = parse_yaml(text)
    except ValueError as error:
        raise UsageError(f"{setting!r}: the value is not YAML ({error})") from error
