"""Reading many MIDI files: from folders to each file's windows, in worker processes."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqvae.data.parallel import Failure, robust_map
from vaecore.errors import DataError, UsageError

if TYPE_CHECKING:
    from seqvae.codecs.base import SequenceCodec


class Source(NamedTuple):
    """A MIDI file; `name` is its path from the root on, and begins with the root's name."""

    path: Path
    root: str
    name: str


@dataclass(frozen=True)
class Reading:
    """What was found in one file: windows in columns, and what was left out.

    Attributes:
        digest: SHA-256 of the file's content.
        window: `(n, steps)` uint16.
        bar: Where each window starts; the first bar of the music is 1.
        tempo_bpm: Quarter notes per minute of each window.
        program: MIDI program of each window's track.
        silent: How many windows without any event were left out.
        relaxed: The windows are of music too short or too sparse for the strict rules.
        rules: Which rules left out how many passages.
        problem: Why the file could not be used at all, or None.
    """

    digest: str = ""
    window: np.ndarray = field(default_factory=lambda: np.zeros((0, 1), np.uint16))
    bar: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    tempo_bpm: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    program: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    silent: int = 0
    relaxed: bool = False
    rules: Counter[str] = field(default_factory=Counter)
    problem: str | None = None

    def __len__(self) -> int:
        return len(self.window)


def find_files(sources: Sequence[Path], suffixes: Sequence[str]) -> list[Source]:
    """Return the files with these suffixes in folders, at any depth, in order of their names.

    Raises:
        DataError: A source does not exist, or there are no such files.
        UsageError: Two sources have the same name.
    """
    roots = [Path(source).resolve() for source in sources]
    for name, count in Counter(root.name for root in roots).items():
        if count > 1:
            raise UsageError(f"{count} sources are called {name!r}; rename them or give a parent")
    files = []
    for root in roots:
        if not root.exists():
            raise DataError("does not exist", path=root, remedy="check the name")
        inside = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        files += [
            Source(path, root.name, path.relative_to(root.parent).as_posix())
            for path in inside
            if path.suffix.lower() in suffixes
        ]
    if not files:
        where = ", ".join(str(source) for source in sources)
        raise DataError(f"no {' or '.join(suffixes)} files there", path=where)
    return files


def read_file(path: Path, codec: SequenceCodec, voices: str | None, relaxed: bool) -> Reading:
    """Return the windows of one file; the arguments are those of `prepare`."""
    from seqvae.midi import read_score

    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        score = read_score(path)
        found = codec.explain(score)
    except OSError as error:
        return Reading(problem=f"cannot be read ({error.strerror})")
    except DataError as error:
        return Reading(problem=error.problem)
    keep = np.full(len(found), relaxed or not found.relaxed)
    if voices is not None:
        named = {n for n, name in score.names.items() if re.search(voices, name, re.IGNORECASE)}
        keep &= not named or np.isin(found.instruments, list(named))
    window = found.x.numpy().astype(np.uint16)
    sounding = window.any(axis=1)
    rows = np.flatnonzero(keep & sounding)
    return Reading(
        digest=digest,
        window=window[rows],
        bar=np.array(found.bars, np.int32)[rows],
        tempo_bpm=np.array([found.contexts[row].tempo_bpm for row in rows], np.float32),
        program=np.array([found.contexts[row].program for row in rows], np.int16),
        silent=int((keep & ~sounding).sum()),
        relaxed=found.relaxed and len(rows) > 0,
        rules=Counter(rejection.rule for rejection in found.rejections),
    )


def read_files(
    files: Sequence[Source],
    codec: SequenceCodec,
    *,
    voices: str | None,
    relaxed: bool,
    workers: int | None,
    time_limit: float,
    progress: bool,
) -> list[Reading]:
    """Read files in worker processes; those that fail become readings with a problem."""
    from tqdm import tqdm

    results = robust_map(
        partial(read_file, codec=codec, voices=voices, relaxed=relaxed),
        [file.path for file in files],
        workers=workers,
        time_limit=time_limit,
        preload=("seqvae.data.reading", "seqvae.midi", "seqvae.codecs", "pretty_midi", "torch"),
    )
    readings = [Reading()] * len(files)
    for index, result in tqdm(results, total=len(files), unit="file", disable=not progress):
        failed = isinstance(result, Failure)
        readings[index] = Reading(problem=result.problem) if failed else result
    return readings
