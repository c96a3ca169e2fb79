"""Does the reader find what is in MIDI files? Two independent readers beside it.

    python benchmarks/reading.py ../shared/data/midi/wild ../shared/data/midi/karaoke

Files are drawn from the folders by a seed. What was read of each is compared with a plain loop over
mido's events, and with symusic: the onsets (tick, pitch, velocity and drums or not), their times in
seconds, the ends of notes, the tempos, the time signatures, and the bar lines up to the last note.
mido gives events alone, so that its notes, times and bars are made here, event by event; symusic
gives notes, tempos and time signatures. Every difference is put down to a cause, with how many
notes and files it concerns. `--verbs` runs `show` and `interpolate` on all files instead, in this
process, and counts how they end. Needs symusic.
"""

from __future__ import annotations

import math
import os
import random
import tempfile
import warnings
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import mido
import numpy as np

from seqvae.music.data.reading import find_files
from seqvae.music.reading.container import SUFFIXES
from seqvae.music.reading.midi import parse_score, read_bytes
from seqvae.music.reading.score import Score
from vaecore.errors import DataError

NEAR = 1e-4
"""Seconds by which times may differ: times are sums of rounded numbers."""
DEFAULT = 500_000


class Reading(NamedTuple):
    """What a reader finds in a file.

    Attributes:
        notes: (onset, pitch, velocity, is a drum) -> the ends of such notes, in ticks.
        seconds: Times of all onsets, ascending.
        tempos: `(tick, microseconds per quarter)` before the last note ends.
        meters: `(tick, numerator, denominator)` before the last note ends.
        bars: The bar lines in ticks, the last at or after the end of the last note.
        hanging: The notes that no note off ends.
        silent: The notes that end on the tick of their beginning.
    """

    notes: dict[tuple[int, int, int, bool], list[int]]
    seconds: np.ndarray
    tempos: list[tuple[int, ...]]
    meters: list[tuple[int, ...]]
    bars: list[int]
    hanging: Counter
    silent: Counter


def changes(events: Sequence[tuple[int, ...]], end: int, first: tuple[int, ...] = ()) -> list:
    """Return the last change on every tick before the end, without those that change nothing."""
    latest = {event[0]: event for event in sorted(events, key=lambda e: e[0]) if event[0] < end}
    found: list[tuple[int, ...]] = []
    for event in latest.values():
        if event[1:] != (found[-1][1:] if found else first):
            found.append(event)
    return found


def bar_lines(meters: Sequence[tuple[int, ...]], ticks: int, end: int) -> list[int]:
    """Return the bar lines, from change to change of the metre; one near a line is on it."""
    lines, at, metre, explicit = [0], 0, (4, 4), False
    for tick, *changed in [*meters, (math.inf, 0, 0)]:
        length = round(4 * ticks * metre[0] / metre[1])
        near = ticks / 8
        while at + length <= min(tick + near, end - near if tick == math.inf else tick + near):
            at += length
            lines.append(at)
        if tick == math.inf:
            if end - at > near or len(lines) == 1:
                lines.append(at + length)
            return lines
        if tick - at > near and (tuple(changed) != metre or not explicit):
            at = tick
            lines.append(at)
        metre, explicit = tuple(changed), True
    return lines


def by_us(path: str) -> Reading:
    score: Score = parse_score(read_bytes(path), path, beats=False)
    notes = score.notes
    found: dict = defaultdict(list)
    columns = (score.to_ticks(notes.start), notes.pitch, notes.velocity, notes.is_drum)
    ends = score.to_ticks(notes.end).tolist()
    for *onset, end in zip(*(c.tolist() for c in columns), ends, strict=True):
        found[tuple(onset)].append(end)
    resolution = score.resolution or 1
    tempos = score.to_ticks(score.clock.seconds).tolist()
    speeds = np.rint(60e6 / score.clock.bpm).astype(int).tolist()
    meters = score.to_ticks(np.array([m.time for m in score.meters])).tolist()
    signatures = [(m.numerator, m.denominator) for m in score.meters]
    end = max(ends)
    return Reading(
        found,
        np.sort(notes.start),
        changes(list(zip(tempos, speeds, strict=True)), end, (DEFAULT,)),
        changes([(t, *s) for t, s in zip(meters, signatures, strict=True)], end),
        np.rint(score.bar_lines * resolution).astype(int).tolist(),
        Counter(),
        Counter(),
    )


