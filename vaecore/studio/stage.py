"""What a domain adds for the studio: what the page draws of an example, and what a file holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaecore.cli.presentation import Input
    from vaecore.codec import Codec, Example


class Stage(ABC):
    """How one domain is shown in the studio.

    Attributes:
        kind: What the page draws: "music", "picture" or "text".
        ending: Of a file with one result.
    """

    kind: str
    ending: str

    def about(self, codec: Codec[Any], example: Example) -> Mapping[str, Any]:
        """Return what the page needs to draw the examples of a model; one is given."""
        return {}

    @abstractmethod
    def shown(self, codec: Codec[Any], example: Example) -> Any:
        """Return an example as the page draws it: JSON."""

    @abstractmethod
    def file(self, codec: Codec[Any], example: Example) -> bytes:
        """Return an example as a file."""

    def messages(self, codec: Codec[Any], example: Example) -> list[tuple[str, list[Any]]]:
        """Return an example as OSC messages: address (without the package) and arguments."""
        return [("/file", [self.file(codec, example)])]

    def contents(self, input_: Input) -> Mapping[str, Any]:
        """Return what there is in a file to choose from."""
        return {}


@dataclass(frozen=True)
class Page:
    """The front end of a package.

    Attributes:
        title: Of the page.
        script: The JavaScript module that it runs.
        styles: Style sheets beside the common one.
        endings: Of the files that it takes, for the file chooser.
        examples: Files to begin with.
        looks: A class of the page's body.
    """

    title: str
    script: Path
    styles: tuple[Path, ...] = ()
    endings: tuple[str, ...] = ()
    examples: tuple[Path, ...] = ()
    looks: str = ""
