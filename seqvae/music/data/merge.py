"""From the readings of all files to shards: splits, de-duplication and the summary.

Windows are streamed, one chunk of files at a time. Only the hashes of all windows stay in memory;
with what sorting them takes, that is about 60 MB per million windows. The names of files take some
300 bytes each.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from seqvae.music.data.journal import FileFacts, Journal
from seqvae.music.data.reading import SourceFile
from seqvae.music.data.shards import SPLITS, ShardWriter
from seqvae.music.data.summary import Summary

DROPPED = -1


def group_of(file: SourceFile, digest: str, group: str) -> str:
    """Return the key that decides the split of a file: its digest, or its folder's name."""
    folder = os.path.dirname(file.name)
    return digest if group == "file" or folder in ("", file.root) else folder


def choose_split(key: str, shares: Sequence[float], seed: int = 0) -> int:
    """Return the index in `SPLITS` of a key, by its hash, so that splits have these shares."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return int(np.searchsorted(np.cumsum(shares[:-1]), place, side="right"))


def deduplicate(keys: np.ndarray, split: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
    """Choose which of equal windows to keep: the first in train, validation, test, in that order.

    Args:
        keys: Hash of every window, uint64 `(n, 2)`.
        split: Index in `SPLITS` of every window, int8 `(n,)`.

    Returns:
        The split of every window that is kept and `DROPPED` for the others, int8 `(n,)`; and how
        many were dropped because they repeat a window of their own split ("repeated") or, in
        validation and test, of a split before theirs ("in another split").
    """
    order = np.argsort(split, kind="stable")  # train first: it keeps its windows
    order = order[np.lexsort((keys[order, 0], keys[order, 1]))]
    new = np.ones(len(order), bool)
    for first in range(0, len(order) - 1, 2**20):  # in pieces: no sorted copy of all keys
        some = keys[order[first : first + 2**20 + 1]]
        new[first + 1 : first + len(some)] = (some[1:] != some[:-1]).any(axis=1)
    in_order = split[order]
    kept_by = in_order[np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))]
    elsewhere = int((in_order != kept_by).sum())
    kept_in = np.full(len(split), DROPPED, np.int8)
    kept_in[order[new]] = in_order[new]
    repeated = int((~new).sum()) - elsewhere
    return kept_in, {"repeated": repeated, "in another split": elsewhere}


class Account:
    """Counts files and windows for the summary, chunk by chunk."""

    def __init__(self) -> None:
        self.files = dict.fromkeys(("found", "used", "relaxed", "empty", "broken"), 0)
        self.sources: dict[str, dict[str, int]] = {}
        self.silent = 0
        self.empty: Counter[str] = Counter()
        self.passages: Counter[str] = Counter()
        self.broken: dict[str, str] = {}

    def add_file(self, file: SourceFile, facts: FileFacts) -> None:
        """Count a file and what was left out of it."""
        used = facts.windows > 0
        root = self.sources.setdefault(file.root, dict.fromkeys(("files", "used", *SPLITS), 0))
        root["files"] += 1
        root["used"] += used
        self.files["found"] += 1
        self.files["used"] += used
        self.files["relaxed"] += facts.relaxed
        self.silent += facts.silent
        self.passages.update(facts.rules)
        if facts.problem:
            self.files["broken"] += 1
            self.broken[file.name] = facts.problem
        elif not used:
            self.files["empty"] += 1
            rules = Counter(facts.rules).most_common(1)
            self.empty[rules[0][0] if rules else "nothing usable"] += 1

    def add_windows(
        self, chunk: Sequence[SourceFile], source: np.ndarray, kept_in: np.ndarray
    ) -> None:
        """Count the windows of a chunk that are kept, given the file and the split of each."""
        for index, split in enumerate(SPLITS):
            counts = np.bincount(source[kept_in == index], minlength=len(chunk))
            for file, count in zip(chunk, counts.tolist(), strict=True):
                self.sources[file.root][split] += count

    def summary(
        self,
        representation: Mapping[str, Any],
        settings: Mapping[str, Any],
        dropped: Mapping[str, int],
    ) -> Summary:
        """Return the summary of all chunks."""
        return Summary(
            representation=dict(representation),
            settings=dict(settings),
            files=self.files,
            windows={s: sum(counts[s] for counts in self.sources.values()) for s in SPLITS},
            sources=self.sources,
            windows_left_out={"silent": self.silent, **dropped},
            empty=dict(self.empty),
            passages_left_out=dict(self.passages),
            broken=self.broken,
        )


def merge(
    journal: Journal,
    chunks: Sequence[Sequence[SourceFile]],
    folder: Path,
    *,
    representation: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Summary:
    """Write the shards of chunks that were read.

    Args:
        journal: Has all the chunks.
        chunks: Chunks of files, in the order of the windows.
        folder: Where to write.
        representation: Configuration of the codec, for the summary.
        settings: `group`, `shares` and `seed` as for `prepare`, and others for the summary only.
    """
    account = Account()
    keys, splits = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int8)]
    for chunk in chunks:
        facts, found = journal.facts(chunk)
        split = []
        for file, fact in zip(chunk, facts, strict=True):
            account.add_file(file, fact)
            key = group_of(file, fact.digest, settings["group"])
            split.append(choose_split(key, settings["shares"], settings["seed"]))
        keys.append(found)
        splits.append(np.repeat(np.array(split, np.int8), [fact.windows for fact in facts]))
    all_keys = np.concatenate(keys)
    del keys
    kept_in, dropped = deduplicate(all_keys, np.concatenate(splits))
    del all_keys, splits
    with ExitStack() as stack:
        writers = [
            stack.enter_context(ShardWriter(folder, split, journal.width)) for split in SPLITS
        ]
        row = 0
        for chunk in chunks:
            windows = journal.windows(chunk)
            kept = kept_in[row : row + len(windows)]
            row += len(windows)
            account.add_windows(chunk, windows.source, kept)
            for index, writer in enumerate(writers):
                writer.add(windows[kept == index])
    return account.summary(representation, settings, dropped)
