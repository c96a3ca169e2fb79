"""The interface of a domain at the command line: its options, inputs and outputs."""

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
    """The model for some inputs, and the reason to print."""

    model: str
    reason: str


class Input(NamedTuple):
    """One input of a verb, read once.

    Attributes:
        path: The file; a string if the item itself was typed.
        content: The result of `Presentation.open`, or a domain's own by `Presentation.read`.
    """

    path: Path | str
    content: Any

    @property
    def name(self) -> str:
        """The name to print: of the file, or the typed text."""
        return printable(self.path.name if isinstance(self.path, Path) else self.path)


@dataclass(frozen=True)
class Source:
    """One example taken from one input.

    Attributes:
        example: The example, with its context.
        input: The input that it was taken from.
        place: Its place in the file, in words ("bars 3-4 of 16 · 120 bpm"); may be empty.
        facts: The same for `--json`.
    """

    example: Example
    input: Input
    place: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The result of a verb, to be written and shown.

    Attributes:
        verb: Name of the verb.
        codec: The codec of the examples.
        rounds: One list of examples for each round of inputs.
        titles: A title for each example of a round; may be empty.
        columns: Number of columns, if the examples are a grid.
        originals: Inputs to show above the results for comparison.
        kept: Reconstructions of the originals, if the results are others.
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
    """A report on written files.

    Attributes:
        text: A summary in a few words ("18 bars, 0:36").
        facts: The same for `--json`.
        next: A hint on the next step, a line; may be empty.
    """

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    next: str = ""


class Presentation(ABC):
    """The choice of a domain's models and inputs, and the writing of its results.

    A domain may add options to shared verbs: `options` returns them, and the other methods get
    their values as a mapping `options`.

    Args:
        domain: The domain, with its models.
    """

    outputs: Mapping[str, str]
    """Default name of a verb's output file; verbs without one only print."""

    reads: tuple[str, ...]
    """Endings of files to search folders for, in lower case."""

    suffixes: tuple[str, ...]
    """Endings that -o/--output may have, in lower case."""

    defaults: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    """The domain's defaults of shared options, by verb and option; a text only appears in the
    help."""

    draws: bool = False
    """Whether `analyze` draws its picture by default."""

    evaluates: bool = False
    """Whether the domain has the verb `evaluate`."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def options(self, verb: str) -> Sequence[click.Option]:
        """Return the options that the domain adds to a verb."""
        return ()

    def takes(self, inputs: Sequence[Path]) -> bool:
        """Return whether inputs are of this domain; decides if no model was named."""
        return False

    def typed(self, input_: Path) -> bool:
        """Return whether an input is the item itself, not a path."""
        return False

    def endings(self, verb: str) -> tuple[str, ...]:
        """Return the endings that a verb's output may have; "" stands for a folder."""
        return self.suffixes

    def steps(self, inputs: int, output: Path | None) -> int:
        """Return the default number of steps through a number of inputs, ends included."""
        return max(9, inputs)

    def grid(self, output: Path | None) -> tuple[int, int]:
        """Return the default numbers of rows and columns of a palette."""
        return 5, 5

    def goes_on(self, options: Mapping[str, Any]) -> bool:
        """Return whether rounds are consecutive parts of whole pieces.

        If so, `interpolate` without --steps goes through them once, from the first input to the
        last.
        """
        return False

    def read(self, paths: Sequence[Path], options: Mapping[str, Any]) -> list[Input]:
        """Return the inputs, each read once.

        Args:
            paths: The inputs of the command line.
            options: Values of the domain's own options.

        Raises:
            DataError: One is missing, a folder, or cannot be used.
            UsageError: A typed item is not UTF-8.
        """
        typed = [self.typed(path) for path in paths]
        for path, text in zip(paths, typed, strict=True):
            if text and any("\ud800" <= letter <= "\udfff" for letter in str(path)):
                raise UsageError(f"{path}: the text must be UTF-8")
        named = [str(path) if text else path for path, text in zip(paths, typed, strict=True)]
        return [Input(path, self.open(path)) for path in named]

    def open(self, path: Path | str) -> Any:
        """Return the content of an input, for `choose_model` and `sources`.

        By default it is the path itself, after a check that the file exists.

        Raises:
            DataError: It cannot be read.
        """
        if isinstance(path, Path):
            check_files([path])
        return path

    @abstractmethod
    def choose_model(self, inputs: Sequence[Input], options: Mapping[str, Any]) -> Choice:
        """Return the shipped model that fits the inputs (the default one if there are none).

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
        """Return the rounds: each is a list of sources, one for each input.

        Raises:
            DataError: An input cannot be used.
        """

    def limited(
        self,
        space: LatentSpace[Any],
        rounds: Sequence[Sequence[Source]],
        options: Mapping[str, Any],
    ) -> LatentSpace[Any]:
        """Return the space with the restrictions of options, such as a scale; by default none.

        Args:
            space: The model.
            rounds: The rounds of `sources`; empty for `sample`.
            options: Values of the domain's own options.
        """
        return space

    @abstractmethod
    def write(self, result: Result, outputs: Outputs, options: Mapping[str, Any]) -> Written:
        """Write a result to `outputs.main`, if there is one, and the further files of options."""

    def picture(self, result: Result, width: int) -> str:
        """Return a small picture of the result in text, at most `width` columns."""
        return ""

    def fidelity(self, codec: Any, x: Tensor, y: Tensor) -> tuple[str, dict[str, Any]]:
        """Compare examples with their reconstructions: in words, and for `--json`."""
        return "", {}

    def evaluate(
        self, space: LatentSpace[Any], paths: Sequence[Any], seed: int, split: str | None = None
    ) -> dict[str, Any]:
        """Return the figures of a model; required if `evaluates`.

        Args:
            space: The model.
            paths: Files; with a split, folders of training data.
            seed: Seed of the draws.
            split: The part of the folders to measure on: "train", "validation" or "test".
        """
        raise NotImplementedError
