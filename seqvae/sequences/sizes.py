"""Limits of a network's sizes: a model folder with larger ones is damaged or hostile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LARGEST_STEPS = 1 << 12
LARGEST_CLASSES = 1 << 16
LARGEST_DIM = 1 << 13
"""Limit of all other sizes: units of a layer, latent dimensions."""


def listed(value: Any) -> tuple[Any, ...]:
    """Return a tuple as it is, and anything else as a tuple of one."""
    return value if isinstance(value, tuple) else (value,)


def check_sizes(architecture: DataclassInstance, largest: Mapping[str, int]) -> None:
    """Check the numbers of an architecture: integers in 1..limit, floats in 0..1.

    Args:
        architecture: The architecture; a field may be a tuple of numbers.
        largest: Limits of fields by name; that of all others is `LARGEST_DIM`.

    Raises:
        ValueError: A number is out of range; the message names its field.
    """
    for field in fields(architecture):
        most = largest.get(field.name, LARGEST_DIM)
        for value in listed(getattr(architecture, field.name)):
            if "int" in str(field.type) and not (type(value) is int and 1 <= value <= most):
                raise ValueError(f"{field.name} must be in 1..{most}, got {value!r}")
            if field.type == "float" and not 0 <= value <= 1:
                raise ValueError(f"{field.name} must be in 0..1, got {value}")
