"""What a MIDI file says, as players understand it: all tracks together.

Tempo and metre count wherever they stand. An instrument is a channel of a track; programs belong to
notes, so that a change of program does not cut a line into two. Of overlapping notes of a pitch
each note off ends the oldest one; a note that nothing ends goes on to the end of its track.
`smf` reads files as pretty_midi does, and so as the reference system.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from seqvae.music.reading.smf import (
    DRUM_CHANNEL,
    CutOffError,
    MidiFile,
    TempoMap,
    check_division,
    spans_of,
)
from seqvae.music.reading.smf_arrays import (
    INSTRUMENT_NAME,
    KEY,
    LYRIC,
    MARKER,
    SYSEX,
    TEMPO,
    TEXT,
    TIME_SIGNATURE,
    TRACK_NAME,
    Events,
    Meta,
    scan_tracks,
)
from seqvae.music.reading.smf_damaged import CUT, MISSING, scan_damaged, told
from seqvae.music.reading.smf_notes import oldest_first, programs_at
from seqvae.music.reading.smf_texts import decoded

SILENCES = (120, 123)
"""Controllers that end all notes of their channel."""
HANGING = 64
"""A note that nothing ends goes on for so many quarters after the last event of a note, at most."""
ONE_PATTERN = 2
"""The format of files whose tracks are patterns of their own, each with its own time."""
_NEVER = np.iinfo(np.int64).max
_MAJOR = ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"]
_MINOR = ["Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#"]


class TrackFacts(NamedTuple):
    """An instrument of a file.

    Attributes:
        track: Index of its track; 0 is the first.
        channel: Its MIDI channel, 0..15.
        name: The track's name, or that of its instrument; "" if it has none.
        program: The program of its first note.
        is_drum: Whether its channel is that of drums.
    """

    track: int
    channel: int
    name: str = ""
    program: int = 0
    is_drum: bool = False


class Music(NamedTuple):
    """The content of a MIDI file, in ticks.

    Attributes:
        resolution: Ticks in a quarter note.
        notes: on, off, pitch, velocity, instrument, program; int64 `(n, 6)`, instrument by
            instrument, in order of their onsets.
        tempos: `(tick, microseconds per quarter)`, each different from the one before.
        meters: `(tick, numerator, denominator)`.
        keys: `(tick, name)`, such as "C" or "F# minor".
        markers: `(tick, text)`.
        words: The ticks where words of a song stand, in order; `.kar` files have them as text.
        tracks: The instruments, in order of track and channel.
        notices: What was not read as it is written.
        events: All events, of which these are made.
    """

    resolution: int
    notes: np.ndarray
    tempos: list[tuple[int, int]]
    meters: list[tuple[int, int, int]]
    keys: list[tuple[int, str]]
    markers: list[tuple[int, str]]
    words: list[int]
    tracks: list[TrackFacts]
    notices: list[str]
    events: Events

    def clock(self) -> TempoMap:
        """Return the conversion from ticks to seconds.

        Raises:
            ValueError: A tempo is infinite.
        """
        return MidiFile(self.resolution, self.tempos).clock()


def read_events(data: bytes) -> tuple[int, int, Events, Counter[str]]:
    """Return the format of a file, its ticks per quarter, its events, and what was skipped.

    Raises:
        CutOffError: It ends in its header.
        ValueError: It is no MIDI file.
        UnusableError: It does not count time in beats.
    """
    kind, tracks, division, first = header(data)
    spans = spans_of(data, first, tracks) if tracks else None
    found = None if spans is None else scan_tracks(data, spans)
    if found is None or _has_high_bytes(found):
        return kind, division, *scan_damaged(data, first, tracks)
    return kind, division, found, Counter()


def header(data: bytes) -> tuple[int, int, int, int]:
    """Return format, number of tracks and ticks per quarter, and where the first track begins.

    Raises:
        CutOffError: The file ends in its header.
        ValueError: It is no MIDI file.
        UnusableError: It does not count time in beats.
    """
    begin = data.find(b"MThd", 0, 256)
    if begin < 0:
        raise ValueError("it has no MIDI header")
    try:
        size, kind, tracks, division = struct.unpack_from(">IHHh", data, begin + 4)
    except struct.error:
        raise CutOffError("it ends in its header") from None
    check_division(division)
    return kind, tracks, division, begin + 8 + size


def read_music(data: bytes) -> Music:
    """Return what a MIDI file says.

    Raises:
        CutOffError: It ends before there is a note.
        ValueError: It is no MIDI file, or a broken one without a note.
    """
    kind, resolution, events, faults = read_events(data)
    notes, tracks = _notes(events, resolution)
    if not len(notes) and faults:
        fault = next(iter(faults))
        raise (CutOffError if fault in (CUT, MISSING) else ValueError)(fault)
    latest, end = (int(notes[:, column].max(initial=0)) for column in (0, 1))
    # Within a tick the order is that of the tracks, as when they are played together.
    metas = sorted(events.metas, key=lambda meta: meta.tick)
    first_only = kind == ONE_PATTERN
    timing = [m for m in metas if m.tick < end and not (first_only and m.track)]
    tempos = _changes(
        (m.tick, int.from_bytes(m.content[:3], "big"))
        for m in timing
        if m.kind == TEMPO and len(m.content) >= 3
        # Behind the last onset a tempo of 0 says that the music is over.
        if m.tick <= latest or any(m.content[:3])
    )
    meters = _changes(
        (m.tick, m.content[0], 1 << m.content[1])
        for m in timing
        if m.kind == TIME_SIGNATURE and len(m.content) >= 2 and m.content[0] and m.content[1] < 8
    )
    keys = [(m.tick, _key(m.content)) for m in metas if m.kind == KEY]
    markers = [(m.tick, decoded(m.content)) for m in metas if m.kind == MARKER]
    notices = [f"is not quite a legal MIDI file: skipped {told(faults)}"] if faults else []
    return Music(
        resolution,
        notes,
        [(tick, tempo) for tick, tempo in tempos],
        [(tick, above, below) for tick, above, below in meters],
        [(tick, key) for tick, key in keys if key],
        markers,
        sorted({m.tick for m in metas if m.kind in (LYRIC, TEXT) and m.tick > 0}),
        tracks,
        notices,
        events,
    )


def _has_high_bytes(events: Events) -> bool:
    """Return whether a data byte of a channel event is above 127."""
    status, value, second = events.status, events.value, events.second
    both = (value | second) > 127
    high = np.where(status >> 5 == 0b110, value > 127, both) & (status < SYSEX)
    return bool(high.any())


def _changes(changes: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the last change of every tick, without those that change nothing."""
    found: list[tuple[int, ...]] = []
    for change in {each[0]: each for each in changes}.values():
        if not found or change[1:] != found[-1][1:]:
            found.append(change)
    return found


