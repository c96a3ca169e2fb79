"""Shards: windows of music with their provenance in Parquet files.

A folder of shards holds `train-00000.parquet`, `validation-00000.parquet`, `test-00000.parquet`
and so on, and `summary.json`. Hugging Face datasets reads it as it is, splits included:
`load_dataset("parquet", data_dir=folder)`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaecore.errors import DataError

if TYPE_CHECKING:
    import pyarrow

SPLITS = ("train", "validation", "test")
SUMMARY = "summary.json"
ROWS_PER_SHARD = 200_000

_PREPARE = "make it with seqvae prepare"


@dataclass(frozen=True)
class Windows:
    """Windows in columns, and where each one comes from.

    Attributes:
        window: `(n, steps)` uint16 class indices.
        source: Index of each window's file in `names`.
        bar: The bar of its file that the window starts at; the first is 1.
        tempo_bpm: Quarter notes per minute there.
        program: MIDI program of the track it comes from.
        names: Files, relative to their root and prefixed with the root's name.
    """

    window: np.ndarray
    source: np.ndarray
    bar: np.ndarray
    tempo_bpm: np.ndarray
    program: np.ndarray
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.window)

    def __getitem__(self, rows: np.ndarray | slice) -> Windows:
        columns = (self.window, self.source, self.bar, self.tempo_bpm, self.program)
        return Windows(*(column[rows] for column in columns), names=self.names)


def write_split(windows: Windows, folder: Path, split: str) -> None:
    """Write the windows of one split to numbered shards; no windows make one empty shard."""
    import pyarrow.parquet

    for number, first in enumerate(range(0, max(len(windows), 1), ROWS_PER_SHARD)):
        table = _table(windows[first : first + ROWS_PER_SHARD], split)
        pyarrow.parquet.write_table(
            table, folder / f"{split}-{number:05d}.parquet", compression="zstd"
        )


def _table(windows: Windows, split: str) -> pyarrow.Table:
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(windows.window).reshape(-1), pa.uint16())
    names = pa.DictionaryArray.from_arrays(
        pa.array(windows.source, pa.int32()), pa.array(list(windows.names), pa.string())
    )
    return pa.table(
        {
            "window": pa.FixedSizeListArray.from_arrays(flat, windows.window.shape[1]),
            "source": names.dictionary_decode(),
            "bar": pa.array(windows.bar, pa.int32()),
            "tempo_bpm": pa.array(windows.tempo_bpm, pa.float32()),
            "program": pa.array(windows.program, pa.int16()),
            "split": pa.array([split] * len(windows), pa.string()),
        }
    )


def read_windows(folder: Path, split: str) -> np.ndarray:
    """Return all windows of a split, `(n, steps)` uint16.

    Raises:
        DataError: The folder has no shards of this split, or they are broken or empty.
    """
    import pyarrow as pa
    import pyarrow.parquet

    files = sorted(Path(folder).glob(f"{split}-*.parquet"))
    if not files:
        raise DataError(f"has no {split} shards", path=folder, remedy=_PREPARE)
    parts = []
    for file in files:
        try:
            column = pyarrow.parquet.read_table(file, columns=["window"])["window"]
            steps = column.type.list_size
            flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        except (OSError, pa.ArrowException, KeyError, AttributeError) as error:
            raise DataError("is not a shard of windows", path=file, remedy=_PREPARE) from error
        parts.append(flat.reshape(-1, steps).astype(np.uint16, copy=False))
    windows = np.concatenate(parts)
    if not len(windows):
        raise DataError(f"has no {split} windows", path=folder, remedy="prepare more files")
    return windows


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a folder of shards; `representation` is the codec's configuration.

    Raises:
        DataError: There is no readable summary.
    """
    path = Path(folder) / SUMMARY
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError("is not a folder of shards", path=folder, remedy=_PREPARE) from error
