"""A great many file names in little memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import numpy as np

from facevae.images import SUFFIXES
from vaecore.errors import DataError

_HIDDEN = b"."


class Names:
    """Names in order, in two arrays.

    A list of a million names is a million objects: three times the memory, and a copy of it in
    every process of a training, since reading an object writes its reference count.

    Args:
        names: File names as the system has them (`os.fsencode`).
    """

    def __init__(self, names: Iterable[bytes]) -> None:
        ordered = sorted(names)
        self._text = np.frombuffer(b"".join(ordered), np.uint8)
        self._ends = np.cumsum([len(name) for name in ordered], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> str:
        start = self._ends[index - 1] if index else 0
        return os.fsdecode(self._text[start : self._ends[index]].tobytes())


def find_images(root: str | os.PathLike[str]) -> Names:
    """Return the images in a folder at any depth, relative to it, with `/` between folders.

    Files are chosen by their ending. Hidden files and folders (a name that begins with a dot) are
    left out, and links to folders are not followed.

    Raises:
        DataError: There is no such folder, it cannot be read, or it holds no image.
    """
    if not os.path.exists(root):
        raise DataError("does not exist", path=root, remedy="check the name")
    if not os.path.isdir(root):
        raise DataError("is not a folder", path=root, remedy="name a folder of images")
    names = Names(_walk(os.fsencode(root), b""))
    if not len(names):
        kinds = " or ".join(SUFFIXES[:5])
        raise DataError(f"holds no images ({kinds} ...)", path=root, remedy="check the name")
    return names


def _walk(folder: bytes, prefix: bytes) -> Iterator[bytes]:
    endings = tuple(os.fsencode(suffix) for suffix in SUFFIXES)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(_HIDDEN):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk(entry.path, prefix + entry.name + b"/")
                elif entry.name.lower().endswith(endings) and entry.is_file():
                    yield prefix + entry.name
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problem = f"cannot be read ({reason})"
        raise DataError(problem, path=os.fsdecode(folder), remedy="check its rights") from error
