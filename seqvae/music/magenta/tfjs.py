"""Checkpoints of magenta.js: a manifest, and files of weights, which may have 8 or 16 bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqvae.music.magenta.checkpoint import FILE, checked_shape, finite
from vaecore.errors import DataError
from vaecore.parsing import parse_json
from vaecore.reading import Kind, check_file, open_file, read_text

CONFIG, MANIFEST = "config.json", "weights_manifest.json"
DESCRIPTION = Kind("description of a checkpoint", 1 << 24, "get the folder again")
_TYPES = {"float32": "<f4", "int32": "<i4", "uint8": "<u1", "uint16": "<u2", "float16": "<f2"}
QUANTISED = ("uint8", "uint16", "float16")
"""Types of quantised weights; the first two have a scale and a minimum."""
LARGEST = float(np.finfo(np.float32).max)


class Weight(NamedTuple):
    """An array's shape, place and encoding."""

    shape: tuple[int, ...]
    group: int
    offset: int
    """In bytes, in the concatenated shards of the group."""
    dtype: str
    scale: float
    minimum: float


class WebCheckpoint:
    """The weights of a folder of magenta.js.

    Raises:
        DataError: A file is missing, or not what its manifest says.
    """

    def __init__(self, folder: Path) -> None:
        self.path = str(folder)
        self._weights: dict[str, Weight] = {}
        self._groups: list[list[tuple[Path, int]]] = []
        manifest = read_json(folder / MANIFEST)
        try:
            for group in manifest:
                self._add(folder, group)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"is not a manifest of weights: {error!r}"
            raise DataError(text, path=folder / MANIFEST) from error

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every array, in the order of the files."""
        return {name: weight.shape for name, weight in self._weights.items()}

    def read(self, name: str) -> np.ndarray:
        """Return an array, float32; see `Checkpoint.read`."""
        weight = self._weights[name]
        kind = np.dtype(weight.dtype)
        data = self._bytes(name, weight, math.prod(weight.shape) * kind.itemsize)
        array = np.frombuffer(data, kind)
        if kind.kind == "u":  # computed in double precision, as in JavaScript
            array = array * weight.scale + weight.minimum
        return finite(array, name, self.path).reshape(weight.shape)

    def check(self, name: str) -> None:
        """Do nothing: the format has no checksums, and sizes were checked before."""

    def _add(self, folder: Path, group: Mapping[str, Any]) -> None:
        """Add the weights of a group of the manifest, and check the sizes of its shards."""
        shards, offset = [], 0
        for path in group["paths"]:
            if path in (".", "..") or Path(path).name != path:
                raise ValueError(f"{path!r} is not the name of a file")
            file = folder / path
            if not file.exists():
                raise DataError(f"lacks the file {path} of its weights", path=folder)
            shards.append((file, check_file(file, FILE).st_size))
        for entry in group["weights"]:
            name, weight = _weight(entry, len(self._groups), offset, self.path)
            if name in self._weights:
                raise ValueError(f"{name!r} is there twice")
            self._weights[name] = weight
            offset += math.prod(weight.shape) * np.dtype(weight.dtype).itemsize
        self._groups.append(shards)
        have = sum(size for _, size in shards)
        if have != offset:
            short = next(reversed(self._weights), "")
            for name, w in self._weights.items():
                if w.offset + math.prod(w.shape) * np.dtype(w.dtype).itemsize > have:
                    short = name
                    break
            where = f" (they end within tensor {short!r})" if have < offset else ""
            text = f"has {have} bytes of weights, its manifest needs {offset}{where}"
            raise DataError(text, path=folder)

    def _bytes(self, name: str, weight: Weight, size: int) -> bytes:
        """Return the bytes of an array, which may continue in the next shard."""
        parts, start = [], weight.offset
        end = start + size
        for file, length in self._groups[weight.group]:
            if start < length and end > 0:
                with open_file(file, FILE) as part:
                    part.seek(max(start, 0))
                    parts.append(part.read(min(end, length) - max(start, 0)))
            start, end = start - length, end - length
        data = b"".join(parts)
        if len(data) != size:
            text = f"tensor {name!r} has {len(data)} bytes, expected {size}"
            raise DataError(text, path=self.path)
        return data


def _weight(entry: Mapping[str, Any], group: int, offset: int, path: str) -> tuple[str, Weight]:
    """Return the name and the weight of an entry of the manifest.

    Raises:
        DataError: Its shape, type or quantization is not possible; the message names the tensor.
    """
    name, shape = str(entry["name"]), entry["shape"]
    if not isinstance(shape, list) or any(type(length) is not int for length in shape):
        raise DataError(f"tensor {name!r} has the impossible shape {shape!r:.60}", path=path)
    stored = entry.get("quantization") or {}
    if not isinstance(stored, Mapping):
        raise DataError(f"tensor {name!r} has the quantization {stored!r:.60}", path=path)
    dtype = str(stored.get("dtype", entry["dtype"]))
    if dtype not in _TYPES or (stored and dtype not in QUANTISED):
        raise DataError(f"tensor {name!r} has the unknown type {dtype:.60}", path=path)
    scale, minimum = 1.0, 0.0
    if dtype in QUANTISED[:2] and stored:
        scale, minimum = (stored.get(key) for key in ("scale", "min"))  # type: ignore[assignment]
        for key, value, known in (
            ("scale", scale, _number(scale) and scale > 0),
            ("min", minimum, _number(minimum)),
        ):
            if not known:
                what = "a number above 0" if key == "scale" else "a number"
                problem = f"tensor {name!r} has the quantization {key} {value!r:.60}"
                raise DataError(f"{problem}, expected {what}", path=path)
    checked = checked_shape(tuple(shape), name, path)
    return name, Weight(checked, group, offset, _TYPES[dtype], float(scale), float(minimum))


def _number(value: object) -> bool:
    """Return whether a JSON value is a number in the range of float32."""
    return type(value) in (int, float) and abs(value) < LARGEST  # type: ignore[arg-type]


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DataError: It is missing, too large, or no JSON.
    """
    try:
        return parse_json(read_text(path, DESCRIPTION))
    except ValueError as error:
        raise DataError(f"is no JSON ({error})", path=path) from error
