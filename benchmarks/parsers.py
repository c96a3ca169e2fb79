"""Other MIDI parsers beside this project's reader, and why their windows differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from seqvae.music.reading.midi import parse_score, read_bytes, read_score
from seqvae.music.reading.score import Meter, Notes, Score
from seqvae.music.reading.smf import MidiFile
from seqvae.music.representations import SequenceCodec
from vaecore.errors import DataError

Parser = Callable[[str], Score]

CAUSES = {
    "refused": "one of them refuses the file",
    "tempo": "a tempo or meter in a later track: ours takes those of the first alone",
    "no length": "a note off on the tick of its note: theirs has no length, ours is lost",
    "overlap": "a pitch struck again while it sounds: the note off ends all (ours), or the oldest",
    "program": "a program change while a note sounds: that of its end (ours), or of its beginning",
    "unexplained": "none of these",
}


class Difference(NamedTuple):
    """A file whose windows differ: why, and the first place that shows it."""

    path: str
    causes: list[str]
    example: str


def ours(path: str) -> Score:
    return parse_score(read_bytes(path), path)


def by_pretty_midi(path: str) -> Score:
    from pretty_midi import PrettyMIDI

    return read_score(PrettyMIDI(path))


def by_symusic(path: str, first_track: bool = False) -> Score:
    """Read with symusic, and convert its notes to the arrays that all codecs take.

    Args:
        path: The file.
        first_track: Take tempos and meters from the first track alone, as our reader does.
    """
    import symusic

    midi = symusic.Score(path)
    arrays = [track.notes.numpy() for track in midi.tracks]
    used = [number for number, notes in enumerate(arrays) if len(notes["time"])]
    if not used:
        raise DataError("has no notes", path=path)
    tracks = [midi.tracks[number] for number in used]
    sizes = [len(arrays[number]["time"]) for number in used]
    columns = {
        name: np.concatenate([arrays[number][name] for number in used]).astype(np.int64)
        for name in ("time", "duration", "pitch", "velocity")
    }
    if first_track:
        own = MidiFile.parse(read_bytes(path))
    else:
        meters = [(m.time, m.numerator, m.denominator) for m in midi.time_signatures]
        tempos = [(tempo.time, tempo.mspq) for tempo in midi.tempos]
        own = MidiFile(midi.ticks_per_quarter, tempos, meters)
    clock = own.clock()
    notes = Notes.of(
        clock(columns["time"]),
        clock(columns["time"] + columns["duration"]),
        columns["pitch"],
        columns["velocity"],
        np.repeat(np.arange(len(used)), sizes),
        np.repeat([track.program for track in tracks], sizes),
        np.repeat([track.is_drum for track in tracks], sizes),
    )
    meters = tuple(Meter(float(clock(np.array(t))), *signature) for t, *signature in own.meters)
    tempos = tuple(zip(clock.seconds.tolist(), clock.tempos.tolist(), strict=True))
    return Score(notes, tempos, meters, {n: track.name for n, track in enumerate(tracks)}, path)


def attempt(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what is made of a file; None if it is refused, by whatever exception."""
    try:
        return work(*arguments)
    except Exception:
        return None


def windows_of(score: Score | None, codec: SequenceCodec) -> list[bytes]:
    return [] if score is None else sorted(w.x.tobytes() for w in codec.find(score).windows)


def differences(paths: Sequence[str], codec: SequenceCodec) -> Iterator[Difference]:
    """Yield the files whose windows differ between symusic and this project's reader.

    What is different is made equal, one thing after the other, and each that changes the windows
    is a cause.
    """
    for path in paths:
        mine, theirs = attempt(ours, path), attempt(by_symusic, path)
        wanted, found = windows_of(mine, codec), windows_of(theirs, codec)
        if wanted == found:
            continue
        if mine is None or theirs is None:
            yield Difference(path, ["refused"], f"by {'us' if mine is None else 'symusic'}")
            continue
        causes, example = [], ""
        for cause, changed, place in _repairs(path, mine, theirs):
            now = windows_of(changed, codec)
            if now != found:
                causes.append(cause)
                example = example or place
            found = now
        yield Difference(path, causes if found == wanted else [*causes, "unexplained"], example)


def _repairs(path: str, mine: Score, theirs: Score) -> Iterator[tuple[str, Score, str]]:
    """Yield causes of differences, with a score that is rid of all so far, and the first place."""
    score = by_symusic(path, first_track=True)
    moved = [change for change in theirs.tempos if change not in mine.tempos]
    moved += [(m.time, str(m)) for m in theirs.meters if m not in mine.meters]
    yield "tempo", score, f"{moved[0][1]} at {moved[0][0]:.2f} s" if moved else ""

    lasting = score.notes.end > score.notes.start
    gone = score.notes[~lasting]
    score = replace(score, notes=score.notes[lasting])
    yield "no length", score, _place(gone, 0) if len(gone) else ""

    # Our notes, with the program and the instrument of symusic's where it has the same onset.
    def onsets(notes: Notes) -> list[tuple]:
        columns = (notes.is_drum, notes.pitch, notes.start, notes.velocity)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    places: dict[tuple, list[int]] = {}
    for index, onset in enumerate(onsets(score.notes)):
        places.setdefault(onset, []).append(index)
    taken = [places[onset].pop(0) if places.get(onset) else -1 for onset in onsets(mine.notes)]
    index = np.array(taken)
    known = index >= 0
    instrument = np.where(known, score.notes.instrument[index], mine.notes.instrument)
    program = np.where(known, score.notes.program[index], mine.notes.program)
    other = np.flatnonzero(~known | (score.notes.end[index] != mine.notes.end))
    notes = replace(mine.notes, instrument=instrument, program=program)
    yield "overlap", replace(mine, notes=notes), _place(mine.notes, other[0]) if len(other) else ""

    other = np.flatnonzero(program != mine.notes.program)
    yield "program", mine, _place(mine.notes, other[0]) if len(other) else ""


def _place(notes: Notes, index: int) -> str:
    return f"pitch {notes.pitch[index]} at {notes.start[index]:.2f} s"


def count_causes(found: Sequence[Difference]) -> Counter[str]:
    """Return how many files differ for which reasons."""
    return Counter(" and ".join(each.causes) for each in found)
