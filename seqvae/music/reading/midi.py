"""Reading music: a MIDI file, a PrettyMIDI or a NoteSequence becomes a `Score`.

Whatever is wrong with a file is raised as a `DataError` that names the file, the rule and the
remedy. Sizes are checked before memory is used for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.beats import beats_file, with_list
from seqvae.music.reading.container import MAX_BYTES, unpacked
from seqvae.music.reading.evident import in_evident_bars
from seqvae.music.reading.score import Meter, Notes, Piece, Score, minutes
from seqvae.music.reading.smf import CutOffError, MidiFile, TempoMap, UnusableError
from seqvae.music.reading.smf_music import read_music
from vaecore import reading
from vaecore.errors import DataError

if TYPE_CHECKING:
    import pretty_midi

__all__ = ["MAX_BYTES", "MAX_SECONDS", "Meter", "Notes", "Piece", "Score", "read_score"]

MAX_SECONDS = 2 * 3600.0

NO_NOTES = Notes.of([], [], [])

_SHORTER = "cut out the part you want and try again"
_EXPORT = "export it again as a standard MIDI file (.mid)"


def read_score(item: Any, beats: bool = True, reference: bool = False) -> Score:
    """Return the score behind an item.

    Args:
        item: A path to a MIDI file, a `pretty_midi.PrettyMIDI`, a `note_seq.NoteSequence` or a
            `Score`, which is returned as it is.
        beats: Take the bars from `NAME.beats.txt` beside `NAME.mid` if that file exists: each line
            has a time in seconds and flags, the last of which marks downbeats (POP909 has such
            files, and wrong time signatures).
        reference: Read a file as the reference system does: tempo and meter from the first track,
            instruments cut by programs, a note off ends all notes of its pitch; other metres than
            4/4 are not regrouped.

    Raises:
        DataError: The file cannot be read, is not MIDI, is too long or has no notes.
        TypeError: `item` is none of these.
    """
    if isinstance(item, Score):
        return item
    if isinstance(item, (str, os.PathLike)):
        path = os.fspath(item)
        data = unpacked(read_bytes(path), path)
        listed = beats_file(path) if beats else None
        times = listed and reading.read_text(listed, reading.BEATS)
        asked = (None, None) if reference else (_METER.get(), _GRID.get())
        return _read(data, path, listed, times, reference, *asked)
    # By name, so that neither package has to be imported.
    kinds = {base.__name__ for base in type(item).__mro__}
    if "PrettyMIDI" in kinds:
        return _in_bars(_from_pretty_midi(item), reference)
    if "NoteSequence" in kinds:
        return _in_bars(_from_note_sequence(item), reference)
    kind = type(item).__name__
    raise TypeError(f"expected a MIDI path, PrettyMIDI, NoteSequence or Score, got {kind}")


@lru_cache(maxsize=16)
def _read(
    data: bytes,
    path: str,
    listed: str | None,
    times: str | None,
    reference: bool,
    meter: tuple[int, int] | None,
    grid: str | None,
) -> Score:
    # By content: a file that was written anew is read anew.
    score = (_from_file_as_reference if reference else _from_file)(data, path)
    if listed is not None and times is not None:
        score = with_list(score, listed, times)
    return _in_bars(score, reference)


def _in_bars(score: Score, reference: bool) -> Score:
    """Return a score with the bars and the grid that were asked for, or with bars models know."""
    meter = _METER.get()
    if reference:
        return score
    score = in_evident_bars(score.in_usual_bars()) if meter is None else score.in_meter(*meter)
    grid = _GRID.get()
    return score if grid is None else replace(score, asked=grid)


_METER: ContextVar[tuple[int, int] | None] = ContextVar("meter", default=None)
_GRID: ContextVar[str | None] = ContextVar("grid", default=None)


@contextmanager
def read_in(meter: tuple[int, int] | None) -> Iterator[None]:
    """Read all music in one meter within this context, whatever its time signatures say."""
    token = _METER.set(meter)
    try:
        yield
    finally:
        _METER.reset(token)


@contextmanager
def read_on(grid: str | None) -> Iterator[None]:
    """Read all music on one grid within this context, if its bars have it; see `GRIDS`."""
    token = _GRID.set(grid)
    try:
        yield
    finally:
        _GRID.reset(token)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a MIDI file that is not too large.

    Raises:
        DataError: It cannot be read, is a folder, is empty or is too large.
    """
    return reading.read_bytes(path, reading.MUSIC)


def parse_score(
    data: bytes, path: str | os.PathLike[str], beats: bool = True, reference: bool = False
) -> Score:
    """Return the score of a MIDI file whose content was read, in its own meter.

    Otherwise as `read_score`.
    """
    name = os.fspath(path)
    score = (_from_file_as_reference if reference else _from_file)(unpacked(data, name), name)
    listed = beats_file(path) if beats else None
    return with_list(score, listed, reading.read_text(listed, reading.BEATS)) if listed else score


