"""What the page asks for: points between inputs, and codes; checked as they come in."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vaecore.cli.options import MANY

CORNERS = 4


class Corner(BaseModel):
    """One input, as the page names it."""

    model_config = ConfigDict(extra="forbid")
    file: str = Field(description="The `id` that /api/files gave.")


class Point(BaseModel):
    """A point between one and four inputs, or a code, and what is changed about it."""

    model_config = ConfigDict(extra="forbid")
    corners: list[Corner] = Field(
        default=[], max_length=CORNERS,
        description="One to four: the ends of a line, or A B above C D; of three the last is the "
        "whole lower edge.",
    )  # fmt: skip
    at: tuple[float, float] = Field(
        default=(0.0, 0.0), description="Where between them, from 0 0 (A) to 1 1 (D)."
    )
    model: str | None = Field(default=None, description="By default what fits the inputs.")
    options: dict[str, Any] = Field(
        default={}, description="Options of `palette` that choose what is taken: bar, track, ..."
    )
    code: list[float] | None = Field(
        default=None, max_length=8192, description="A code, in place of the point between corners."
    )
    add: dict[str, float] = Field(
        default={}, max_length=100, description="Attributes and how much of each to add."
    )
    settle: bool = Field(
        default=False,
        description="Search for the edit, as `edit` does, in place of adding vectors. Slower.",
    )
    temperature: float = Field(default=0.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, lt=2**31)


class Codes(BaseModel):
    """Codes to be decoded."""

    model_config = ConfigDict(extra="forbid")
    model: str
    codes: list[list[float]] = Field(min_length=1, max_length=MANY)
    temperature: float = Field(default=0.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, lt=2**31)
