"""Parsing of untrusted JSON and YAML, with limits on depth and on the number of values."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from vaecore.errors import DataError

if TYPE_CHECKING:
    import yaml

MOST_VALUES, DEEPEST = 1_000_000, 32
"""Limits: number of values (repeated ones count each time), and depth of nesting."""
MOST_ALIASES, MOST_KEYS = 64, 10_000
"""Limits of YAML: aliases in a text, and keys in one mapping."""


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; NaN and Infinity are refused.

    Raises:
        ValueError: The text is not JSON, or exceeds a limit; the message names the place.
    """

    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is not JSON")

    try:
        return _bounded(json.loads(text, parse_constant=refuse))
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError as error:
        raise ValueError(_first(error)) from None


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text; 1e-3 is a number (in YAML 1.1 it is a string).

    Raises:
        ValueError: The text is not YAML, or exceeds a limit.
        DataError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        remedy = "pip install 'seqvae[train]'"
        raise DataError("this needs the package pyyaml", remedy=remedy) from None
    try:
        return _bounded(yaml.load(text, _loader()))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{error.problem or 'it is not YAML'}{where}") from None
    except yaml.YAMLError as error:
        raise ValueError(_first(error)) from None
    except (RecursionError, OverflowError, TypeError) as error:
        raise ValueError(_first(error)) from None


@cache
def _loader() -> type[yaml.SafeLoader]:
    """Return a loader that reads 1e-3 as a number, and refuses repeated keys and many aliases."""
    import yaml

    class Loader(yaml.SafeLoader):
        aliases = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                self.aliases += 1
                if self.aliases > MOST_ALIASES:
                    raise yaml.YAMLError(f"it has more than {MOST_ALIASES} aliases")
            return super().compose_node(parent, index)

        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            seen: set[str] = set()
            for key in (key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key in seen:
                    raise yaml.YAMLError(f"{key!r} is given twice")
                seen.add(key)
            return node

        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > MOST_KEYS:  # merge keys can multiply a mapping
                raise yaml.YAMLError("it is too long")

    number = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    return Loader


def _bounded(values: Any) -> Any:
    """Return a value that is within the limits.

    Raises:
        ValueError: It exceeds one.
    """
    waiting, count = [(values, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > DEEPEST:
            raise ValueError(f"it is deeper than {DEEPEST} levels")
        if count > MOST_VALUES:
            raise ValueError(f"it has more than {MOST_VALUES:,} values")
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, (list, tuple, set)):
            waiting += [(each, depth + 1) for each in value]
    return values


def _first(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is too deep"
    return (str(error).splitlines() or [type(error).__name__])[0]
