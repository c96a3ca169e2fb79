"""Shards: windows of music with their provenance in Parquet files.

A folder of shards has `train-00000.parquet`, `validation-00000.parquet`, `test-00000.parquet` and
so on, and `summary.json`. Hugging Face datasets reads it with its splits:
`load_dataset("parquet", data_dir=folder)`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaecore import reading
from vaecore.errors import DataError
from vaecore.reading import SHARD, open_file, read_json

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet

SPLITS = ("train", "validation", "test")
SUMMARY = "summary.json"
ROWS_PER_SHARD = 200_000
SHARD_BYTES = 2**27
"""Most bytes of a shard of long windows before compression."""
ROW_GROUP = 20_000
"""Rows of a row group, the unit in which Parquet files are read."""
MOST_BLOCK_BYTES = 1 << 30
"""Most bytes of a row group that is read; other programs may have written it."""

_PREPARE = "make it with seqvae prepare"


def window_table(
    window: np.ndarray, source: Sequence[str], bar: Any, tempo_bpm: Any, program: Any
) -> pa.Table:
    """Return windows with their provenance as a table of Arrow.

    Args:
        window: `(n, width)` uint16 class indices: step by step, and at each step voice by voice.
        source: The file of each window, as `SourceFile.name`.
        bar: The first bar of each window; that of a file is 1.
        tempo_bpm: Tempo of each window in quarter notes per minute.
        program: MIDI program of each window's track.
    """
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(window).reshape(-1), pa.uint16())
    return pa.table(
        {
            "window": pa.FixedSizeListArray.from_arrays(flat, window.shape[1]),
            "source": pa.array(source, pa.string()),
            "bar": pa.array(bar, pa.int32()),
            "tempo_bpm": pa.array(tempo_bpm, pa.float32()),
            "program": pa.array(program, pa.int16()),
        }
    )


class ShardWriter:
    """A context manager that writes the windows of one split to numbered shards of limited size.

    Without windows it writes one empty shard.

    Args:
        folder: The folder to write to.
        split: One of `SPLITS`.
        width: Number of values of a packed window.
    """

    def __init__(self, folder: Path, split: str, width: int) -> None:
        self.folder, self.split = Path(folder), split
        groups = min(ROWS_PER_SHARD, SHARD_BYTES // (2 * width)) // ROW_GROUP
        self.rows_per_shard = max(1, groups) * ROW_GROUP
        self._waiting = [window_table(np.zeros((0, width), np.uint16), [], [], [], [])]
        self._shards = self._rows = 0
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._open = ExitStack()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush(least=0 if self._shards else -1)
        self._open.close()

    def add(self, windows: pa.Table) -> None:
        """Add windows; they are written as soon as they fill a row group."""
        self._waiting.append(windows)
        if sum(map(len, self._waiting)) >= ROW_GROUP:
            self._flush(least=ROW_GROUP - 1)

    def _flush(self, least: int) -> None:
        """Write row groups while more than `least` windows are waiting."""
        import pyarrow as pa

        windows = pa.concat_tables(self._waiting).combine_chunks()
        while len(windows) > least:
            self._write(windows.slice(0, ROW_GROUP))
            windows = windows.slice(ROW_GROUP)
            least = max(least, 0)
        self._waiting = [windows]

    def _write(self, windows: pa.Table) -> None:
        """Write one row group."""
        import pyarrow as pa
        import pyarrow.parquet

        table = windows.append_column("split", pa.array([self.split] * len(windows), pa.string()))
        if self._writer is not None and self._rows >= self.rows_per_shard:
            self._open.close()
            self._writer = None
        if self._writer is None:
            path = self.folder / f"{self.split}-{self._shards:05d}.parquet"
            # As bytes: Arrow cannot encode names that are not UTF-8.
            file = self._open.enter_context(pa.OSFile(os.fsencode(path), "wb"))
            writer = pyarrow.parquet.ParquetWriter(
                file, table.schema, compression="zstd", write_page_checksum=True
            )
            self._writer = self._open.enter_context(writer)
            self._shards, self._rows = self._shards + 1, 0
        self._writer.write_table(table)
        self._rows += len(windows)


class ShardedWindows:
    """The windows of one split on disk, `(n, width)`, which are read block by block (row group).

    Args:
        folder: Shards that `prepare` wrote.
        split: "train", "validation" or "test".
        classes: Number of classes of each value of a window, `(width,)`, as the codec's
            `packed_classes`; without it, values are not checked.

    Attributes:
        starts: Index of the first window of each block, and the number of all windows.
        width: Number of values of a window.

    Raises:
        DataError: The folder has no shards of this split, or they are damaged, empty, or of windows
            of another width. The values of a block are checked when it is read.
    """

    def __init__(
        self, folder: str | os.PathLike[str], split: str, classes: np.ndarray | None = None
    ) -> None:
        self.classes = classes
        self.files = sorted(Path(folder).glob(f"{split}-*.parquet"))
        if not self.files:
            raise DataError(f"has no {split} shards", path=folder, remedy=_PREPARE)
        places, counts, self.width = [], [], 0
        for number, path in enumerate(self.files):
            with _open(path) as file:
                width = _width(file.schema_arrow.field("window").type)
                sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
            wanted = self.width or (width if classes is None else len(classes))
            if width != wanted or any(not 0 <= 2 * width * n <= MOST_BLOCK_BYTES for n in sizes):
                text = f"has windows of {width} values in blocks of {max(sizes, default=0):,}"
                raise DataError(f"{text}, not of {wanted}", path=path, remedy=_PREPARE)
            self.width = width
            places += [(number, group) for group, size in enumerate(sizes) if size]
            counts += [size for size in sizes if size]
        if not counts:
            raise DataError(f"has no {split} windows", path=folder, remedy="prepare more files")
        self.places = np.array(places)
        self.starts = np.concatenate([[0], np.cumsum(counts)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def nbytes(self) -> int:
        """Bytes that all windows would take in memory."""
        return 2 * self.width * len(self)

    def block(self, index: int) -> np.ndarray:
        """Read the windows of one block, `(rows, width)` uint16.

        Raises:
            DataError: Its windows are not as many as the file says, or a value is no class.
        """
        number, group = self.places[index]
        with _open(self.files[number]) as file:
            column = file.read_row_group(int(group), columns=["window"])["window"].combine_chunks()
            flat = column.flatten()
            if column.null_count or flat.null_count:
                raise DataError("has windows with gaps", path=self.files[number], remedy=_PREPARE)
        windows = np.asarray(flat.to_numpy(zero_copy_only=False).reshape(-1, self.width), np.uint16)
        said = int(self.starts[index + 1] - self.starts[index])
        if len(windows) != said:
            text = f"has {len(windows):,} windows in a block that should have {said:,}"
            raise DataError(text, path=self.files[number], remedy=_PREPARE)
        if self.classes is not None and (wrong := windows.max(0) >= self.classes).any():
            place = int(np.flatnonzero(wrong)[0])
            value, most = int(windows[:, place].max()), int(self.classes[place]) - 1
            text = f"has the number {value} at place {place} of a window, where {most} is the most"
            raise DataError(text, path=self.files[number], remedy=_PREPARE)
        return windows

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return the windows at ascending indices, reading one block at a time."""
        found = np.empty((len(rows), self.width), np.uint16)
        blocks = np.searchsorted(self.starts, rows, side="right") - 1
        for index in np.unique(blocks):
            here = blocks == index
            found[here] = self.block(index)[rows[here] - self.starts[index]]
        return found

    def spread(self, limit: int) -> np.ndarray:
        """Return at most `limit` windows, evenly spread over all."""
        if len(self) <= limit:
            return self[np.arange(len(self))]
        return self[np.linspace(0, len(self) - 1, limit).astype(int)]


