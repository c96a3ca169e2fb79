"""A job that a server runs: it uses models that stay loaded, and returns what it reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vaecore.cli.job import Job
from vaecore.cli.presentation import Input, Result, Source
from vaecore.studio.models import Models

if TYPE_CHECKING:
    from vaecore.space import LatentSpace


class File(NamedTuple):
    """A file that was sent, or that a verb wrote."""

    name: str
    data: bytes


@dataclass
class Outcome:
    """The outcome of a verb.

    Attributes:
        facts: Its report, as for --json.
        notes: Its notes, which the command line prints on standard error.
        files: The files that it wrote.
        job: The job; None for verbs without a model.
        result: The decoded examples; None for verbs that decode none.
        space: The model; None for verbs without one.
        rounds: The examples that were taken from the inputs, as of `Job.take`.
        inputs: The inputs as they were read.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    job: Job | None = None
    result: Result | None = None
    space: LatentSpace[Any] | None = None
    rounds: list[list[Source]] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)


@dataclass
class ServedJob(Job):
    """A job that uses a server's models, and keeps in `outcome` what the command line prints."""

    models: Models | None = None
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.outcome.job = self

    def space(self, model: str) -> LatentSpace[Any]:
        """Return a model of the server, by its name or its folder."""
        assert self.models is not None
        self.model = self.models.name(model)
        self.outcome.space = self.models.space(self.model)
        return self.outcome.space

    def read(self, paths: Sequence[Path]) -> list[Input]:
        """Return the inputs, and keep them."""
        self.outcome.inputs = super().read(paths)
        return self.outcome.inputs

    def take(
        self, space: LatentSpace[Any], inputs: Sequence[Input]
    ) -> tuple[LatentSpace[Any], list[list[Source]]]:
        """Return the examples that are taken from inputs, and keep them."""
        space, self.outcome.rounds = super().take(space, inputs)
        return space, self.outcome.rounds

    def write(self, result: Result, path: Path | None, text: str, facts: Mapping[str, Any]) -> None:
        """Write a result, and keep it."""
        self.outcome.result = result
        super().write(result, path, text, facts)

    def emit(self, facts: Mapping[str, Any]) -> None:
        """Keep the report."""
        self.outcome.facts = {"verb": self.verb, **facts}
