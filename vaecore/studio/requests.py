"""The JSON bodies of requests, which pydantic checks: points between inputs, and codes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vaecore.cli.options import MANY

CORNERS = 4


class Corner(BaseModel):
    """One input: a file that was sent before."""

    model_config = ConfigDict(extra="forbid")
    file: str = Field(description="The `id` that /api/files gave.")


class Point(BaseModel):
    """A point between one and four inputs, or a code, and the attributes that are added to it."""

    model_config = ConfigDict(extra="forbid")
    corners: list[Corner] = Field(
        default=[], max_length=CORNERS,
        description="One to four. Two are the ends of a line. Four are the corners of a plane: A "
        "and B above, C and D below; of three the last is the whole lower edge.",
    )  # fmt: skip
    at: tuple[float, float] = Field(
        default=(0.0, 0.0), description="The point, x and y, from 0 0 (A) to 1 1 (D)."
    )
    model: str | None = Field(
        default=None, description="A model's name; by default the model that fits the inputs."
    )
    options: dict[str, Any] = Field(
        default={},
        description="Options of `palette` that choose the example of a file: bar, track, ...",
    )
    code: list[float] | None = Field(
        default=None, max_length=8192, description="A code, in place of the point between corners."
    )
    add: dict[str, float] = Field(
        default={}, max_length=100, description="The strength of each attribute that is added."
    )
    settle: bool = Field(
        default=False,
        description="Search for the edit, as `edit` does, instead of adding attribute vectors. "
        "Slower.",
    )
    temperature: float = Field(default=0.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, lt=2**31)


class Codes(BaseModel):
    """Codes to decode."""

    model_config = ConfigDict(extra="forbid")
    model: str
    codes: list[list[float]] = Field(min_length=1, max_length=MANY)
    temperature: float = Field(default=0.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, lt=2**31)
