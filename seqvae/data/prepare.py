"""Preparation: folders of MIDI files become shards of windows that a training can read.

Every file is read in a worker process under a time limit; every window keeps its provenance; and
the summary counts every file, and every reason why a file or a window was left out.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seqvae.data.reading import Reading, Source, find_files, read_files
from seqvae.data.shards import SPLITS, SUMMARY, Windows, write_split
from seqvae.data.summary import Summary
from vaecore.errors import DataError, UsageError
from vaecore.files import replacing_folder


def prepare(
    sources: Sequence[Path],
    output: Path,
    representation: str | Mapping[str, Any] = "drums",
    *,
    voices: str | None = None,
    relaxed: bool = True,
    group: Literal["file", "folder"] = "file",
    shares: tuple[float, float, float] = (0.9, 0.05, 0.05),
    seed: int = 0,
    workers: int | None = None,
    time_limit: float = 20.0,
    overwrite: bool = False,
    progress: bool = False,
) -> Summary:
    """Turn MIDI files into shards of windows, split and without duplicates, and a summary.

    A file is train, validation or test as a whole. A window that occurs more than once is kept
    where it occurs first, and in train if it occurs there: evaluation sees only new windows.

    Args:
        sources: Folders, searched at any depth, and files.
        output: Folder to make; it appears when all is done.
        representation: Name of a codec, or its configuration.
        voices: Regular expression; a file with tracks so named gives only those (ignoring case).
        relaxed: Also take files that are too short or too sparse for the strict rules, their
            windows filled up with silence.
        group: What is never divided between splits: a file, or a folder inside of a source (the
            sessions of a drummer). Files that lie directly in a source are their own group.
        shares: Of train, validation and test; they sum to 1.
        seed: Gives another division.
        workers: Number of processes; all cores by default.
        time_limit: Seconds per file.
        overwrite: Replace shards that are there.
        progress: Show a progress bar on stderr.

    Raises:
        DataError: There is no usable file, or the output cannot be written.
        UsageError: Settings make no sense, or the output is there already.
    """
    from seqvae.codecs import make_codec

    begin = time.monotonic()
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6 or shares[0] == 0:
        raise UsageError(f"shares must be at least 0, train's above 0, and sum to 1; got {shares}")
    named = isinstance(representation, str)
    codec = make_codec({"name": representation} if named else dict(representation))
    with _replacing_folder(Path(output), overwrite) as folder:
        files = find_files(sources, codec.suffixes)
        readings = read_files(
            files,
            codec,
            voices=voices,
            relaxed=relaxed,
            workers=workers,
            time_limit=time_limit,
            progress=progress,
        )
        splits = [
            choose_split(group_of(file, reading, group), shares, seed)
            for file, reading in zip(files, readings, strict=True)
        ]
        windows, kept_in, left_out = deduplicate(
            collect(files, readings, codec.steps), np.array(splits)
        )
        for index, split in enumerate(SPLITS):
            write_split(windows[np.flatnonzero(kept_in == index)], folder, split)
        used = [len(reading) > 0 for reading in readings]
        broken = {f.name: r.problem for f, r in zip(files, readings, strict=True) if r.problem}
        summary = Summary(
            representation=codec.config,
            settings={
                "voices": voices,
                "relaxed": relaxed,
                "group": group,
                "shares": list(shares),
                "seed": seed,
            },
            files={
                "found": len(files),
                "used": sum(used),
                "relaxed": sum(reading.relaxed for reading in readings),
                "empty": len(files) - sum(used) - len(broken),
                "broken": len(broken),
            },
            windows=_counts(kept_in),
            sources=_by_source(files, used, windows, kept_in),
            windows_left_out={"silent": sum(reading.silent for reading in readings), **left_out},
            empty=dict(Counter(_main_rule(r) for r in readings if not (len(r) or r.problem))),
            passages_left_out=dict(sum((r.rules for r in readings), Counter())),
            broken=broken,
            seconds=round(time.monotonic() - begin, 1),
        )
        if not len(windows):
            text = f"no {codec.config['name']} windows in {len(files)} files ({summary.reasons()})"
            raise DataError(text, path=", ".join(map(str, sources)))
        summary.write(folder / SUMMARY)
    return summary


def group_of(file: Source, reading: Reading, group: str) -> str:
    """Return the key that decides the split of a file: its content's, or its folder's name."""
    folder = os.path.dirname(file.name)
    return reading.digest if group == "file" or folder in ("", file.root) else folder


def choose_split(key: str, shares: Sequence[float], seed: int = 0) -> int:
    """Return the index in `SPLITS` that a key falls to: always the same, and by the shares."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return int(np.searchsorted(np.cumsum(shares[:-1]), place, side="right"))


def collect(files: Sequence[Source], readings: Sequence[Reading], steps: int) -> Windows:
    """Return the windows of all files, in the order of the files."""
    used = [index for index, reading in enumerate(readings) if len(reading)]
    parts = [readings[index] for index in used] or [Reading(window=np.zeros((0, steps), np.uint16))]
    return Windows(
        window=np.concatenate([part.window for part in parts]),
        source=np.repeat(np.array(used, np.int32), [len(readings[index]) for index in used]),
        bar=np.concatenate([part.bar for part in parts]),
        tempo_bpm=np.concatenate([part.tempo_bpm for part in parts]),
        program=np.concatenate([part.program for part in parts]),
        names=[file.name for file in files],
    )


def deduplicate(windows: Windows, splits: np.ndarray) -> tuple[Windows, np.ndarray, dict[str, int]]:
    """Drop windows that are there already.

    Args:
        windows: All windows.
        splits: Index in `SPLITS` of every file.

    Returns:
        The windows that are kept, in their order; the split of each; and how many were dropped
        because they repeat a window of their own split ("repeated") or, in validation and test,
        of a split before theirs ("in another split").
    """
    split = splits[windows.source]
    by_split = np.argsort(split, kind="stable")  # train first: what it has is lost to the others
    keys = np.ascontiguousarray(windows.window[by_split])
    keys = keys.view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1]))).reshape(-1)
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    kept = np.zeros(len(windows), bool)
    kept[first] = True
    elsewhere = split[by_split] != split[by_split][first[number]]
    rows = np.sort(by_split[kept])
    dropped = {
        "repeated": int((~kept & ~elsewhere).sum()),
        "in another split": int(elsewhere.sum()),
    }
    return windows[rows], split[rows], dropped


def _counts(split: np.ndarray) -> dict[str, int]:
    return {name: int((split == index).sum()) for index, name in enumerate(SPLITS)}


def _by_source(
    files: Sequence[Source], used: Sequence[bool], windows: Windows, split: np.ndarray
) -> dict[str, dict[str, int]]:
    root_of = np.array([file.root for file in files])
    window_root = root_of[windows.source]
    return {
        root: {
            "files": int((root_of == root).sum()),
            "used": int(np.array(used)[root_of == root].sum()),
            **_counts(split[window_root == root]),
        }
        for root in dict.fromkeys(file.root for file in files)
    }


def _main_rule(reading: Reading) -> str:
    return reading.rules.most_common(1)[0][0] if reading.rules else "nothing usable"


@contextmanager
def _replacing_folder(output: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary sibling that becomes `output` if the block succeeds."""
    if output.exists():
        if not (output.is_dir() and (not any(output.iterdir()) or (output / SUMMARY).is_file())):
            raise UsageError(f"{output} is there already and holds no shards; choose another")
        if any(output.iterdir()) and not overwrite:
            raise UsageError(f"{output} is there already; use --overwrite to replace it")
    with replacing_folder(output) as fresh:
        yield fresh
