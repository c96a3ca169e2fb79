"""What every figure is given, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "data"
"""The example inputs of this project."""

Figure = Callable[["Setting"], dict[str, Any]]
FIGURES: dict[str, Figure] = {}
"""All figures by name, in the order of the lecture."""


@dataclass(frozen=True)
class Setting:
    """What a figure is given.

    Attributes:
        output: Folder to write into.
        small: Train for a few steps and draw little, to check that everything runs.
        faces: A folder of framed faces to take in place of pictures that the model invents.
        mnist: MNIST's npz file, in place of the bundled digits.
    """

    output: Path
    small: bool = False
    faces: Path | None = None
    mnist: Path | None = None

    def some(self, full: int, small: int) -> int:
        """Return a number for the setting."""
        return small if self.small else full

    @contextmanager
    def face_folder(self, count: int) -> Iterator[Path]:
        """Yield a folder of faces: the user's, or samples of `faces_64`."""
        if self.faces is not None:
            yield self.faces
            return
        import facevae

        with TemporaryDirectory() as place:
            for number, face in enumerate(facevae.load("faces_64").sample(count, seed=7)):
                face.save(Path(place) / f"{number:05}.png")
            yield Path(place)


def figure(function: Figure) -> Figure:
    """Add a function to the list of figures, under its own name."""
    FIGURES[function.__name__] = function
    return function
