"""Codecs by the name of their representation."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from vaecore.codec import Codec
from vaecore.errors import DataError

AnyCodec = TypeVar("AnyCodec", bound=Codec[Any])


def build_codec(known: Mapping[str, type[AnyCodec]], config: Mapping[str, Any]) -> AnyCodec:
    """Build a codec from its `config`, such as `{"name": "melody", "bars": 2}`.

    Args:
        known: Classes of codecs by the name of their representation.
        config: That name, and arguments of the class.

    Raises:
        DataError: The configuration names no codec, or has unknown keys or unusable values.
    """
    name = config.get("name")
    if not isinstance(name, str) or name not in known:
        names = ", ".join(known)
        raise DataError(f"unknown representation {name!r}", remedy=f"known are {names}")
    options = {key: value for key, value in config.items() if key != "name"}
    unknown = set(options) - set(inspect.signature(known[name]).parameters)
    if unknown:
        raise DataError(f"unknown setting of the {name} representation: {', '.join(unknown)}")
    try:
        return known[name](**options)
    except (TypeError, ValueError) as error:
        raise DataError(f"unusable {name} representation: {error}") from error
