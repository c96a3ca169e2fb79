"""From the readings of all files to shards: splits, de-duplication and the summary.

Windows are streamed, one chunk of files at a time. Only the hashes of all windows are in memory
together: with sorting, about 60 MB per million windows, and some 300 bytes for each file name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from seqvae.music.data.journal import Journal
from seqvae.music.data.reading import SourceFile
from seqvae.music.data.shards import SPLITS, ShardWriter
from seqvae.music.data.summary import Summary

DROPPED = -1


def group_of(file: SourceFile, digest: str, group: str) -> str:
    """Return the key that decides a file's split: its digest, or its folder's name."""
    folder = os.path.dirname(file.name)
    return digest if group == "file" or folder in ("", file.root) else folder


def choose_split(key: str, shares: Sequence[float], seed: int = 0) -> int:
    """Return the split of a key as an index in `SPLITS`, by a hash, with these shares."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return int(np.searchsorted(np.cumsum(shares[:-1]), place, side="right"))


def deduplicate(keys: np.ndarray, split: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
    """Choose which of equal windows to keep: the first in train, validation, test, in that order.

    Args:
        keys: Hash of every window, uint64 `(n, 2)`.
        split: Index in `SPLITS` of every window, int8 `(n,)`.

    Returns:
        The split of every window that is kept, and `DROPPED` for the others, int8 `(n,)`; and the
        numbers of windows that were dropped because they repeat one of their own split
        ("repeated") or of an earlier split ("in another split").
    """
    order = np.argsort(split, kind="stable")  # train first: it keeps its windows
    order = order[np.lexsort((keys[order, 0], keys[order, 1]))]
    new = np.ones(len(order), bool)
    for first in range(0, len(order) - 1, 2**20):  # in pieces, without a sorted copy of all keys
        some = keys[order[first : first + 2**20 + 1]]
        new[first + 1 : first + len(some)] = (some[1:] != some[:-1]).any(axis=1)
    in_order = split[order]
    kept_by = in_order[np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))]
    elsewhere = int((in_order != kept_by).sum())
    kept_in = np.full(len(split), DROPPED, np.int8)
    kept_in[order[new]] = in_order[new]
    repeated = int((~new).sum()) - elsewhere
    return kept_in, {"repeated": repeated, "in another split": elsewhere}


def merge(
    journal: Journal,
    chunks: Sequence[Sequence[SourceFile]],
    folder: Path,
    *,
    representation: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Summary:
    """Write the shards of chunks that were read, and return the summary.

    Args:
        journal: The journal, which has all the chunks.
        chunks: Chunks of files, in the order of the windows.
        folder: The folder to write to.
        representation: Configuration of the codec, for the summary.
        settings: `group`, `shares` and `seed` as for `prepare`; others are for the summary only.
    """
    import pyarrow as pa

    summary = Summary(dict(representation), dict(settings))
    keys, splits = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int8)]
    for chunk in chunks:
        facts, found = journal.facts(chunk)
        split = []
        for file, fact in zip(chunk, facts, strict=True):
            summary.add_file(file, fact)
            key = group_of(file, fact.digest, settings["group"])
            split.append(choose_split(key, settings["shares"], settings["seed"]))
        keys.append(found)
        splits.append(np.repeat(np.array(split, np.int8), [fact.windows for fact in facts]))
    all_keys = np.concatenate(keys)
    del keys
    kept_in, dropped = deduplicate(all_keys, np.concatenate(splits))
    del all_keys, splits
    summary.windows_left_out |= dropped
    with ExitStack() as stack:
        writers = [
            stack.enter_context(ShardWriter(folder, split, journal.width)) for split in SPLITS
        ]
        row = 0
        for chunk in chunks:
            windows = journal.windows(chunk)
            kept = kept_in[row : row + len(windows)]
            row += len(windows)
            for index, writer in enumerate(writers):
                some = windows.filter(pa.array(kept == index))
                counts = some["source"].value_counts().to_pylist()
                summary.add_windows(writer.split, {c["values"]: c["counts"] for c in counts})
                writer.add(some)
    return summary