def by_mido(path: str) -> Reading:
    file = mido.MidiFile(path, clip=True)
    tempos, meters, found = [], [], defaultdict(list)
    hanging, silent = Counter(), Counter()
    for track in file.tracks:
        tick, sounding = 0, defaultdict(deque)
        for event in track:
            tick += event.time
            if event.type == "set_tempo":
                tempos.append((tick, event.tempo))
            elif event.type == "time_signature":
                meters.append((tick, event.numerator, event.denominator))
            elif event.type == "note_on" and event.velocity:
                drum = event.channel == 9
                onset = (tick, event.note, event.velocity, drum)
                sounding[event.channel, event.note].append(onset)
            elif event.type in ("note_on", "note_off"):
                begun = sounding[event.channel, event.note]
                if begun:
                    onset = begun.popleft()
                    found[onset].append(tick)
                    silent[onset] += tick == onset[0]
        for left in sounding.values():
            for onset in left:
                found[onset].append(tick)
                hanging[onset] += 1
    return finished(found, tempos, meters, file.ticks_per_beat, hanging, silent)


def by_symusic(path: str) -> Reading:
    import symusic

    file = symusic.Score(path)
    found = defaultdict(list)
    silent: Counter = Counter()
    for track in file.tracks:
        for note in track.notes:
            onset = (note.time, note.pitch, note.velocity, track.is_drum)
            found[onset].append(note.time + note.duration)
            silent[onset] += note.duration == 0
    tempos = [(tempo.time, tempo.mspq) for tempo in file.tempos]
    meters = [(m.time, m.numerator, m.denominator) for m in file.time_signatures]
    return finished(found, tempos, meters, file.ticks_per_quarter, Counter(), silent)


def finished(
    found: dict, tempos: list, meters: list, ticks: int, hanging: Counter, silent: Counter
) -> Reading:
    if not found:
        raise DataError("has no notes")
    end = max(max(ends) for ends in found.values())
    hits = max(max(ends) if not key[3] else key[0] + ticks / 4 for key, ends in found.items())
    tempos, meters = changes(tempos, end, (DEFAULT,)), changes(meters, end)
    onsets = sorted(key[0] for key, ends in found.items() for _ in ends)
    seconds, time, at, tempo = [], 0.0, 0, DEFAULT
    queue = deque(tempos)
    for onset in onsets:
        while queue and queue[0][0] <= onset:
            tick, changed = queue.popleft()
            time, at, tempo = time + mido.tick2second(tick - at, ticks, tempo), tick, changed
        seconds.append(time + mido.tick2second(onset - at, ticks, tempo))
    lines = bar_lines(meters, ticks, round(hits))
    return Reading(found, np.array(seconds), tempos, meters, lines, hanging, silent)


class Cause(NamedTuple):
    """A difference: what it is, and who is right."""

    what: str
    right: str


HANGING = Cause("a note that is never ended: symusic drops it", "ours: players sound it")
ENDS = Cause("a note that its track never ends: ours ends with its channel", "ours: players")
HIT = Cause("a drum that is never ended: ours lasts a sixteenth", "nobody: a hit has no length")
SILENT = Cause("a note of no length: ours lasts up to a sixteenth", "ours: it is heard")
OVERLAP = Cause("which of two overlapping notes of a pitch ends first", "ours, and mido's loop")
DAMAGED = Cause("a pitch above 127: ours skips it with a warning, mido takes 127", "ours")
OTHER = Cause("none of these", "unknown")
TEMPO = Cause("tempos of several tracks on one tick: ours takes the last track's", "ours: players")
METER = Cause("time signatures", "unknown")
BARS = Cause("bar lines", "unknown")
SECONDS = Cause("times of onsets, after such tempos", "ours: players")


