"""How fast does `seqvae prepare` read MIDI files, beside other parsers and the reference?

    python benchmarks/prepare_speed.py ../shared/data/midi/wild ../shared/data/midi/groove

Every row is one kind of work on the same files, by the CPU's clock of one core (other work on the
machine counts little), the median of several repeats. `to windows` is all that a worker of
`seqvae prepare` does for a file; with another parser, it starts from that parser's notes. The
reference is note_seq, which Magenta reads with: to a NoteSequence; split and quantised (`to the
grid`); and to windows as its `Melody` and `DrumTrack` find them. `read` is the roofline: the files'
bytes from the system's cache, not parsed. `other windows` counts the files for which a parser gives
other windows than this project's reader; `reading.py` says what is read otherwise.

`prepare` is the whole command on transposed copies, of two numbers: its cost per file, all
processes together, must be the same. Needs symusic, pretty_midi; note_seq where it is installed.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
import reference_windows
from parsers import attempt, by_pretty_midi, by_symusic, ours, windows_of

from seqvae.music.data.guard import Guard
from seqvae.music.data.reading import find_files, read_file
from seqvae.music.representations import SequenceCodec, make_codec

PACKAGES = ("numpy", "symusic", "pretty_midi", "note-seq", "pyarrow")
HEAD = ("work", "files", "files/s per core", "ms/file", "MB/s", "of read", "windows",
        "other windows", "times the reference", "peak MB")  # fmt: skip


def milliseconds(work: Callable[[str], Any], paths: Sequence[str], repeats: int) -> float:
    """Return the median CPU time per file."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        for path in paths:
            attempt(work, path)
        times.append((time.process_time() - begin) / len(paths) * 1000)
    return statistics.median(times)


def peak(path: str, codec: SequenceCodec) -> float:
    """Read a file and return the most memory that this process has had, in MB."""
    read_file(path, codec, None, True)
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if "VmHWM" in line) / 1000


def most_memory(paths: Sequence[str], codec: SequenceCodec) -> float:
    """Return the peak memory of a worker that reads all files, in MB."""
    import prepare_speed  # by the name that the worker can import it by

    guard = Guard(partial(prepare_speed.peak, codec=codec), 60, 1000)
    try:
        return max(guard.map(paths))
    finally:
        guard.close()


def parsers(paths: Sequence[str], kind: str, repeats: int) -> list[dict[str, Any]]:
    """Return the rows of one folder."""
    codec = make_codec({"name": kind})
    size = sum(os.path.getsize(path) for path in paths)
    rows: list[dict[str, Any]] = []

    def row(name: str, work: Callable[[str], Any], **more: Any) -> None:
        ms = milliseconds(work, paths, repeats)
        rows.append({"work": name, "files": len(paths), "ms": ms, "MB/s": size / len(paths) / ms
                     / 1000, **more})  # fmt: skip

    row("read", lambda path: Path(path).read_bytes())
    expected = [windows_of(attempt(ours, path), codec) for path in paths]
    count = sum(map(len, expected))
    row("seqvae to notes", ours)
    row("seqvae to windows", lambda path: read_file(path, codec, None, True), windows=count)
    rows[-1]["peak"] = most_memory(paths, codec)
    for name, parser in (("symusic", by_symusic), ("pretty_midi", by_pretty_midi)):
        found = [windows_of(attempt(parser, path), codec) for path in paths]
        different = sum(x != y for x, y in zip(expected, found, strict=True))
        row(f"{name} to notes", parser)
        row(f"{name} to windows", lambda path, p=parser: codec.find(p(path)),
            windows=sum(map(len, found)), different=different)  # fmt: skip
    try:
        import note_seq  # noqa: F401
    except ImportError:
        return rows
    row("note_seq to notes", reference_windows.to_notes)
    row("note_seq to the grid", reference_windows.all_quantised)
    row("note_seq to windows", partial(reference_windows.windows, kind=kind))
    reference = {each["work"].split(" to ")[1]: each["ms"] for each in rows[-3:]}
    for each in rows[1:]:
        each["ratio"] = reference[each["work"].split(" to ")[1]] / each["ms"]
    return rows


