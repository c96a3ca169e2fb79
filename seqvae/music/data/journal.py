"""The journal of a preparation: its finished chunks, so that it can be resumed.

For the output `shards` it is in the folder `.shards.work` beside it, which has an Arrow file for
each chunk of files, the shards that are being written, and a lock. If the process ends early, the
folder stays, and the next process uses every chunk whose files and settings are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.data.reading import FileFacts, Reading, SourceFile, fingerprint
from seqvae.music.data.shards import window_table
from vaecore.errors import DataError
from vaecore.files import aside, locked, sweep

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 2
"""Version of the format; chunks of other versions are not used."""

KEYS = ("key_low", "key_high")
"""Columns of the hash of a window."""


class Journal:
    """The readings of chunks of files, on disk.

    Args:
        folder: Folder of the chunks; it is made if it does not exist.
        settings: Everything beside the files on which readings depend, as JSON.
        width: Number of values of a packed window.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], width: int) -> None:
        self.folder = folder
        self.settings = json.dumps([FORMAT, settings], sort_keys=True)
        self.width = width
        folder.mkdir(exist_ok=True)

    def has(self, chunk: Sequence[SourceFile]) -> bool:
        """Return whether a chunk was read with these settings, and its files did not change."""
        import pyarrow as pa

        path = self._path(chunk)
        if not path.is_file():
            return False
        try:
            with pa.OSFile(os.fsencode(path)) as file:
                facts = _facts(pa.ipc.open_file(file).schema)
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):  # cut off or damaged
            return False
        return [fact.fingerprint for fact in facts] == [fingerprint(file.path) for file in chunk]

    def add(self, chunk: Sequence[SourceFile], readings: Sequence[Reading]) -> None:
        """Write the readings of a chunk; an interrupted write leaves none of them."""
        import pyarrow as pa

        path = self._path(chunk)
        table = self._table(chunk, readings)
        temporary = path.with_suffix(".new")
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with (
            pa.OSFile(os.fsencode(temporary), "wb") as file,
            pa.ipc.new_file(file, table.schema, options=options) as writer,
        ):
            writer.write_table(table)
        os.replace(temporary, path)

    def facts(self, chunk: Sequence[SourceFile]) -> tuple[list[FileFacts], np.ndarray]:
        """Return the facts of the files of a chunk, and the hashes of their windows `(n, 2)`."""
        table = self._read(chunk, keys=True)
        return _facts(table.schema), np.stack([table[name].to_numpy() for name in KEYS], axis=1)

    def windows(self, chunk: Sequence[SourceFile]) -> pa.Table:
        """Return the windows of a chunk, in the order of its files; see `window_table`."""
        return self._read(chunk, keys=False).replace_schema_metadata()

    def _path(self, chunk: Sequence[SourceFile]) -> Path:
        named = json.dumps([self.settings, [file.name for file in chunk]])
        return self.folder / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.arrow"

    def _table(self, chunk: Sequence[SourceFile], readings: Sequence[Reading]) -> pa.Table:
        import pyarrow as pa

        pairs = list(zip(chunk, readings, strict=True))
        source = [file.name for file, each in pairs for _ in range(each.facts.windows)]
        columns = [each.columns for _, each in pairs if each.columns]
        columns = columns or [{"window": np.zeros((0, self.width)), "key": np.zeros((0, 2))}]
        window, key, *rest = (
            np.concatenate([each.get(name, np.zeros(0)) for each in columns])
            for name in ("window", "key", "bar", "tempo_bpm", "program")
        )
        table = window_table(window, source, *rest)
        for index, name in enumerate(KEYS):
            table = table.append_column(name, pa.array(key[:, index].astype(np.uint64)))
        facts = json.dumps([asdict(reading.facts) for reading in readings])
        return table.replace_schema_metadata({"files": facts})

    def _read(self, chunk: Sequence[SourceFile], keys: bool) -> pa.Table:
        """Read the keys of a chunk's windows, or all but these."""
        import pyarrow as pa

        path = self._path(chunk)
        try:
            with pa.OSFile(os.fsencode(path)) as file:
                names = pa.ipc.open_file(file).schema.names
            fields = [k for k, name in enumerate(names) if (name in KEYS) == keys]
            options = pa.ipc.IpcReadOptions(included_fields=fields)
            with pa.OSFile(os.fsencode(path)) as file:
                return pa.ipc.open_file(file, options=options).read_all()
        except pa.ArrowException as error:
            remedy = "remove it, and prepare again: its files are then read again"
            raise DataError("is damaged", path=path, remedy=remedy) from error


def _facts(schema: pa.Schema) -> list[FileFacts]:
    return [FileFacts(**fact) for fact in json.loads(schema.metadata[b"files"])]


@contextmanager
def workplace(output: Path) -> Iterator[Path]:
    """Yield the folder in which an output is prepared; it stays unless `finish` is called.

    Raises:
        DataError: The folder cannot be written.
        UsageError: Another process prepares the same output.
    """
    output = output.absolute()
    work = output.with_name(f".{output.name}.work")
    try:
        work.mkdir(parents=True, exist_ok=True)
        sweep(work.parent)
        problem = f"another seqvae prepare is at work on {output.name}; wait for it"
        with locked(work / "lock", problem):
            yield work
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(
            f"cannot be written ({reason})", path=output, remedy="choose another -o/--output"
        ) from error


def finish(work: Path, made: Path | None, output: Path) -> None:
    """Move a complete folder to its output, and remove the workplace.

    Args:
        work: The workplace.
        made: The complete folder in it; None if there is nothing to keep.
        output: The output; a folder of that name is replaced.
    """
    # Renamed first, so that after a kill the rest is swept, and not taken for a workplace.
    waste = aside(work.parent)
    work.rename(waste)
    if made is not None:
        if output.exists():
            output.rename(waste / "old")
        (waste / made.name).rename(output)
    shutil.rmtree(waste)
