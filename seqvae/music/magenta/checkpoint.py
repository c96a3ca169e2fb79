"""A checkpoint as the importer reads it, in any file format: named arrays, read one by one."""

from __future__ import annotations

import lzma
import math
import tarfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import IO, Protocol

import numpy as np

from vaecore.errors import DataError
from vaecore.reading import Kind

MOST_DIMENSIONS = 8
MOST_VALUES = 1 << 30
"""Most values of one array: a shape with more comes from a damaged or hostile file."""

Open = Callable[[str], "AbstractContextManager[IO[bytes]] | None"]
"""Opens a file of a checkpoint by its name, or returns None if there is none."""

DAMAGED = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)
"""Exceptions that reading a damaged archive raises."""

FILE = Kind("file of a checkpoint", 1 << 34, "get the checkpoint again")


class Checkpoint(Protocol):
    """Named arrays of numbers."""

    path: str
    """Its path, for messages."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every array by name, in the order in which the file has them."""

    def read(self, name: str) -> np.ndarray:
        """Return an array as float32.

        Raises:
            DataError: It is damaged, or has no numbers; the message names it.
        """

    def check(self, name: str) -> None:
        """Compare an array with its checksum, if the format has any, without keeping it.

        Raises:
            DataError: It is damaged; the message names it.
        """


_DAMAGED = "get the checkpoint again; one that was trained to NaN cannot be imported"


def checked_shape(shape: tuple[int, ...], name: str, path: str) -> tuple[int, ...]:
    """Return a shape if it is possible.

    Raises:
        DataError: A length is negative, or there are too many dimensions or values.
    """
    possible = len(shape) <= MOST_DIMENSIONS and all(0 <= n <= MOST_VALUES for n in shape)
    if not possible or math.prod(shape) > MOST_VALUES:
        raise DataError(f"tensor {name!r} has the impossible shape {shape}", path=path)
    return shape


def finite(array: np.ndarray, name: str, path: str) -> np.ndarray:
    """Return an array as float32.

    Raises:
        DataError: It holds NaN or infinity.
    """
    array = np.asarray(array, np.float32)
    # The sum is not finite if a value is not, and needs no further memory.
    if not np.isfinite(array.sum(dtype=np.float64)):
        raise DataError(f"tensor {name!r} is not finite", path=path, remedy=_DAMAGED)
    return array
