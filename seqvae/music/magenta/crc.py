"""CRC-32C (Castagnoli), the checksum of TensorFlow's files, fast enough for a gigabyte.

Without its initial value, the checksum is linear: that of a whole is the sum (XOR) of the checksums
of its parts, each advanced by the number of bytes that follow the part. So the checksums of
thousands of short pieces are computed in parallel, and then summed.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_POLYNOMIAL = 0x82F63B78
_PIECE = 1 << 8
"""Most bytes of a piece; all pieces of a part are computed in parallel."""
_PART = 1 << 22
"""Most bytes of a part; parts are computed one after the other."""
_START = 0xFFFFFFFF


def crc32c(data: bytes | bytearray | memoryview, before: int = 0) -> int:
    """Return the CRC-32C of bytes that follow others, whose checksum is `before`."""
    state = np.array([before ^ _START], np.uint32)
    view = memoryview(data).cast("B")
    for begin in range(0, len(view), _PART):
        part = view[begin : begin + _PART]
        state = _moved(state, len(part)) ^ _plain(part)
    return int(state[0]) ^ _START


def masked(crc: int) -> int:
    """Return a checksum as TensorFlow and LevelDB store it."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _plain(part: memoryview) -> np.ndarray:
    """Return the checksum of a part with the initial value 0, `(1,)`."""
    piece = min(_PIECE, max(4, 1 << (len(part) - 1).bit_length() >> 4))
    lanes = 1 << max(0, -(-len(part) // piece) - 1).bit_length()
    rows = np.zeros(lanes * piece, np.uint8)
    rows[len(rows) - len(part) :] = np.frombuffer(part, np.uint8)  # leading zeros change nothing
    words = np.ascontiguousarray(rows.view("<u4").reshape(lanes, -1).T)
    low, high = _tables()
    state = np.zeros(lanes, np.uint32)
    for word in words:
        state ^= word
        state = low[state & 0xFFFF] ^ high[state >> 16]
    while len(state) > 1:
        state = _moved(state[0::2], piece) ^ state[1::2]
        piece *= 2
    return state


def _moved(state: np.ndarray, length: int) -> np.ndarray:
    """Return checksums advanced by `length` zero bytes."""
    for power in range(length.bit_length()):
        if length >> power & 1:
            state = _applied(_zeros(power), state)
    return state


@cache
def _zeros(power: int) -> np.ndarray:
    """Return each bit of a checksum advanced by 2 ** power zero bytes, `(32,)`."""
    if power:
        half = _zeros(power - 1)
        return _applied(half, half)
    found: np.ndarray = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(8):
        found = found >> np.uint32(1) ^ (found & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    return found


def _applied(images: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Return checksums under a linear map, which is given by the images of the 32 bits."""
    found = np.zeros_like(state)
    for bit, image in enumerate(images):
        found ^= np.where(state >> np.uint32(bit) & np.uint32(1), image, np.uint32(0))
    return found


@cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Return the checksum of each lower and of each upper half, advanced by four zero bytes."""
    half = np.arange(1 << 16, dtype=np.uint32)
    return _moved(half, 4), _moved(half << np.uint32(16), 4)
