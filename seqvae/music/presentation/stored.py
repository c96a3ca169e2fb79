"""Long sound in a file, so that memory use does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

import numpy as np

from seqvae.music.presentation.mastering import Sound


class Stored:
    """An array `(2, samples)` of float32 in a file, which is zero at first.

    `stored[:, first:last]` reads a part, and `stored[:, first:last] = part` writes it.

    Args:
        file: An empty file, for the array alone.
        samples: Number of samples of each channel.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, file: IO[bytes], samples: int) -> None:
        self._file, self.shape = file, (2, samples)
        file.truncate(samples * 2 * self.dtype.itemsize)

    def __getitem__(self, part: tuple[slice, slice]) -> Sound:
        """Return a copy of some samples."""
        count = self._seek(part)
        data = self._file.read(count * 2 * self.dtype.itemsize)
        return np.ascontiguousarray(np.frombuffer(data, self.dtype).reshape(-1, 2).T)

    def __setitem__(self, part: tuple[slice, slice], sound: Sound) -> None:
        count = self._seek(part)
        assert sound.shape == (2, count)
        self._file.write(np.ascontiguousarray(sound.T, self.dtype).data)

    def _seek(self, part: tuple[slice, slice]) -> int:
        """Move to a part of the file, and return its number of samples."""
        first, last, _ = part[1].indices(self.shape[1])
        self._file.seek(first * 2 * self.dtype.itemsize)
        return max(last - first, 0)


Room = Callable[[int], Any]
"""Returns silence of so many samples: an array, or `Stored`."""


def in_memory(samples: int) -> Sound:
    """Return silence `(2, samples)` as an array."""
    return np.zeros((2, samples), np.float32)