def _from_file(data: bytes, path: str) -> Score:
    with refusals(path):
        music = read_music(data)
        clock = music.clock()
    on, off, pitch, velocity, instrument, program = music.notes.T
    drums = np.array([track.is_drum for track in music.tracks], np.bool_)[instrument]
    notes = Notes.of(clock(on), clock(off), pitch, velocity, instrument, program, drums)
    meters = [Meter(float(clock(np.array(t))), *signature) for t, *signature in music.meters]
    names = {number: track.name for number, track in enumerate(music.tracks) if track.name}
    score = _checked(notes, _tempos(clock), meters, names, path)
    return replace(
        score,
        resolution=music.resolution,
        tracks=tuple(music.tracks),
        keys=tuple((float(clock(np.array(tick))), key) for tick, key in music.keys),
        markers=tuple((float(clock(np.array(tick))), text) for tick, text in music.markers),
        words=tuple(clock(np.array(music.words, np.int64)).tolist()),
        notices=tuple(music.notices),
    )


def _from_file_as_reference(data: bytes, path: str) -> Score:
    with refusals(path):
        midi = MidiFile.parse(data)
        clock = midi.clock()
    tracks = midi.instruments
    table = np.concatenate([np.zeros((0, 4), np.int64), *(track.notes for track in tracks)])
    number = np.repeat(np.arange(len(tracks)), [len(track.notes) for track in tracks])
    programs = np.array([track.program for track in tracks], np.int64)
    drums = np.array([track.is_drum for track in tracks], np.bool_)
    on, off, pitch, velocity = table.T
    notes = Notes.of(
        clock(on), clock(off), pitch, velocity, number, programs[number], drums[number]
    )
    meters = [Meter(float(clock(np.array(t))), *signature) for t, *signature in midi.meters]
    names = {number: track.name for number, track in enumerate(tracks) if track.name}
    return _checked(notes, _tempos(clock), meters, names, path)


def _tempos(clock: TempoMap) -> list[tuple[float, float]]:
    return list(zip(clock.seconds.tolist(), clock.tempos.tolist(), strict=True))


@contextmanager
def refusals(path: str) -> Iterator[None]:
    """Raise what is wrong with a file as a DataError."""
    try:
        yield
    except CutOffError as error:
        remedy = "copy or download it again"
        raise DataError(f"is cut off ({error})", path=path, remedy=remedy) from None
    except UnusableError as error:
        raise DataError(f"cannot be used: {error}", path=path, remedy=_EXPORT) from None
    except ValueError as error:
        raise DataError(f"is a broken MIDI file ({error})", path=path, remedy=_EXPORT) from None


def _from_pretty_midi(midi: pretty_midi.PrettyMIDI) -> Score:
    rows = [
        (n.start, n.end, n.pitch, n.velocity, number, track.program, track.is_drum)
        for number, track in enumerate(midi.instruments)
        for n in track.notes
    ]
    tempos = [(float(t), float(q)) for t, q in zip(*midi.get_tempo_changes(), strict=True)]
    meters = [Meter(float(m.time), m.numerator, m.denominator) for m in midi.time_signature_changes]
    names = {number: track.name for number, track in enumerate(midi.instruments) if track.name}
    return _checked(_columns(rows), tempos, meters, names, None)


def _from_note_sequence(sequence: Any) -> Score:
    rows = [
        (n.start_time, n.end_time, n.pitch, n.velocity, n.instrument, n.program, n.is_drum)
        for n in sequence.notes
    ]
    tempos = [(t.time, t.qpm) for t in sequence.tempos]
    meters = [Meter(m.time, m.numerator, m.denominator) for m in sequence.time_signatures]
    names = {info.instrument: info.name for info in sequence.instrument_infos}
    return _checked(_columns(rows), tempos, meters, names, sequence.filename or None)


def _columns(rows: list[tuple[Any, ...]]) -> Notes:
    return Notes.of(*(np.array(column) for column in zip(*rows, strict=True))) if rows else NO_NOTES


def _checked(
    notes: Notes,
    tempos: list[tuple[float, float]],
    meters: list[Meter],
    names: dict[int, str],
    path: str | None,
) -> Score:
    """Build a score, its events in order of time; raise DataError if its notes cannot be used."""
    if not notes.start.size:
        raise DataError(
            "has no notes, or only notes of no length",
            path=path,
            remedy="give a MIDI file with notes in it",
        )
    if not (np.isfinite(notes.start).all() and np.isfinite(notes.end).all()):
        raise DataError("has notes at no finite time", path=path, remedy=_EXPORT)
    if notes.start.min() < 0:
        raise DataError("has notes before its beginning", path=path, remedy=_EXPORT)
    if (notes.end < notes.start).any():
        raise DataError("has notes that end before they start", path=path, remedy=_EXPORT)
    if notes.end.max() <= 0:
        raise DataError("has only notes of no length", path=path, remedy=_EXPORT)
    if notes.end.max() > MAX_SECONDS:
        text = f"is too long ({minutes(notes.end.max())}; at most {minutes(MAX_SECONDS)} are read)"
        raise DataError(text, path=path, remedy=_SHORTER)
    if not all(0 < tempo < float("inf") for _, tempo in tempos):
        raise DataError("has a tempo of 0 or infinity", path=path, remedy=_EXPORT)
    tempos.sort(key=lambda change: change[0])
    meters.sort(key=lambda meter: meter.time)
    return Score(notes, tuple(tempos), tuple(meters), names, path)
