"""Finding MIDI files in folders, and the windows of one file."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqvae.music.reading.beats import beats_file
from seqvae.music.reading.midi import parse_score, read_bytes
from vaecore.errors import DataError, UsageError, printable
from vaecore.reading import files_below

if TYPE_CHECKING:
    from seqvae.music.representations.base import SequenceCodec

FILES_PER_CHUNK, MOST_PER_CHUNK = 16, 64
"""Files of a chunk: on average, and at most."""

KEY_BYTES = 16
"""Bytes of a window's hash; with 16, 10^9 different windows have different hashes."""


class SourceFile(NamedTuple):
    """A MIDI file.

    Attributes:
        path: Its path.
        root: Name of its source, a folder or a file.
        name: Its path from the source on; it begins with the source's name.
    """

    path: str
    root: str
    name: str


@dataclass(frozen=True)
class FileFacts:
    """Facts of one file, without its windows.

    Attributes:
        fingerprint: Hash of the file's content; see `fingerprint`.
        windows: Number of its windows.
        silent: Number of windows without any event, which were left out.
        relaxed: Whether its music is too short or too sparse for the strict rules.
        rules: Number of passages that were left out, by the rule that they break.
        problem: Why the file could not be used at all, or None.
    """

    fingerprint: str
    windows: int = 0
    silent: int = 0
    relaxed: bool = False
    rules: dict[str, int] = field(default_factory=dict)
    problem: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the MIDI file alone."""
        return self.fingerprint.partition("+")[0]


class Reading(NamedTuple):
    """The facts and the windows of one file.

    Attributes:
        facts: The facts.
        columns: Columns of its windows by name: `window`, packed, `(n, width)` uint16; `bar`, its
            first bar (that of the music is 1); `tempo_bpm`, quarter notes per minute; `program`,
            the MIDI program of its track; `key`, a hash, `(n, 2)` uint64. None without windows.
    """

    facts: FileFacts
    columns: Mapping[str, np.ndarray] | None = None


def find_files(sources: Sequence[Path], suffixes: Sequence[str]) -> list[SourceFile]:
    """Return the files with these suffixes in folders, at any depth, sorted by name.

    Raises:
        DataError: A source does not exist, or cannot be read, or there are no such files.
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
        inside = (here / name for here, _, names in files_below(root) for name in names)
        files += [
            SourceFile(str(path), printable(root.name), _named(path, root))
            for path in sorted([root] if root.is_file() else inside)
            if path.name.lower().endswith(tuple(suffixes)) and path.is_file()
        ]
    if not files:
        where = ", ".join(str(source) for source in sources)
        raise DataError(f"no {' or '.join(suffixes)} files there", path=where)
    return files


def _named(path: Path, root: Path) -> str:
    """Return the name of a file in shards and summary, which must be UTF-8."""
    return printable(path.relative_to(root.parent).as_posix())


def divide(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield the files, in order, in chunks.

    The name of a file decides whether a chunk ends with it, so that a file that is added or removed
    changes only its own chunk.
    """
    chunk: list[SourceFile] = []
    for file in files:
        chunk.append(file)
        if (
            len(chunk) == MOST_PER_CHUNK
            or zlib.crc32(os.fsencode(file.name)) % FILES_PER_CHUNK == 0
        ):
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def fingerprint(path: str, data: bytes | None = None) -> str:
    """Return a hash of all data that the windows of a file depend on.

    It is the SHA-256 of the file, followed by "+" and that of its list of beats if there is one. A
    file that is too large to be read has its size in place of the hash, a missing file "".

    Args:
        path: The file.
        data: Its content, if it was read already.
    """
    beats = beats_file(path)
    return _hash(path, data) + (f"+{_hash(beats)}" if beats else "")


def _hash(path: str, data: bytes | None = None) -> str:
    try:
        if data is None:
            data = read_bytes(path)
        return hashlib.sha256(data).hexdigest()
    except DataError:  # a file that is not read has no windows until it changes
        with suppress(OSError):
            return f"{os.stat(path).st_size} bytes"
        return ""


def read_file(
    path: str,
    codec: SequenceCodec,
    voices: str | None,
    relaxed: bool,
    two_four: bool = False,
    meter: Sequence[int] | None = None,
) -> Reading:
    """Return the facts and the windows of one file; the arguments are those of `prepare`."""
    data = None
    try:
        data = read_bytes(path)
        score = parse_score(data, path)
        score = score.in_meter(*meter) if meter else score.in_usual_bars() if two_four else score
        found = codec.find(score)
    except DataError as error:
        return Reading(FileFacts(fingerprint(path, data), problem=error.problem))
    rows = found.windows if relaxed or not found.relaxed else []
    if voices is not None:
        named = {n for n, name in score.names.items() if re.search(voices, name, re.IGNORECASE)}
        rows = [row for row in rows if not named or row.instrument in named]
    window = codec.pack(np.array([r.x for r in rows], codec.dtype).reshape(-1, *codec.shape))
    sounds = window.any(axis=1)
    window, sounding = window[sounds], [rows[n] for n in np.flatnonzero(sounds)]
    facts = FileFacts(
        fingerprint(path, data),
        len(window),
        silent=len(rows) - len(sounding),
        relaxed=found.relaxed and len(sounding) > 0,
        rules=dict(Counter(rejection.rule for rejection in found.rejections)),
    )
    columns = {
        "window": window,
        "bar": np.array([row.bar for row in sounding], np.int32),
        "tempo_bpm": np.array([row.context.tempo_bpm for row in sounding], np.float32),
        "program": np.array([row.context.program for row in sounding], np.int16),
        "key": window_keys(window),
    }
    return Reading(facts, columns if len(window) else None)


def window_keys(windows: np.ndarray) -> np.ndarray:
    """Return a hash of every window, uint64 `(n, 2)`; the same on every machine."""
    rows = windows.astype("<u2")
    hashes = [hashlib.blake2b(row, digest_size=KEY_BYTES).digest() for row in rows]
    return np.frombuffer(b"".join(hashes), "<u8").reshape(-1, 2).astype(np.uint64)
