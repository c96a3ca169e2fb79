"""TensorFlow's checkpoints ("bundles"), read without TensorFlow.

`PREFIX.index` is a table of the tensors' names, types, shapes and places (see `table`). The files
`PREFIX.data-0000I-of-0000N` have their values one after the other. Every block of the table and
every tensor has a checksum, and all are checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from seqvae.music.magenta.checkpoint import DAMAGED, Open, checked_shape, finite
from seqvae.music.magenta.crc import crc32c, masked
from seqvae.music.magenta.table import read_table, varint
from vaecore.errors import DataError

MOST_BYTES = 1 << 28
"""Largest index file in bytes; the index of a hundred tensors has a few thousand."""
MOST_SHARDS = 1 << 12
AT_ONCE = 1 << 24
"""Bytes that are read at a time of tensors that are only checked."""

_TYPES = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "<u1", 5: "<i2", 6: "<i1", 9: "<i8", 10: "?", 17: "<u2",
    19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip
"""NumPy's names of TensorFlow's types."""
_BFLOAT16 = 14
_INCOMPLETE = "copy it again, the .index file and all .data files"


class Entry(NamedTuple):
    """A tensor's type, shape and place."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    """In bytes."""
    checksum: int
    parts: bool
    """Whether it is stored in parts (a partitioned variable)."""


class Bundle:
    """A checkpoint of TensorFlow.

    Args:
        open_file: Opens `NAME.index` and its data files.
        name: The prefix, without folders.
        path: Its path, for messages.

    Raises:
        DataError: The index is missing, damaged, or of an unknown format.
    """

    def __init__(self, open_file: Open, name: str, path: str) -> None:
        self.path = path
        self._open, self._name = open_file, name
        opened = open_file(f"{name}.index")
        if opened is None:
            raise DataError(f"has no file {name}.index", path=path)
        with opened as file:
            data = file.read(MOST_BYTES + 1)
        index = f"{path} ({name}.index)" if name not in path else f"{path}.index"
        try:
            if len(data) > MOST_BYTES:
                raise ValueError("is too large to be a table of names")
            table = read_table(data)
            self._shards = _header(table.pop(b"", b""))
            self._entries = {
                key.decode("utf-8"): _entry(value) for key, value in sorted(table.items())
            }
        except ValueError as error:  # also of names that are not UTF-8
            raise DataError(str(error), path=index, remedy=_INCOMPLETE) from error

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every tensor, in the order of the files."""
        placed = sorted(self._entries.items(), key=lambda pair: (pair[1].shard, pair[1].offset))
        return {name: entry.shape for name, entry in placed}

    def read(self, name: str) -> np.ndarray:
        """Return a tensor, float32; see `Checkpoint.read`.

        Raises:
            DataError: It is damaged, stored in parts, or has no numbers; the message names it.
        """
        entry = self._entries[name]
        shape = self._shape(name)
        kind = _type(entry)
        if kind is None:
            text = f"tensor {name!r} has no numbers, but type {entry.dtype}"
            raise DataError(text, path=self.path)
        data = self._bytes(name, 0, entry.size)
        self._compare(name, crc32c(data))
        array = np.frombuffer(data, kind)
        if entry.dtype == _BFLOAT16:  # the upper half of a float32
            array = (array.astype("<u4") << np.uint32(16)).view("<f4")
        return finite(array, name, self.path).reshape(shape)

    def check(self, name: str) -> None:
        """Compare a tensor with its checksum; see `Checkpoint.check`.

        Raises:
            DataError: It is damaged, or stored in parts; the message names it.
        """
        self._shape(name)
        found, size = 0, self._entries[name].size
        for begin in range(0, size, AT_ONCE):
            found = crc32c(self._bytes(name, begin, min(AT_ONCE, size - begin)), found)
        self._compare(name, found)

    def _shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor, refusing one in parts or with another number of bytes."""
        entry = self._entries[name]
        if entry.parts:
            raise DataError(
                f"tensor {name!r} is stored in parts, which seqvae cannot read",
                path=self.path,
                remedy="save the checkpoint without partitioned variables",
            )
        shape, kind = checked_shape(entry.shape, name, self.path), _type(entry)
        expected = entry.size if kind is None else math.prod(shape) * np.dtype(kind).itemsize
        if entry.size != expected:
            text = f"tensor {name!r} of shape {shape} has {entry.size} bytes, expected {expected}"
            raise DataError(text, path=self.path)
        return shape

    def _compare(self, name: str, checksum: int) -> None:
        if masked(checksum) != self._entries[name].checksum:
            text = f"tensor {name!r} is damaged: its checksum is not the one in the index"
            raise DataError(text, path=self.path, remedy=_INCOMPLETE)

    def _bytes(self, name: str, begin: int, size: int) -> bytearray:
        """Return `size` bytes of a tensor from `begin` on."""
        entry = self._entries[name]
        shard = f"{self._name}.data-{entry.shard:05}-of-{self._shards:05}"
        opened = self._open(shard) if 0 <= entry.shard < self._shards else None
        if opened is None:
            text = f"tensor {name!r} is in the file {shard}, which is missing"
            raise DataError(text, path=self.path, remedy=_INCOMPLETE)
        data = bytearray(size)  # `read` would take twice the memory
        with opened as file:
            try:
                file.seek(entry.offset + begin)
                whole = file.readinto(data) == size  # type: ignore[attr-defined]
            except DAMAGED as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # the disk, not the archive
                whole = False
        if not whole:
            text = f"{shard} ends within tensor {name!r}"
            text = f"{text}, which has {entry.size} bytes from {entry.offset} on"
            raise DataError(text, path=self.path, remedy=_INCOMPLETE)
        return data


