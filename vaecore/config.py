"""Configurations: built from JSON-able dictionaries, refusing what they do not know.

`ModelConfig` is that of a model folder. Nothing here imports torch, so that the command line can
look at models before it loads one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from vaecore.errors import DataError
from vaecore.files import replacing

Config = TypeVar("Config")

CONFIG = "config.json"
FORMAT = 1
MAX_CONFIG_BYTES = 1 << 20

_PLAIN = {"bool": {bool}, "int": {int}, "float": {float, int}, "str": {str}}
"""Annotation of a field -> types of the values it takes; a bool is no number here."""


def build(kind: type[Config], values: Mapping[str, Any], where: str) -> Config:
    """Return `kind(**values)` after checking names and plain types.

    Args:
        kind: A dataclass.
        values: Field values, as read from JSON or YAML.
        where: What is being read, for the message ("config.json: architecture").

    Raises:
        ValueError: A field is unknown, missing, or not of its plain type.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where}: expected a mapping, got {type(values).__name__}")
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(
            f"{where}: unknown key {', '.join(map(repr, unknown))}; known: {', '.join(known)}"
        )
    required = {
        n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING
    }
    missing = sorted(required - set(values))
    if missing:
        raise ValueError(f"{where}: missing {', '.join(map(repr, missing))}")
    for name, value in values.items():
        plain = getattr(known[name].type, "__name__", known[name].type)
        if plain in _PLAIN and type(value) not in _PLAIN[plain]:
            raise ValueError(f"{where}: {name} must be {plain}, got {value!r}")
    return kind(**values)


@dataclass(frozen=True)
class ModelConfig:
    """The content of `config.json`."""

    domain: str
    """Which package reads it: "seqvae", "facevae" or another."""
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
    """What each attribute vector changes, by name."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of the software that trained it."""
    prior: str = ""
    """Kind of the fitted prior, "mixture" or "flow"; empty without one, or in a folder written
    before this was noted."""
    format: int = FORMAT


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
    if not path.is_file():
        raise DataError(f"is no model folder: it has no {CONFIG}", path=folder)
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise DataError("is too large to be a model's configuration", path=path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(values, dict) and values.get("format") != FORMAT:
            raise ValueError(
                f"format {values.get('format')!r} is not {FORMAT}, which this version reads"
            )
        config = build(ModelConfig, values, "configuration")
    except (ValueError, RecursionError) as error:  # JSON and Unicode errors are ValueErrors too
        raise DataError(f"cannot be used: {error}", path=path) from error
    for key in (
        "representation",
        "architecture",
        "objective",
        "training",
        "attributes",
        "versions",
    ):
        if not isinstance(getattr(config, key), dict):
            raise DataError(f"cannot be used: {key} must be a mapping", path=path)
    return config
