"""A folder of images as a dataset: streamed, divided by name, with labels if there are any."""

from __future__ import annotations

import copy
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from facevae.codec import FaceCodec
from facevae.data.names import find_images
from vaecore.errors import DataError

if TYPE_CHECKING:
    from facevae.data.labels import Labels

SPLITS = ("train", "validation", "test")
HELD_OUT = 0.05
"""Share of the images in each of the validation and the test part."""
SHOWN = 3
"""Names that a summary gives as examples, at most."""


class FaceFolder(Dataset[Tensor]):
    """The images of a folder, in the order of their names, each read when it is used.

    Args:
        root: The folder; it is searched at any depth.
        codec: How images become examples.

    Attributes:
        values: `(len, attributes)` bool, the labels, or None without any.
        attributes: Names of the columns of `values`.

    Raises:
        DataError: There is no such folder, or no image in it.
    """

    def __init__(self, root: str | os.PathLike[str], codec: FaceCodec) -> None:
        self.root = Path(root)
        self.codec = codec
        self.names = find_images(root)
        self.rows = np.arange(len(self.names), dtype=np.int32)
        self.values: np.ndarray | None = None
        self.attributes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Tensor:
        """Return an example, float32 `(3, size, size)` in [0, 1]; DataError if it is broken."""
        return self.codec.encode(self.path(index))

    def pixels(self, index: int) -> np.ndarray:
        """Return an example as uint8 `(size, size, 3)`; DataError if it is broken."""
        return self.codec.pixels(self.path(index))

    @property
    def label_values(self) -> np.ndarray:
        """The labels `(len, attributes)`, bool; without any, there are 0 attributes."""
        return np.zeros((len(self), 0), bool) if self.values is None else self.values

    def name(self, index: int) -> str:
        """Return an image's path from the root on, with `/` between folders."""
        return self.names[int(self.rows[index])]

    def path(self, index: int) -> Path:
        """Return an image's path."""
        return self.root / self.name(index)

    def select(self, indices: np.ndarray) -> FaceFolder:
        """Return a folder of only the images at some indices, in their order."""
        part = copy.copy(self)  # the names are shared
        part.rows = self.rows[indices]
        part.values = None if self.values is None else self.values[indices]
        return part

    def split(self, part: str, seed: int = 0) -> FaceFolder:
        """Return the images of the part "train", "validation" or "test".

        It is that of `split_of`; but where a part of a small folder would be empty, it gets the
        images whose hash is nearest.

        Raises:
            DataError: There are fewer than three images.
        """
        if part not in SPLITS:
            raise ValueError(f"unknown part {part!r}; there are {', '.join(SPLITS)}")
        if len(self) < len(SPLITS):
            problem = f"holds only {len(self)} usable images, at least {len(SPLITS)} are needed"
            raise DataError(problem, path=self.root, remedy="add more images")
        places = np.array([_place(self.name(index), seed) for index in range(len(self))])
        ordered = np.argsort(places, kind="stable")
        validation, held_out = np.searchsorted(places[ordered], [HELD_OUT, 2 * HELD_OUT])
        validation = max(validation, 1)
        held_out = max(held_out, validation + 1)
        ends = {"validation": (0, validation), "test": (validation, held_out)}
        start, end = ends.get(part, (held_out, len(self)))
        return self.select(np.sort(ordered[start:end]))

    def labelled(self, labels: Labels, strict: bool = False) -> FaceFolder:
        """Return the images that have labels, with their labels.

        Labels name images by their path from the root on. If no image has that name, the ending
        is ignored: images are often converted after they were labelled.

        Args:
            labels: From `facevae.data.labels.read_labels`.
            strict: Refuse labels that name missing images.

        Raises:
            DataError: No label names an image of the folder (with `strict`: not every one does).
        """
        rows = {name: row for row, name in enumerate(labels.names)}
        stems = {_stem(name): row for name, row in rows.items()}
        found = np.array(
            [
                rows.get(name, stems.get(_stem(name), -1))
                for name in (self.name(index) for index in range(len(self)))
            ],
            dtype=np.int64,
        )
        have = np.flatnonzero(found >= 0)
        unused = np.ones(len(labels.names), bool)
        unused[found[have]] = False
        missing = np.flatnonzero(unused)
        examples = tuple(labels.names[row] for row in missing[:SHOWN])
        if len(missing) and (strict or not len(have)):
            count = "only missing images" if not len(have) else f"{len(missing):,} missing images"
            problem = f"names {count} ({_some(examples)}), looked for in {self.root}"
            remedy = f"leave their lines out, or name them as they are there, like {self.name(0)}"
            raise DataError(problem, path=labels.path, remedy=remedy)
        part = self.select(have)
        part.values = labels.values[found[have]]
        part.attributes = labels.attributes
        return part


def split_of(name: str, seed: int = 0) -> str:
    """Return the part that an image belongs to: "train", "validation" or "test".

    It depends on the name and the seed alone, so that an image stays where it is when others
    come or go.

    Args:
        name: The image's path from its folder on, with `/` between folders.
        seed: Another one gives another division.
    """
    place = _place(name, seed)
    return "validation" if place < HELD_OUT else "test" if place < 2 * HELD_OUT else "train"


def _place(name: str, seed: int) -> float:
    """Return a number in [0, 1) that a name always has, uniform over names."""
    text = os.fsencode(f"{seed}/{name}" if seed else name)
    share = int.from_bytes(hashlib.sha256(text).digest()[:4], "big") / 2**32
    # Shifted so that the shipped models, trained on the lowest hashes, keep their training part.
    return (share + 2 * HELD_OUT) % 1


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names)
