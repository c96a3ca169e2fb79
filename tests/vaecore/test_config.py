"""Configurations: what does not fit the dataclass is refused, and named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from vaecore.config import build


@dataclass(frozen=True)
class Settings:
    steps: int
    layers: int = 1
    rate: float = 0.5
    name: str = "plain"
    quiet: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


def test_values_and_defaults() -> None:
    assert build(Settings, {"steps": 3, "rate": 0.1}, "here") == Settings(3, rate=0.1)
    assert build(Settings, {"steps": 3, "rate": 1}, "here").rate == 1  # JSON writes 1.0 as 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 3, "laiers": 2}, "unknown key 'laiers'; known: steps, layers"),
        ({"layers": 2}, "missing 'steps'"),
        ({"steps": 3, "layers": "2"}, "layers must be int, got '2'"),
        ({"steps": 3, "layers": 2.5}, "layers must be int"),
        ({"steps": 3, "layers": True}, "layers must be int"),
        ({"steps": 3, "layers": None}, "layers must be int"),
        ({"steps": 3, "rate": "fast"}, "rate must be float"),
        ({"steps": 3, "rate": True}, "rate must be float"),
        ({"steps": 3, "name": 7}, "name must be str"),
        ({"steps": 3, "quiet": 1}, "quiet must be bool"),
        ([3], "expected a mapping, got list"),
        (None, "expected a mapping"),
    ],
)
def test_what_does_not_fit_is_named(values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        build(Settings, values, "config.json: settings")
    assert str(caught.value).startswith("config.json: settings: ")
