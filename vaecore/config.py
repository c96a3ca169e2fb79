"""Building dataclasses from JSON-able dictionaries, refusing what they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

Config = TypeVar("Config")

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