def copies(paths: Sequence[str], count: int, folder: Path) -> Path:
    """Write so many files, each the transposition of another or by another interval."""
    import symusic

    folder.mkdir()
    written = interval = 0
    while written < count:
        interval += 1
        for path in paths:
            midi = attempt(symusic.Score, path)
            moved = midi and attempt(midi.shift_pitch, interval)
            if moved and written < count:
                moved.dump_midi(str(folder / f"{written:06d}.mid"))
                written += 1
    return folder


def command(folder: Path, kind: str, repeats: int) -> dict[str, Any]:
    """Return CPU time per file and memory of the whole command."""
    times = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as place:
            code = "import sys; from seqvae.cli import main; main()"
            arguments = [
                "prepare",
                folder,
                "-o",
                f"{place}/out",
                "--representation",
                kind,
                "--json",
            ]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            result = subprocess.run(
                [sys.executable, "-c", code, *map(str, arguments)],
                check=True, capture_output=True,
            )  # fmt: skip
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        summary = json.loads(result.stdout)
        times.append(used / summary["files"]["found"] * 1000)
    size = sum(path.stat().st_size for path in folder.iterdir())
    return {"files": summary["files"]["found"], "ms": statistics.median(times),
            "MB/s": size / summary["files"]["found"] / statistics.median(times) / 1000,
            "windows": sum(summary["windows"].values())}  # fmt: skip


def shown(row: dict[str, Any], roof: float) -> str:
    """Return a line of the table."""
    cells = (
        row["work"],
        f"{row['files']:,}",
        f"{1000 / row['ms']:,.0f}",
        f"{row['ms']:.2f}",
        f"{row['MB/s']:,.1f}",
        f"{row['MB/s'] / roof:.1%}",
        f"{row['windows']:,}" if "windows" in row else "",
        f"{row['different']}" if "different" in row else "",
        f"{row['ratio']:.1f}" if "ratio" in row else "",
        f"{row['peak']:.0f}" if "peak" in row else "",
    )
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """Return processor, cores and versions in one line."""
    try:
        text = Path("/proc/cpuinfo").read_text()
        model = next(s.split(":")[1].strip() for s in text.splitlines() if "model name" in s)
    except (OSError, StopIteration):
        model = platform.processor()
    versions = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{model}, {os.cpu_count()} cores; {', '.join(versions)}"


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--files", default=200, show_default=True, help="Files of each folder.")
@click.option("--repeats", default=5, show_default=True)
@click.option(
    "--copies",
    "count",
    default=1000,
    show_default=True,
    help="Files; then four times as many.",
)
@click.option("--quick", is_flag=True, help="Very few files, to check that everything runs.")
def main(folders: tuple[Path, ...], files: int, repeats: int, count: int, quick: bool) -> None:
    if quick:
        files, repeats, count = 12, 2, 30
    click.echo(f"{machine()}; medians of {repeats}\n")
    click.echo(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for folder in folders:
        found = [file.path for file in find_files([folder], (".mid", ".midi"))]
        paths = found[:: max(1, len(found) // files)][:files]
        melodies = sum(len(windows_of(attempt(ours, p), make_codec({"name": "melody"})))
                       for p in paths)  # fmt: skip
        kinds = ("drums", "melody") if melodies else ("drums",)
        for kind in kinds:
            rows = parsers(paths, kind, repeats)
            for row in rows:
                row["work"] = f"{folder.name}, {kind}: {row['work']}"
                click.echo(shown(row, rows[0]["MB/s"]))
    with tempfile.TemporaryDirectory() as place:
        found = [file.path for file in find_files([folders[0]], (".mid", ".midi"))]
        for number in (count, 4 * count):
            folder = copies(found[:count], number, Path(place, f"{number}"))
            row = command(folder, "melody", max(1, repeats // 2))
            row["work"] = f"{folders[0].name}, melody: prepare, whole command"
            click.echo(shown(row, rows[0]["MB/s"]))


if __name__ == "__main__":
    main()