def compared(ours: Reading, theirs: Reading, mine: Reading, damaged: bool) -> Counter[Cause]:
    """Return the causes of differences and how often each occurs.

    Args:
        ours: What the reader found.
        theirs: What another found.
        mine: What mido's loop found, which knows the kinds of the notes.
        damaged: Whether the reader says that the file is not quite legal.
    """
    found: Counter[Cause] = Counter()
    for key in ours.notes.keys() | theirs.notes.keys():
        a, b = sorted(ours.notes.get(key, [])), sorted(theirs.notes.get(key, []))
        if a == b:
            continue
        number = max(len(a), len(b)) - len(set(a) & set(b))
        drum = key[3]
        if mine.hanging[key] and len(a) > len(b):
            found[HANGING] += len(a) - len(b)
        elif mine.hanging[key]:
            found[HIT if drum else ENDS] += number
        elif mine.silent[key] or theirs.silent[key]:
            found[SILENT] += number
        elif damaged:
            found[DAMAGED] += number
        elif len(a) == len(b):
            found[OVERLAP] += number
        else:
            found[OTHER] += number
    if ours.tempos != theirs.tempos:
        found[TEMPO] += 1
    if ours.meters != theirs.meters:
        found[METER] += 1
    same = len(ours.seconds) == len(theirs.seconds)
    if same and np.abs(ours.seconds - theirs.seconds).max() > NEAR:
        found[SECONDS] += 1
    if ours.bars != theirs.bars:
        found[BARS] += 1
    return found


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--files", default=200, show_default=True, help="How many files are drawn.")
@click.option("--seed", default=0, show_default=True)
@click.option("--list", "listed", is_flag=True, help="Name the files of every difference.")
@click.option("--verbs", is_flag=True, help="Run show and interpolate on all files instead.")
def main(folders: tuple[Path, ...], files: int, seed: int, listed: bool, verbs: bool) -> None:
    """Compare what the reader finds with two independent readers."""
    warnings.simplefilter("ignore")
    paths = [os.path.abspath(file.path) for file in find_files(folders, SUFFIXES)]
    if verbs:
        run_verbs(paths)
        return
    drawn = sorted(random.Random(seed).sample(paths, min(files, len(paths))))
    refused: list[str] = []
    agree: dict[str, Counter[str]] = {"mido": Counter(), "symusic": Counter()}
    notes: dict[str, Counter[Cause]] = {"mido": Counter(), "symusic": Counter()}
    where: dict[tuple[str, Cause], list[str]] = defaultdict(list)
    total = 0
    for path in drawn:
        try:
            ours = by_us(path)
        except DataError as error:
            refused.append(str(error))
            continue
        total += sum(map(len, ours.notes.values()))
        damaged = bool(parse_score(read_bytes(path), path, beats=False).notices)
        mine = None
        for name, reader in (("mido", by_mido), ("symusic", by_symusic)):
            try:
                theirs = reader(path)
            except Exception as error:
                where[name, Cause(f"refused by {name}", "ours: players read it")].append(
                    f"{path}: {error}"
                )
                continue
            mine = mine or theirs
            both = agree[name]
            both["files"] += 1
            both["onsets"] += sorted(
                (*key, len(ends)) for key, ends in ours.notes.items()
            ) == sorted((*key, len(ends)) for key, ends in theirs.notes.items())
            same = len(ours.seconds) == len(theirs.seconds)
            both["times"] += same and np.abs(ours.seconds - theirs.seconds).max() <= NEAR
            both["ends"] += {k: sorted(v) for k, v in ours.notes.items()} == {
                k: sorted(v) for k, v in theirs.notes.items()
            }
            both["tempos"] += ours.tempos == theirs.tempos
            both["time signatures"] += ours.meters == theirs.meters
            both["bar lines"] += ours.bars == theirs.bars
            for cause, count in compared(ours, theirs, mine, damaged).items():
                notes[name][cause] += count
                where[name, cause].append(path)
    click.echo(f"{len(drawn)} files by seed {seed}, {total} notes; refused by us: {len(refused)}")
    for line in refused:
        click.echo(f"  {line}")
    click.echo("\n| files that agree in | with mido | with symusic |\n|---|---|---|")
    for what in ("onsets", "times", "ends", "tempos", "time signatures", "bar lines"):
        cells = (f"{agree[n][what]} of {agree[n]['files']}" for n in agree)
        click.echo(f"| {what} | {' | '.join(cells)} |")
    click.echo("\n| reader | difference | right | files | notes |\n|---|---|---|---|---|")
    for (name, cause), files_of in sorted(
        where.items(), key=lambda each: (each[0][0], -len(each[1]))
    ):
        count = notes[name][cause]
        click.echo(f"| {name} | {cause.what} | {cause.right} | {len(files_of)} | {count or ''} |")
        for path in files_of if listed else ():
            click.echo(f"    {path}")


def run_verbs(paths: Sequence[str]) -> None:
    """Run show and interpolate on every file, and count how they end."""
    from click.testing import CliRunner

    from seqvae.cli import command

    group = command()
    for verb in ("show", "interpolate"):
        ends: Counter[str] = Counter()
        crashed = []
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            for path in paths:
                names = [path] if verb == "show" else [path, path, "-q"]
                result = CliRunner().invoke(group, [verb, *names])
                text = result.stderr.strip().splitlines()
                last = text[-1] if text else ""
                if result.exit_code == 0:
                    ends["works"] += 1
                elif result.exit_code not in (1, 2) or "unexpected" in last:
                    crashed.append(f"{path}: {result.exception!r} {last}")
                else:
                    ends[reason(last, path)] += 1
        click.echo(f"\n{verb}: {len(paths)} files, {len(crashed)} crashed")
        for line in crashed:
            click.echo(f"  {line}")
        for text, count in ends.most_common():
            click.echo(f"  {count:4}  {text}")


def reason(line: str, path: str) -> str:
    """Return a message without its file and its numbers."""
    text = line.split(path)[-1].lstrip(": ").split(";")[0]
    words = text.split(" in bar")[0].split(" (")[0]
    return " ".join("N" if word.strip(":,").isdigit() else word for word in words.split())


if __name__ == "__main__":
    main()