def read_windows(folder: Path, split: str, classes: np.ndarray | None = None) -> np.ndarray:
    """Return all windows of a split, `(n, width)` uint16; see `ShardedWindows`."""
    windows = ShardedWindows(folder, split, classes)
    return windows[np.arange(len(windows))]


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a folder of shards; `representation` is the codec's configuration.

    Raises:
        DataError: There is no readable summary.
    """
    path = Path(folder) / SUMMARY
    if not path.exists():
        raise DataError("is not a folder of shards", path=folder, remedy=_PREPARE)
    summary = read_json(path, reading.SUMMARY)
    counts = summary.get("windows")
    if not (
        all(isinstance(summary.get(name), dict) for name in ("representation", "sources"))
        and isinstance(counts, dict)
        and all(type(counts.get(split)) is int and counts[split] >= 0 for split in SPLITS)
    ):
        raise DataError("is not a summary of shards", path=path, remedy=_PREPARE)
    representation = summary["representation"]
    bars = representation.get("bars")
    if not isinstance(representation.get("name"), str) or type(bars) is not int or bars < 1:
        problem = "is not a summary of shards: its representation has no name or number of bars"
        raise DataError(problem, path=path, remedy=_PREPARE)
    return summary


def _width(kind: pa.DataType) -> int:
    """Return the width of windows of an Arrow type; AttributeError if it is not one of windows."""
    import pyarrow as pa

    if kind.value_type != pa.uint16():
        raise AttributeError(f"windows of {kind.value_type}")
    width: int = kind.list_size
    return width


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a shard; a damaged one raises DataError."""
    import pyarrow.parquet

    try:
        with (
            open_file(path, SHARD) as binary,
            pyarrow.parquet.ParquetFile(binary, page_checksum_verification=True) as file,
        ):
            yield file
    except DataError:
        raise
    except Exception as error:  # Arrow raises exceptions of many types for damaged files
        reason = (str(error).splitlines() or [""])[0][:100]
        text = f"is not a shard of windows ({reason})"
        raise DataError(text, path=path, remedy=_PREPARE) from error
