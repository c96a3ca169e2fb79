"""The header of a safetensors file, checked before any of its tensors is read."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from vaecore.errors import DataError
from vaecore.parsing import parse_json
from vaecore.reading import TENSORS, PathLike, decoded, open_file


class Declared(NamedTuple):
    """The entry of a tensor in the header of a safetensors file."""

    dtype: str
    """Name of the type in the format: "F16", "BF16", "I64"."""
    shape: tuple[int, ...]

    @property
    def floating(self) -> bool:
        """Whether it holds floating-point numbers."""
        return "F" in self.dtype


DTYPE_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
"""The types that are read, with their bytes per element."""
_MOST_HEADER = 1 << 24


def tensor_header(path: PathLike) -> tuple[dict[str, Declared], dict[str, str]]:
    """Return the header of a safetensors file: its tensors by name, and its metadata.

    The header must account for every byte of the file. Only the header is read.

    Raises:
        DataError: As for `check_file`; or it is no safetensors file, or has an unknown type.
    """
    with open_file(path, TENSORS) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= min(size - 8, _MOST_HEADER):
            raise _no_tensors("its header is cut off or too long", path)
        text = file.read(length)
    try:
        header = parse_json(decoded(text, path))
    except ValueError as error:
        raise _no_tensors(f"its header: {error}", path) from None
    if not isinstance(header, dict):
        raise _no_tensors("its header is not a JSON object", path)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _no_tensors("its metadata are not strings", path)
    declared, spans = {}, []
    for name, entry in header.items():
        declared[name], span = _declared(name, entry, path)
        spans.append(span)
    place = 0
    for begin, end in sorted(spans):
        if begin != place:
            raise _no_tensors("its tensors overlap or leave gaps", path)
        place = end
    if place != size - 8 - length:
        problem = "it is cut off" if place > size - 8 - length else "it has bytes of no tensor"
        raise _no_tensors(problem, path)
    return declared, metadata


def _declared(name: str, entry: Any, path: PathLike) -> tuple[Declared, tuple[int, int]]:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
        if not all(type(number) is int and 0 <= number < 1 << 48 for number in numbers):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise _no_tensors(f"its header has a malformed entry {name!r}", path) from None
    if dtype not in DTYPE_BYTES:
        remedy = f"store it as one of {', '.join(DTYPE_BYTES)}"
        raise DataError(f"tensor {name!r} is {dtype}, which is not read", path=path, remedy=remedy)
    count = DTYPE_BYTES[dtype]
    for side in shape:
        count *= side
    if count != end - begin:
        raise _no_tensors(f"tensor {name!r} does not have the bytes of its shape", path)
    return Declared(dtype, tuple(shape)), (begin, end)


def _no_tensors(problem: str, path: PathLike) -> DataError:
    return DataError(f"is no readable safetensors file ({problem})", path=path,
                     remedy=TENSORS.remedy)  # fmt: skip
