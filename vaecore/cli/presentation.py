"""What a domain brings to the command line: how its results are written and shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from vaecore.errors import UsageError, printable
from vaecore.reading import check_files

if TYPE_CHECKING:
    import click
    from torch import Tensor

    from vaecore.cli.outputs import Outputs
    from vaecore.codec import Codec, Example
    from vaecore.domain import Domain
    from vaecore.space import LatentSpace


class Choice(NamedTuple):
    """The model that fits some inputs, and why."""

    model: str
    reason: str


class Input(NamedTuple):
    """One input of a verb, read once.

    Attributes:
        path: The file; a string is an input that is the item itself.
        content: What `Presentation.open` made of it, or `Presentation.read` of that.
    """

    path: Path | str
    content: Any

    @property
    def name(self) -> str:
        """What to call the input."""
        return printable(self.path.name if isinstance(self.path, Path) else self.path)


@dataclass(frozen=True)
class Source:
    """One example taken from one input.

    Attributes:
        example: The example, with its context.
        input: Where it is from.
        place: Where in the file, in words ("bars 3-4 of 16 · 120 bpm"); may be empty.
        facts: The same for `--json`.
    """

    example: Example
    input: Input
    place: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What a verb made, ready to be written and shown.

    Attributes:
        verb: The verb that made it.
        codec: The codec of the examples.
        rounds: The results: one list for every window that the verb went through.
        titles: A name for each result of a round, may be empty.
        columns: Columns of the grid, where the results are one.
        originals: Examples to show above the results for comparison.
        kept: What the model keeps of the originals, where that is not the result itself.
    """

    verb: str
    codec: Codec[Any]
    rounds: Sequence[Sequence[Example]]
    titles: Sequence[str]
    columns: int | None = None
    originals: Sequence[Example] = ()
    kept: Sequence[Example] = ()

    @cached_property
    def examples(self) -> list[Example]:
        """All results, round by round."""
        return [example for examples in self.rounds for example in examples]

    @cached_property
    def items(self) -> list[Any]:
        """All results as items, decoded once."""
        return self.decoded(self.examples)

    def decoded(self, examples: Sequence[Example]) -> list[Any]:
        """Return examples as items."""
        return [self.codec.decode(each.x, each.context) for each in examples]


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        text: About it, in a few words ("18 bars, 0:36").
        facts: The same for `--json`.
        next: What the user can do with it now, a line; may be empty.
    """

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    next: str = ""


class Presentation(ABC):
    """How a domain's inputs are chosen and its results written and shown.

    A domain may have options of its own on shared verbs: `options` names them, and their values
    come back as the mapping `options` of the other methods.

    Args:
        domain: Its models.
    """

    outputs: Mapping[str, str]
    """Default name of the file that a verb writes; one that has none only prints."""

    reads: tuple[str, ...]
    """Endings of the files that folders are searched for, in lower case."""

    suffixes: tuple[str, ...]
    """Endings that -o/--output may have, in lower case."""

    defaults: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    """Defaults of shared options that are the domain's own, by verb and option; a text is shown as
    the default of an option that has none."""

    draws: bool = False
    """Whether `analyze` draws its picture unasked."""

    evaluates: bool = False
    """Whether there is `evaluate`."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def options(self, verb: str) -> Sequence[click.Option]:
        """Return the domain's own options of a verb."""
        return ()

    def takes(self, inputs: Sequence[Path]) -> bool:
        """Return whether inputs are of this domain, where no model was named."""
        return False

    def typed(self, input_: Path) -> bool:
        """Return whether an input is no path, but the item itself."""
        return False

    def endings(self, verb: str) -> tuple[str, ...]:
        """Return the endings that the output of a verb may have; "" stands for a folder."""
        return self.suffixes

    def steps(self, inputs: int, output: Path | None) -> int:
        """Return the default number of steps through some inputs, ends included."""
        return max(9, inputs)

    def grid(self, output: Path | None) -> tuple[int, int]:
        """Return the default numbers of rows and columns of a palette."""
        return 5, 5

    def goes_on(self, options: Mapping[str, Any]) -> bool:
        """Return whether rounds are one piece after another part of the same, a song.

        Then `interpolate` without --steps goes once through it: it begins as the first input, and
        ends as the last one.
        """
        return False

    def read(self, paths: Sequence[Path], options: Mapping[str, Any]) -> list[Input]:
        """Return the inputs, each read once.

        Args:
            paths: As they were given.
            options: Values of the domain's own options.

        Raises:
            DataError: One is missing, a folder, or cannot be used.
        """
        typed = [self.typed(path) for path in paths]
        for path, text in zip(paths, typed, strict=True):
            if text and any("\ud800" <= letter <= "\udfff" for letter in str(path)):
                raise UsageError(f"{path}: what is typed must be UTF-8")
        named = [str(path) if text else path for path, text in zip(paths, typed, strict=True)]
        return [Input(path, self.open(path)) for path in named]

    def open(self, path: Path | str) -> Any:
        """Return the content of an input: what `choose_model` and `sources` see of it.

        By default the path of a file, which exists.

        Raises:
            DataError: It cannot be read.
        """
        if isinstance(path, Path):
            check_files([path])
        return path

    @abstractmethod
    def choose_model(self, inputs: Sequence[Input], options: Mapping[str, Any]) -> Choice:
        """Return the shipped model that fits the inputs (the favourite one if there are none).

        Args:
            inputs: The inputs.
            options: Values of the domain's own options.

        Raises:
            DataError: The inputs cannot be used, or there is no model for them.
        """

    @abstractmethod
    def sources(
        self, codec: Any, inputs: Sequence[Input], options: Mapping[str, Any]
    ) -> list[list[Source]]:
        """Return what to take from the inputs: one list of sources, one per input, per round.

        Raises:
            DataError: An input cannot be used.
        """

    def limited(
        self,
        space: LatentSpace[Any],
        rounds: Sequence[Sequence[Source]],
        options: Mapping[str, Any],
    ) -> LatentSpace[Any]:
        """Return the space within the limits that options set, as it is by default.

        Args:
            space: The model.
            rounds: What was taken from the inputs.
            options: Values of the domain's own options.
        """
        return space

    @abstractmethod
    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write a result to `outputs.main`, if there is one, and the files that options name."""

    def picture(self, result: Result, width: int) -> str:
        """Return a small picture of the result in text, at most `width` columns."""
        return ""

    def fidelity(self, codec: Any, x: Tensor, y: Tensor) -> tuple[str, dict[str, Any]]:
        """Compare examples with their reconstructions: in words, and for `--json`."""
        return "", {}

    def evaluate(
        self, space: LatentSpace[Any], paths: Sequence[Any], seed: int, split: str | None = None
    ) -> dict[str, Any]:
        """Return the figures of a model; there if `evaluates`.

        Args:
            space: The model.
            paths: Files; with a split, folders.
            seed: Of the draws.
            split: Measure on the part that a training on the folders takes for this.
        """
        raise NotImplementedError
