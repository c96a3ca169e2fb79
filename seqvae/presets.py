"""Presets: recipes from representation to optimiser, as data in `presets.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaecore.config import build
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from seqvae.codecs.base import SequenceCodec
    from seqvae.data.augment import Augmentation
    from seqvae.networks.model import SequenceVAE
    from vaecore.training.config import TrainingConfig

PRESETS = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True)
class Preset:
    """A recipe. Its sections are plain dictionaries, as they are stored in the model folder.

    Attributes:
        name: Key in the file of presets.
        representation: Configuration of the codec.
        architecture: Fields of `SequenceArchitecture`; steps and classes come from the codec.
        objective: Fields of `vaecore.Objective`.
        training: Fields of `vaecore.training.TrainingConfig`.
        augmentation: Names of augmentations and their arguments.
        description: One line for lists.
    """

    name: str
    representation: dict[str, Any]
    architecture: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    augmentation: dict[str, Any] = field(default_factory=dict)
    description: str = ""

    def make_codec(self) -> SequenceCodec:
        """Return the codec of the representation."""
        from seqvae.codecs import make_codec

        return make_codec(self.representation)

    def make_model(self) -> SequenceVAE:
        """Return the untrained model; its weights depend on torch's global generator."""
        from seqvae.networks.architecture import SequenceArchitecture
        from seqvae.networks.model import SequenceVAE
        from vaecore.objective import Objective

        codec = self.make_codec()
        values = {"steps": codec.steps, "classes": codec.classes, **self.architecture}
        architecture = build(SequenceArchitecture, values, "architecture")
        return SequenceVAE(architecture, Objective.from_config(self.objective))

    def make_training(self) -> TrainingConfig:
        """Return the settings of the training."""
        from pydantic import ValidationError

        from vaecore.training.config import TrainingConfig

        try:
            return TrainingConfig(**self.training)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"training.{where}: {first['msg'].lower()}") from error

    def make_augmentation(self) -> Augmentation:
        """Return the augmentation of training batches."""
        from seqvae.data.augment import make_augmentation

        return make_augmentation(self.augmentation)

    def check(self) -> Preset:
        """Return the preset itself if all of its sections are usable.

        Raises:
            UsageError: A section has an unknown key or an impossible value; it is named.
        """
        try:
            self.make_codec()
            self.make_model()
            self.make_training()
            self.make_augmentation()
        except (ValueError, TypeError, DataError) as error:
            raise UsageError(f"preset {self.name}: {error}") from error
        return self


def preset_names(path: Path = PRESETS) -> list[str]:
    """Return the names of the presets in a file."""
    return list(_read(path))


def load_preset(name: str, settings: Sequence[str] = (), path: Path = PRESETS) -> Preset:
    """Return a preset, changed by settings, and checked.

    Args:
        name: Its key in the file.
        settings: Changes in the form "section.key=value"; the value is read as YAML.
        path: The file of presets.

    Raises:
        UsageError: There is no such preset or setting, or a value is impossible.
        DataError: The file cannot be read.
    """
    presets = _read(path)
    if name not in presets:
        raise UsageError(f"no preset {name!r}; known are {', '.join(presets)}")
    values = deepcopy(presets[name])
    for setting in settings:
        _change(values, setting)
    try:
        preset = build(Preset, {"name": name, **values}, f"preset {name}")
    except ValueError as error:
        raise UsageError(str(error)) from error
    return preset.check()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    import yaml

    try:
        presets = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError("is not YAML", path=path) from error
    if not isinstance(presets, Mapping) or not all(isinstance(v, dict) for v in presets.values()):
        raise DataError("is not a file of presets", path=path)
    return dict(presets)


def _change(values: dict[str, Any], setting: str) -> None:
    import yaml

    place, equals, text = setting.partition("=")
    *sections, key = place.split(".")
    if not equals or not sections:
        raise UsageError(f"a setting is section.key=value, got {setting!r}")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise UsageError(f"{setting!r}: {section} is no section")
    try:
        values[key] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{setting!r}: the value is not YAML") from error