def _type(entry: Entry) -> str | None:
    """Return NumPy's name of a tensor's type, or None if its values are not numbers."""
    return "<u2" if entry.dtype == _BFLOAT16 else _TYPES.get(entry.dtype)


def _header(data: bytes) -> int:
    """Return the number of data files (the message BundleHeaderProto).

    Raises:
        ValueError: It is damaged, or the values are in big-endian byte order.
    """
    fields = dict(_fields(data))
    shards = fields.get(1, 0)
    if fields.get(2, 0) != 0:
        raise ValueError("is in big-endian byte order, which seqvae cannot read")
    if not isinstance(shards, int) or not 1 <= shards <= MOST_SHARDS:
        raise ValueError("is damaged: it names no data files")
    return shards


def _entry(data: bytes) -> Entry:
    """Return an entry (the message BundleEntryProto)."""
    shape: tuple[int, ...] = ()
    found = dict.fromkeys((1, 3, 4, 5, 6), 0)
    parts = False
    for number, value in _fields(data):
        if number == 2 and isinstance(value, bytes):
            shape = _shape(value)
        elif number == 7:
            parts = True
        elif number in found and isinstance(value, int):
            found[number] = value
    return Entry(found[1], shape, found[3], found[4], found[5], found[6], parts)


def _shape(data: bytes) -> tuple[int, ...]:
    """Return a shape (the message TensorShapeProto)."""
    lengths = []
    for number, value in _fields(data):
        if number == 3:
            raise ValueError("is damaged: a tensor has no shape")
        if number == 2 and isinstance(value, bytes):
            length = dict(_fields(value)).get(1, 0)
            lengths.append(length if isinstance(length, int) else -1)
    return tuple(lengths)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protocol buffer, each a number with an integer or bytes.

    Raises:
        ValueError: It is damaged.
    """
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"is damaged: an entry has a field of kind {kind}")
        if at + size > len(data):
            raise ValueError("is damaged: an entry ends too early")
        part = data[at : at + size]
        yield number, part if kind == 2 else int.from_bytes(part, "little")
        at += size
