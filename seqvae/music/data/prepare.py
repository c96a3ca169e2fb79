"""Preparation: from folders of MIDI files to shards of windows for training.

Every file is read in a child process with limits of time and memory. Finished chunks are kept in a
journal, so that an interrupted run can be resumed. Every window keeps its provenance, and the
summary counts every file, and every reason for which a file or a window was left out.

The output depends on the files and the settings alone, and not on workers or interruptions.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Literal

from seqvae.music.data.child import Failure
from seqvae.music.data.executors import cluster, local, unordered
from seqvae.music.data.guard import guarded_map
from seqvae.music.data.journal import Journal, finish, workplace
from seqvae.music.data.merge import merge
from seqvae.music.data.reading import (
    FileFacts,
    Reading,
    SourceFile,
    divide,
    find_files,
    fingerprint,
    read_file,
)
from seqvae.music.data.shards import SUMMARY
from seqvae.music.data.summary import Summary
from vaecore.errors import DataError, UsageError
from vaecore.seeds import check_seed

TIME_LIMIT = 20.0
"""Most seconds for reading a file; the largest real files take one."""
MEMORY_LIMIT = 1000
"""Most megabytes for reading a file; files of the largest accepted size take half as much."""


def prepare(
    sources: Sequence[Path],
    output: Path,
    representation: str | Mapping[str, Any] = "drums",
    *,
    voices: str | None = None,
    relaxed: bool = True,
    two_four: bool = False,
    meter: tuple[int, int] | None = None,
    group: Literal["file", "folder"] = "file",
    shares: tuple[float, float, float] = (0.9, 0.05, 0.05),
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    time_limit: float = TIME_LIMIT,
    memory_limit: int = MEMORY_LIMIT,
    overwrite: bool = False,
    progress: bool = False,
) -> Summary:
    """Turn MIDI files into shards of windows, split and without duplicates, and a summary.

    All windows of a file belong to the same split. Of equal windows the first one is kept, and one
    in train if there is any, so that evaluation has only new windows.

    An interrupted run leaves no output, but its finished work beside it (`.NAME.work`); the next
    run with the same settings continues from there.

    Args:
        sources: Folders, searched at any depth, and files.
        output: The folder to make; it appears when all is done.
        representation: Name of a codec, or its configuration.
        voices: Regular expression for names of tracks (ignoring case); in a file with matching
            tracks, only these are used.
        relaxed: Whether to use files that are too short or too sparse for the strict rules, with
            windows that are filled up with silence.
        two_four: Whether to read two bars of 2/4 as one of 4/4, and a bar of 4/2 as two.
        meter: Read all files in this meter from their beginning, and ignore their own meters.
        group: The unit that is never divided between splits: a file, or a folder inside of a source
            (such as the sessions of a drummer). Files directly in a source are units, too.
        shares: Shares of train, validation and test; they sum to 1.
        seed: Seed of the split.
        workers: Number of processes on this machine; by default as many as cores.
        scheduler: Address of a Dask scheduler whose workers read the files.
        time_limit: Seconds per file.
        memory_limit: Megabytes per file, beside the 60 of a worker itself (on Linux only).
        overwrite: Whether to replace existing shards.
        progress: Whether to show a progress bar on stderr.

    Returns:
        The summary.

    Raises:
        DataError: There is no usable file, the output cannot be written, or the cluster fails.
        UsageError: The settings are impossible, or the output exists.
    """
    from seqvae.music.representations import make_codec

    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6 or shares[0] == 0:
        raise UsageError(f"shares must be at least 0, train's above 0, and sum to 1; got {shares}")
    if workers is not None and scheduler is not None:
        raise UsageError("workers are for this machine; leave them out with a scheduler")
    config = {"name": representation} if isinstance(representation, str) else representation
    codec, seed = make_codec(config), check_seed(seed)
    output = Path(output)
    _check_output(output, overwrite)
    files = find_files(sources, codec.suffixes)
    chunks = list(divide(files))
    reading: dict[str, Any] = {"voices": voices, "relaxed": relaxed}
    reading |= {"two_four": True} if two_four else {}
    reading |= {"meter": list(meter)} if meter else {}
    limits: dict[str, Any] = {"time_limit": time_limit, "memory_limit": memory_limit}
    with workplace(output) as work:
        journal = Journal(
            work / "chunks", {"codec": codec.config, **reading, **limits}, codec.width
        )
        function = partial(read_file, codec=codec, **reading)
        where = cluster(scheduler, files[0].path) if scheduler else local(workers)
        _read(journal, chunks, partial(_read_chunk, function=function, **limits), where, progress)
        made = work / "new"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        division = {"group": group, "shares": list(shares), "seed": seed}
        settings = {**reading, **division, **limits}
        summary = merge(journal, chunks, made, representation=codec.config, settings=settings)
        if not any(summary.windows.values()):
            finish(work, None, output)
            text = f"no {codec.config['name']} windows in {len(files)} files ({summary.reasons()})"
            raise DataError(text, path=", ".join(map(str, sources)))
        summary.write(made / SUMMARY)
        finish(work, made, output)
    return summary


def _read(
    journal: Journal,
    chunks: Sequence[Sequence[SourceFile]],
    task: partial[list[Reading]],
    where: Any,
    progress: bool,
) -> None:
    """Read the chunks that are not in the journal."""
    from tqdm import tqdm

    missing = [chunk for chunk in chunks if not journal.has(chunk)]
    if not missing:
        return
    total = sum(map(len, chunks))
    bar = tqdm(total=total, unit="file", disable=not progress, smoothing=0)
    bar.update(total - sum(map(len, missing)))
    bar.unpause()
    with closing(bar), where as (executor, threads):
        for chunk, readings in unordered(executor, threads, task, missing):
            journal.add(chunk, readings)
            bar.update(len(chunk))


def _read_chunk(chunk: Sequence[SourceFile], function: Any, **limits: Any) -> list[Reading]:
    """Return the readings of files, with a problem for each file that failed."""
    results = guarded_map(function, [file.path for file in chunk], **limits)
    return [
        Reading(FileFacts(fingerprint(file.path), problem=result.problem))
        if isinstance(result, Failure)
        else result
        for file, result in zip(chunk, results, strict=True)
    ]


def _check_output(output: Path, overwrite: bool) -> None:
    if not output.exists():
        return
    if not (output.is_dir() and (not any(output.iterdir()) or (output / SUMMARY).is_file())):
        raise UsageError(f"{output} is there already and has no shards; choose another")
    if any(output.iterdir()) and not overwrite:
        raise UsageError(f"{output} is there already; use --overwrite to replace it")
