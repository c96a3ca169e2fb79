"""What a domain brings for the studio: its front end, and how its examples are drawn and saved."""

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
        ending: Ending of a file with one result, such as ".mid".
    """

    kind: str
    ending: str

    def about(self, codec: Codec[Any], example: Example) -> Mapping[str, Any]:
        """Return facts of a model that the page needs to draw its examples, as JSON.

        Args:
            codec: The model's codec.
            example: One example of the model.
        """
        return {}

    @abstractmethod
    def shown(self, codec: Codec[Any], example: Example) -> Any:
        """Return an example as JSON that the page's script draws."""

    @abstractmethod
    def file(self, codec: Codec[Any], example: Example) -> bytes:
        """Return an example as the bytes of a file."""

    def messages(self, codec: Codec[Any], example: Example) -> list[tuple[str, list[Any]]]:
        """Return an example as OSC messages: addresses without the command, and arguments."""
        return [("/file", [self.file(codec, example)])]

    def contents(self, input_: Input) -> Mapping[str, Any]:
        """Return as JSON what a visitor can choose from in a file, such as its parts and bars."""
        return {}


@dataclass(frozen=True)
class Page:
    """The front end of a package.

    Attributes:
        title: Title of the page.
        script: The JavaScript module that the page runs.
        styles: Style sheets beside the common one.
        endings: Endings of the files that the file chooser offers.
        examples: Example files that the page offers.
        looks: CSS class of the page's body.
    """

    title: str
    script: Path
    styles: tuple[Path, ...] = ()
    endings: tuple[str, ...] = ()
    examples: tuple[Path, ...] = ()
    looks: str = ""
