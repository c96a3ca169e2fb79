"""Labels of images: a table in CelebA's form, or a folder per label."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

import numpy as np

from facevae.data.names import find_images
from vaecore.errors import DataError, UsageError, printable
from vaecore.reading import LABELS, open_file

_MEANINGS = {"1": 1, "+1": 1, "1.0": 1, "-1": 0, "-1.0": 0, "0": 0, "0.0": 0}
LONGEST_LINE = 1 << 20
"""Characters of the first line that are looked at."""
MOST_ATTRIBUTES = 1000
_FORM = "write a first line like image,Smiling,Eyeglasses and lines like 00001.jpg,1,-1"


@dataclass(frozen=True)
class Labels:
    """Which attributes images have.

    Attributes:
        path: The table or folder it was read from.
        names: Images, as their path from their folder on.
        attributes: Names of the attributes.
        values: `(images, attributes)` bool.
    """

    path: Path
    names: Sequence[str]
    attributes: tuple[str, ...]
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def select(self, attributes: Sequence[str]) -> Labels:
        """Return only some of the attributes, in their order.

        Raises:
            UsageError: One is unknown; the message lists the known ones.
        """
        for name in attributes:
            if name not in self.attributes:
                known = ", ".join(self.attributes)
                raise UsageError(f"{self.path} has no attribute {name!r}; it has {known}")
        columns = [self.attributes.index(name) for name in attributes]
        return Labels(self.path, self.names, tuple(attributes), self.values[:, columns])


def read_labels(path: str | os.PathLike[str]) -> Labels:
    """Read the labels of images.

    Three forms are known:

    - A table whose first line is `image,Smiling,Eyeglasses` (any name for the first column;
      semicolons or tabs are possible too), and whose other lines are `00001.jpg,1,-1`: 1 for yes,
      -1 or 0 for no.
    - CelebA's own `list_attr_celeba.txt`: the number of images, a line of attributes, then lines
      like the above, all separated by spaces.
    - A folder with a folder per label: `Smiling/a.jpg`, `Neutral/b.jpg`. Each label is an
      attribute that its images have and all others have not.

    Raises:
        DataError: It is none of these; the message names the line.
    """
    path = Path(path)
    if path.is_dir():
        return _from_folder(path)
    names: dict[str, int] = {}
    values = bytearray()
    rows = _rows(path)
    _, header = next(rows, (0, []))
    attributes = tuple(name.strip() for name in header[1:])
    if not attributes or "" in attributes:
        raise DataError("is no table of labels", path=path, remedy=_FORM)
    if len(attributes) > MOST_ATTRIBUTES or any(printable(name) != name for name in attributes):
        text = f"is no table of labels: at most {MOST_ATTRIBUTES:,} names of printable characters"
        raise DataError(text, path=path, remedy=_FORM)
    if len(set(attributes)) < len(attributes):
        twice = next(name for name in attributes if attributes.count(name) > 1)
        raise DataError(f"has two columns {twice!r}", path=path, remedy="leave one out")
    for line, row in rows:
        if len(row) != len(header):
            problem = f"line {line} has {len(row)} columns, the first line {len(header)}"
            raise DataError(problem, path=path, remedy=_FORM)
        name = row[0].strip().replace("\\", "/").removeprefix("./")
        if name in names:
            problem = f"line {line} labels {name} again"
            raise DataError(problem, path=path, remedy="leave one of the lines out")
        names[name] = line
        try:
            values += bytes([_MEANINGS[value.strip()] for value in row[1:]])
        except KeyError as error:
            wrong = next(i for i, value in enumerate(row) if i and value.strip() not in _MEANINGS)
            problem = f"line {line}: {attributes[wrong - 1]} is {row[wrong]!r}"
            raise DataError(problem, path=path, remedy="write 1 for yes, -1 for no") from error
    if not names:
        raise DataError("has no labels below its first line", path=path, remedy=_FORM)
    table = np.frombuffer(values, np.uint8).reshape(len(names), len(attributes)).astype(bool)
    return Labels(path, tuple(names), attributes, table)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells of a table, the header first; empty lines are left out."""
    with open_file(path, LABELS) as binary:
        file = TextIOWrapper(binary, "utf-8-sig", newline="")
        try:
            first = file.readline(LONGEST_LINE)
            spaces = first.strip().isdigit()  # CelebA's own form begins with the number of images
            if not spaces:
                file.seek(0)
            delimiter = " " if spaces else max(",;\t", key=first.count)
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=spaces, strict=True)
            header = True
            for row in reader:
                cells = [cell for cell in row if cell] if spaces else row
                if any(cell.strip() for cell in cells):
                    # CelebA's header names no column for the images.
                    yield (
                        reader.line_num + spaces,
                        ["image", *cells] if spaces and header else cells,
                    )
                    header = False
        except UnicodeDecodeError as error:
            problem = "is not UTF-8 text"
            raise DataError(problem, path=path, remedy="save it as UTF-8") from error
        except csv.Error as error:
            raise DataError(f"is no table of labels ({error})", path=path, remedy=_FORM) from error


def _from_folder(path: Path) -> Labels:
    names = [name for name in find_images(path) if "/" in name]
    owners = [name.partition("/")[0] for name in names]
    attributes = tuple(sorted(set(owners)))
    if len(attributes) < 2:
        raise DataError(
            f"has {len(attributes) or 'no'} folder{'s'[: len(attributes) != 1]} of images in it",
            path=path,
            remedy="make one folder for each label, and at least two",
        )
    columns = np.array([attributes.index(owner) for owner in owners])
    return Labels(path, tuple(names), attributes, columns[:, None] == np.arange(len(attributes)))
