"""The table in TensorFlow's `.index` files, in LevelDB's format; read only.

It has blocks of sorted entries, an index block with the places of the blocks, and a footer with the
place of the index. Each block has a checksum, and may be compressed with Snappy.
"""

from __future__ import annotations

from collections.abc import Iterator

from seqvae.music.magenta.crc import crc32c, masked

MAGIC = 0xDB4775248B80FB57
FOOTER = 48
"""Bytes of the footer: two handles, padding, and the magic number."""
TRAILER = 5
"""Bytes after each block: its compression, and its checksum."""
MOST = 1 << 26
"""Largest size of a block, in bytes."""


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Return all entries of a table.

    Raises:
        ValueError: The data are no table, or damaged, or of an unknown compression.
    """
    if len(data) < FOOTER or int.from_bytes(data[-8:], "little") != MAGIC:
        raise ValueError("is no table of TensorFlow's, or its end is missing")
    footer = data[-FOOTER:]
    meta, at = _handle(footer, 0)
    index, at = _handle(footer, at)
    if any(footer[at:-8]):  # no checksum covers the padding
        raise ValueError("is damaged: its last 48 bytes are not zero where they must be")
    _block(data, meta)  # it is empty; this compares its checksum
    found: dict[bytes, bytes] = {}
    for _, place in _entries(_block(data, index)):
        found.update(_entries(_block(data, _handle(place, 0)[0])))
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number in variable-length encoding, and the place after it.

    Raises:
        ValueError: The bytes end before the number.
    """
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("is damaged: a number in it has no end")


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Return offset and size of a block, and the place after this handle."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: bytes, handle: tuple[int, int]) -> bytes:
    """Return the content of a block, after comparing its checksum."""
    offset, size = handle
    end = offset + size + TRAILER
    if end > len(data) or size > MOST:
        raise ValueError("is damaged: a block lies beyond its end")
    kind, stored = data[offset + size], int.from_bytes(data[end - 4 : end], "little")
    if masked(crc32c(data[offset : end - 4])) != stored:
        raise ValueError("is damaged: a block has a wrong checksum")
    content = data[offset : offset + size]
    if kind == 0:
        return content
    if kind == 1:
        return unsnappy(content)
    raise ValueError(f"has a block of unknown compression {kind}")


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block, where a key shares a prefix with the one before it."""
    if len(block) < 4:
        raise ValueError("is damaged: a block is too short")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise ValueError("is damaged: a block is too short")
    key, at = b"", 0
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or at + own + size > end:
            raise ValueError("is damaged: an entry lies beyond its block")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size


def unsnappy(data: bytes) -> bytes:
    """Return the decompressed content of data in Snappy's raw format.

    Raises:
        ValueError: The data are damaged, or the content is too large.
    """
    size, at = varint(data, 0)
    if size > MOST:
        raise ValueError("is damaged: a compressed block is too large")
    out = bytearray()
    while at < len(data) and len(out) <= size:
        tag = data[at]
        at += 1
        kind, value = tag & 3, tag >> 2
        if kind == 0:  # literal bytes
            extra = value - 59 if value >= 60 else 0
            length = 1 + (int.from_bytes(data[at : at + extra], "little") if extra else value)
            at += extra
            out += data[at : at + length]
            at += length
            continue
        width = (1, 2, 4)[kind - 1]
        back = int.from_bytes(data[at : at + width], "little")
        at += width
        length = value + 1
        if kind == 1:
            length, back = (value & 7) + 4, back | value >> 3 << 8
        if not 0 < back <= len(out):
            raise ValueError("is damaged: a compressed block refers to bytes before its begin")
        for _ in range(length):  # source and copy may overlap
            out.append(out[-back])
    if len(out) != size or at != len(data):
        raise ValueError("is damaged: a compressed block has another size")
    return bytes(out)