def _key(content: bytes) -> str:
    if len(content) < 2 or not -7 <= (sharps := struct.unpack("b", content[:1])[0]) <= 7:
        return ""
    return f"{_MINOR[sharps + 7]} minor" if content[1] else _MAJOR[sharps + 7]


def _notes(events: Events, resolution: int) -> tuple[np.ndarray, list[TrackFacts]]:
    """Return the notes as of `Music`, and the instruments."""
    index = np.flatnonzero(events.status >> 5 == 0b100)
    if not len(index):
        return np.zeros((0, 6), np.int64), []
    line, pitch, tick = events.line[index], events.value[index], events.tick[index]
    sounds = (events.status[index] >= 0x90) & (events.second[index] > 0)
    key, lines = line * 128 + pitch, 16 * events.tracks
    on, off, hanging = oldest_first(key, lines * 128, sounds)
    begin = np.concatenate([on, hanging])
    onset = tick[begin]
    end = np.concatenate([tick[off], _ends(events, index[hanging], int(tick.max()), resolution)])
    drums = line[begin] % 16 == DRUM_CHANNEL
    # A drum that is never ended, or a note of no length, lasts a sixteenth, or to the next one.
    short = end <= onset
    short[len(on) :] |= drums[len(on) :]
    if short.any():
        brief = begin[short]
        following = _next(key[sounds], tick[sounds], key[brief], tick[brief])
        end[short] = np.minimum(onset[short] + max(1, resolution // 4), following)
    program = _programs(events, index[begin], lines)
    order = np.lexsort((begin, onset, line[begin]))
    used, instrument = np.unique(line[begin], return_inverse=True)
    columns = (onset, end, pitch[begin], events.second[index][begin], instrument, program)
    notes = np.stack(columns, axis=1).astype(np.int64)[order]
    first = np.searchsorted(notes[:, 4], np.arange(len(used)))
    names = _names(events.metas)
    facts = [
        TrackFacts(n // 16, n % 16, names.get(n // 16, ""), program, n % 16 == DRUM_CHANNEL)
        for n, program in zip(used.tolist(), notes[first, 5].tolist(), strict=True)
    ]
    return notes, facts


def _names(metas: Iterable[Meta]) -> dict[int, str]:
    """Return the name of every track that has one, or else that of its instrument."""
    names: dict[int, str] = {}
    for kind in (TRACK_NAME, INSTRUMENT_NAME):
        for meta in metas:
            text = decoded(meta.content) if meta.kind == kind else ""
            if text:
                names.setdefault(meta.track, text)
    return names


def _ends(events: Events, hanging: np.ndarray, latest: int, resolution: int) -> np.ndarray:
    """Return where notes end that no note off of their track ends.

    It is where their channel begins the pitch again, where another track ends it, where all notes
    of the channel are ended, or where their track ends.
    """
    last = np.searchsorted(events.track, events.track[hanging], side="right") - 1
    end = np.asarray(np.minimum(events.tick[last], latest + HANGING * resolution))
    if not len(hanging):
        return end
    kind = events.status >> 4
    sounds = (kind == 9) & (events.second > 0)
    offs = np.flatnonzero(((kind == 8) | (kind == 9)) & ~sounds)
    pitch = (events.status & 15).astype(np.int64) * 128 + events.value
    for track in np.unique(events.track[hanging]).tolist():
        own = np.flatnonzero(events.track[hanging] == track)
        again = np.flatnonzero(sounds & (events.track == track))
        some = np.concatenate([again, offs[events.track[offs] != track]])
        notes = hanging[own]
        following = _next(pitch[some], events.tick[some], pitch[notes], events.tick[notes])
        end[own] = np.minimum(end[own], following)
    stops = np.flatnonzero((kind == 0xB) & np.isin(events.value, SILENCES))
    for stop in stops.tolist():
        stopped = (events.line[hanging] == events.line[stop]) & (hanging < stop)
        end[stopped] = np.minimum(end[stopped], events.tick[stop])
    return end


def _next(keys: np.ndarray, ticks: np.ndarray, wanted: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the first tick after some others at which a wanted key is, `_NEVER` if there is none.

    Args:
        keys: Keys in any order.
        ticks: Where they are.
        wanted: The wanted keys.
        after: Ticks, one for each of these.
    """
    beyond = int(max(ticks.max(initial=0), after.max(initial=0))) + 1
    places = np.append(np.sort(keys * (beyond + 1) + ticks), -1)
    found = places[np.searchsorted(places[:-1], wanted * (beyond + 1) + after, side="right")]
    return np.where(found // (beyond + 1) == wanted, found % (beyond + 1), _NEVER)


def _programs(events: Events, begin: np.ndarray, lines: int) -> np.ndarray:
    """Return the program at some onsets: the last one of their channel in their own track.

    Where the track has none before, it is the last one of the channel in any track, preferably in
    one without notes on it; or 0.
    """
    changes = np.flatnonzero(events.status >> 4 == 0xC)
    program = np.zeros(len(begin), np.int64)
    if not len(changes):
        return program
    line = events.line[begin]
    places, values = events.line[changes], events.value[changes].astype(np.int64)
    program = programs_at(places, changes, values + 1, line, begin, lines)
    silent = ~np.isin(places, line)
    for number in np.unique(line[program == 0]).tolist():
        own = places % 16 == number % 16
        same = np.flatnonzero(own & silent if (own & silent).any() else own)
        same = same[np.argsort(events.tick[changes[same]], kind="stable")]
        without = np.flatnonzero((line == number) & (program == 0))
        at = np.searchsorted(events.tick[changes[same]], events.tick[begin[without]], side="right")
        program[without] = np.where(at > 0, values[same[at - 1]] + 1, 0) if len(same) else 0
    return np.asarray(np.maximum(program - 1, 0))
