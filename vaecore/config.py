"""Configurations: built from JSON-able dictionaries, whose keys and types are checked.

`ModelConfig` is that of a model folder. Nothing here imports torch, so that the command line can
list models quickly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_origin, get_type_hints

from vaecore.errors import DataError
from vaecore.files import replacing
from vaecore.reading import CONFIGURATION, read_json

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Config = TypeVar("Config")

CONFIG = "config.json"
FORMAT = 1
NAME = re.compile(r"\w[\w-]{0,63}", re.ASCII)
"""The name of a model or a preset, which becomes that of a folder: no slash and no dot."""
BITS = (8, 16, 32)
HOTTEST = 4.0
"""Largest temperature of a prior; higher ones draw little but noise."""

MOST_STEPS = 100
"""Largest number of refinement steps."""

_PLAIN = {"bool_type": "bool", "int_type": "int", "float_type": "float", "string_type": "str"}
"""Pydantic's types of error for values of a wrong type, and the type that is expected."""


def build(kind: type[Config], values: Mapping[str, Any], where: str) -> Config:
    """Return `kind(**values)` after a strict check of names and types.

    A bool or a string does not count as a number; an int counts as a float, a list as a tuple.

    Args:
        kind: A dataclass, or a pydantic model.
        values: Field values, as read from JSON or YAML.
        where: The file or section, for the message ("config.json: architecture").

    Raises:
        ValueError: A field is unknown, missing, or of another type; or `kind` refuses a value.
    """
    from pydantic import ValidationError

    if not isinstance(values, Mapping):
        raise ValueError(f"{where}: expected a mapping, got {type(values).__name__}")
    model = _model(cast(Any, kind))
    try:
        found = model.model_validate_json(json.dumps(dict(values)), strict=True)
    except TypeError as error:  # YAML has dates, which JSON has not
        raise ValueError(f"{where}: {error}") from error
    except ValidationError as error:
        raise ValueError(_first_problem(error, model, where)) from error
    if isinstance(found, kind):
        return found
    return kind(**{name: getattr(found, name) for name in found.model_fields_set})


@cache
def _model(kind: Any) -> type[BaseModel]:
    """Return the pydantic model of a dataclass's fields; a pydantic model itself as it is."""
    from pydantic import BaseModel, ConfigDict, create_model

    if issubclass(kind, BaseModel):
        return cast("type[BaseModel]", kind)
    hints = get_type_hints(kind)
    known: dict[str, Any] = {
        field.name: (
            _checkable(hints[field.name]),
            ... if field.default is MISSING and field.default_factory is MISSING else None,
        )
        for field in fields(kind)
    }
    # A field may be called like a method of pydantic's models.
    settings = ConfigDict(extra="forbid", protected_namespaces=())
    return create_model(kind.__name__, __config__=settings, **known)


def _checkable(hint: Any) -> Any:
    """Return a type, or Any where pydantic does not know it and the class checks the value."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    try:
        TypeAdapter(hint)
    except PydanticSchemaGenerationError:
        return Any
    return hint


def _first_problem(error: ValidationError, model: type[BaseModel], where: str) -> str:
    """Return what is wrong with a configuration, and in which section."""
    from pydantic import BaseModel

    found = error.errors()
    # A misspelt key is also a missing one.
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    *sections, key = map(str, first["loc"]) if first["loc"] else ("",)
    for section in sections:
        field = model.model_fields.get(section)
        inner = field.annotation if field else None
        # In Python 3.10 `list[int]` counts as a type.
        if get_origin(inner) is not None or not isinstance(inner, type):
            break
        if not issubclass(inner, BaseModel):
            break
        model, where = inner, f"{where}.{section}"
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key {key!r}; known: {', '.join(model.model_fields)}"
    if first["type"] == "missing":
        return f"{where}: missing {key!r}"
    if first["type"] in _PLAIN:
        return f"{where}: {key} must be {_PLAIN[first['type']]}, got {first['input']!r}"
    if first["type"] == "dict_type":
        return f"{where}: {key} must be a mapping, got {first['input']!r}"
    return f"{where}: {key}: {first['msg'].lower()}"


@dataclass(frozen=True)
class ModelConfig:
    """The content of `config.json`."""

    domain: str
    """The package that reads it: "seqvae", "facevae" or another."""
    name: str
    representation: dict[str, Any]
    """The codec's `config`."""
    architecture: dict[str, Any]
    """The network's description, in the domain's terms."""
    objective: dict[str, Any]
    description: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    """How it was trained: data, recipe, steps."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """Description, unit and calibration of each attribute vector, by name."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of the software that trained it."""
    prior: str = ""
    """Kind of the fitted prior, "mixture" or "flow"; empty without one, or in a folder written
    before this was noted."""
    bits: int = 16
    """Bits of a weight on disk: 16, 32, or 8 for matrices (see `vaecore.eight_bit`)."""
    prior_bits: int = 16
    """Bits of a weight of the fitted prior."""
    prior_temperature: float = 1.0
    """Factor on the noise of the fitted prior when samples are drawn; below 1 they are more
    typical."""
    refinement: int = 0
    """Gradient steps that refine a code after encoding; see `vaecore.refinement`."""
    shares_with: str = ""
    """Name of the model folder beside this one from which missing files and weights are taken.
    `Domain.save` always writes complete folders."""
    format: int = FORMAT

    def __post_init__(self) -> None:
        if not 0 < self.prior_temperature <= HOTTEST:
            value = self.prior_temperature
            raise ValueError(f"prior_temperature must be above 0, {HOTTEST} at most, got {value}")
        check_stored(self)
        if self.shares_with and not NAME.fullmatch(self.shares_with):
            raise ValueError(f"shares_with must be a model's name, got {self.shares_with!r}")


def check_stored(settings: Any) -> None:
    """Raise `ValueError` if bits or refinement of a configuration or recipe is out of range."""
    for name in ("bits", "prior_bits"):
        if getattr(settings, name) not in BITS:
            raise ValueError(f"{name} must be 8, 16 or 32, got {getattr(settings, name)}")
    if not 0 <= settings.refinement <= MOST_STEPS:
        text = f"refinement must be 0 to {MOST_STEPS} steps, got {settings.refinement}"
        raise ValueError(text)


def about_attribute(config: ModelConfig | None, name: str) -> Mapping[str, Any]:
    """Return the entry of an attribute as a mapping; a text becomes its "description"."""
    known = config.attributes.get(name, {}) if config else {}
    return known if isinstance(known, Mapping) else {"description": str(known)}


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write `config.json` into an existing folder."""
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")


def read_config(folder: Path) -> ModelConfig:
    """Read and check `config.json`.

    Raises:
        DataError: The folder or the file is missing, unreadable, or has unknown or missing keys.
    """
    path = folder / CONFIG
    if not folder.is_dir():
        raise DataError("no such model folder", path=folder, remedy="see the `models` command")
    if not path.exists():
        remedy = "name a folder that `train` or `import` wrote"
        raise DataError(f"is no model folder: it has no {CONFIG}", path=folder, remedy=remedy)
    values = read_json(path, CONFIGURATION)
    found = values.get("format")
    if found != FORMAT:
        newer = type(found) is int and found > FORMAT
        text = f"cannot be used: format {found!r} is not {FORMAT}, which this version reads"
        raise DataError(text, path=path, remedy="update seqvae" if newer else None)
    try:
        return build(ModelConfig, values, "configuration")
    except ValueError as error:
        raise DataError(f"cannot be used: {error}", path=path) from error
