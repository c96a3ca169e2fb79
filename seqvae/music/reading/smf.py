"""A reader of standard MIDI files that keeps notes, tempos, meters and track names only.

Notes and instruments are those of pretty_midi (tempo and meter come from the first track; an
instrument is a program on a channel of a track, numbered in the order in which their first notes
end), but it works on the bytes: several times faster, and its memory is bounded by the file's size,
however long the music is said to be.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from seqvae.music.reading.smf_arrays import (
    META,
    SYSEX,
    SYSEX_GOES_ON,
    TEMPO,
    TIME_SIGNATURE,
    TRACK_NAME,
    InstrumentNotes,
    read_tracks,
)

DRUM_CHANNEL = 9
# Data bytes after the status bytes 0x80, 0x90, ... 0xE0.
DATA_BYTES = (2, 2, 2, 2, 1, 1, 2)


class CutOffError(ValueError):
    """The file ends before the end that its header gives."""


class UnusableError(ValueError):
    """The file is as it should be, but its time is of a kind that has no bars."""


class SmfTrack(NamedTuple):
    """One instrument: a program on a channel of a track.

    Notes are on, off (ticks), pitch and velocity, int64 `(n, 4)`, in the order of their ends.
    """

    program: int
    is_drum: bool
    name: str
    notes: np.ndarray


@dataclass
class MidiFile:
    """The content of a MIDI file, in ticks.

    Attributes:
        ticks_per_quarter: Resolution.
        tempos: `(tick, microseconds per quarter)` of the first track.
        meters: `(tick, numerator, denominator)` of the first track.
        instruments: In the order in which their first notes end.
    """

    ticks_per_quarter: int
    tempos: list[tuple[int, int]] = field(default_factory=list)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    instruments: list[SmfTrack] = field(default_factory=list)

    @classmethod
    def parse(cls, data: bytes) -> MidiFile:
        """Read the bytes of a MIDI file.

        Raises:
            CutOffError: The data ends too early.
            ValueError: The data is no MIDI file or a broken one.
        """
        begin = data.find(b"MThd", 0, 256)  # RIFF and MacBinary files put a header before it
        if begin < 0:
            raise ValueError("it has no MIDI header")
        try:
            size, _, tracks, division = struct.unpack_from(">IHHh", data, begin + 4)
        except struct.error:
            raise CutOffError("it ends in its header") from None
        check_division(division)
        midi = cls(division)
        first = begin + 8 + size
        spans = spans_of(data, first, tracks)
        found = None if spans is None else read_tracks(data, spans)
        if found is not None and midi._take(found):
            return midi
        return cls(division)._read_events(data, first, tracks)

    def _take(self, found: InstrumentNotes) -> bool:
        """Store the instruments and the first track's tempos and meters; False if one is broken."""
        names: dict[int, list[tuple[int, str]]] = {}
        for meta in found.metas:
            content = meta.content
            if meta.kind == TRACK_NAME:
                names.setdefault(meta.track, []).append((meta.event, content.decode("latin1")))
            elif meta.track == 0 and meta.kind == TEMPO:
                if len(content) < 3:
                    return False
                self.tempos.append((meta.tick, int.from_bytes(content[:3], "big")))
            elif meta.track == 0 and meta.kind == TIME_SIGNATURE:
                if len(content) < 2:
                    return False
                self.meters.append((meta.tick, content[0], 1 << content[1]))
        begin = 0
        columns = found.sizes, found.tracks, found.programs, found.channels, found.born
        for size, track, program, channel, born in zip(*columns, strict=True):
            notes, begin = found.notes[begin : begin + size], begin + size
            name = ""
            for event, text in names.get(track, ()):
                if event < born:
                    name = text
            self.instruments.append(SmfTrack(program, channel == DRUM_CHANNEL, name, notes))
        return True

    def _read_events(self, data: bytes, at: int, tracks: int) -> MidiFile:
        """Read the tracks event by event; errors are raised as by `parse`."""
        number = 0
        while number < tracks:
            if at + 8 > len(data):
                raise CutOffError(f"it ends after {number} of its {tracks} tracks")
            kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
            at += 8
            if kind == b"MTrk":
                if at + size > len(data):
                    raise CutOffError(f"it ends in the middle of track {number + 1} of {tracks}")
                try:
                    self._read_track(data[at : at + size], first=number == 0)
                except IndexError:
                    raise ValueError(f"track {number + 1} ends within an event") from None
                number += 1
            at += size
        return self

    def _read_track(self, data: bytes, first: bool) -> None:
        """Read the events of one track; an IndexError means that it ends within one."""
        sounding: dict[tuple[int, int], list[tuple[int, int]]] = {}
        instruments: dict[tuple[int, int], tuple[str, list[tuple[int, int, int, int]]]] = {}
        programs = [0] * 16
        name = ""
        tick = at = status = 0
        while at < len(data):
            delta, at = _variable_length(data, at)
            tick += delta
            byte = data[at]
            if byte >= SYSEX:
                if byte not in (META, SYSEX, SYSEX_GOES_ON):
                    raise ValueError(f"a message {byte:#x} does not belong in a file")
                kind = data[at + 1] if byte == META else None
                size, at = _variable_length(data, at + (2 if byte == META else 1))
                content = data[at : at + size]
                at += size
                if kind == TRACK_NAME:
                    name = content.decode("latin1")
                elif kind == TEMPO and first:
                    self.tempos.append((tick, content[0] << 16 | content[1] << 8 | content[2]))
                elif kind == TIME_SIGNATURE and first:
                    self.meters.append((tick, content[0], 1 << content[1]))
                continue
            if byte >= 0x80:
                status = byte
                at += 1
            elif not status:
                raise ValueError("an event has no status")
            kind, channel = status >> 4, status & 15
            value = data[at]
            if kind == 0xC:
                programs[channel] = value
            elif kind in (8, 9):
                key, velocity = (channel, value), data[at + 1]
                if value > 127 or velocity > 127:
                    raise ValueError("a note has a number above 127")
                if kind == 9 and velocity:
                    sounding.setdefault(key, []).append((tick, velocity))
                elif key in sounding:
                    # A note off ends every note of its key but those that begin on the same tick.
                    begun = sounding.pop(key)
                    ended = [note for note in begun if note[0] != tick]
                    for start, loudness in ended:
                        instrument = (programs[channel], channel)
                        _, notes = instruments.setdefault(instrument, (name, []))
                        notes.append((start, tick, value, loudness))
                    if ended and len(ended) < len(begun):
                        sounding[key] = [note for note in begun if note[0] == tick]
            at += DATA_BYTES[kind - 8]
        self.instruments += [
            SmfTrack(program, channel == DRUM_CHANNEL, its_name, np.array(notes, np.int64))
            for (program, channel), (its_name, notes) in instruments.items()
        ]

    def clock(self) -> TempoMap:
        """Return the conversion from ticks to seconds.

        Raises:
            ValueError: A tempo is infinite.
        """
        scales = [(0, 60.0 / (120.0 * self.ticks_per_quarter))]
        for tick, tempo in self.tempos:
            if tempo == 0:
                raise ValueError("a tempo is infinite")
            scale = 60.0 / ((6e7 / tempo) * self.ticks_per_quarter)
            if tick == 0:
                scales = [(0, scale)]
            elif scale != scales[-1][1]:
                scales.append((tick, scale))
        return TempoMap(scales, self.ticks_per_quarter)


def check_division(division: int) -> None:
    """Raise UnusableError if a file does not count time in beats."""
    if division < 0:
        raise UnusableError("it counts time in film frames (SMPTE), not in beats")
    if division == 0:
        raise UnusableError("its header says that a quarter note has 0 ticks, so it has no time")


class TempoMap:
    """Converts ticks to seconds under tempo changes, rounding as pretty_midi does."""

    def __init__(self, scales: list[tuple[int, float]], ticks_per_quarter: int) -> None:
        self.ticks = np.array([tick for tick, _ in scales])
        self.scales = np.array([scale for _, scale in scales])
        self.seconds = np.zeros(len(scales))
        for k in range(1, len(scales)):
            span = self.scales[k - 1] * (self.ticks[k] - self.ticks[k - 1])
            self.seconds[k] = self.seconds[k - 1] + span
        self.tempos = 60.0 / (self.scales * ticks_per_quarter)

    def __call__(self, ticks: np.ndarray) -> np.ndarray:
        """Return the time of every tick in seconds."""
        k = np.searchsorted(self.ticks, ticks, side="right") - 1
        return np.asarray(self.seconds[k] + self.scales[k] * (ticks - self.ticks[k]))


def spans_of(data: bytes, at: int, tracks: int) -> list[tuple[int, int]] | None:
    """Return where the events of every track begin and end; None if the file ends before."""
    spans: list[tuple[int, int]] = []
    while len(spans) < tracks:
        if at + 8 > len(data):
            return None
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk":
            if at + 8 + size > len(data):
                return None
            spans.append((at + 8, at + 8 + size))
        at += 8 + size
    return spans


def _variable_length(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length number, of seven bits a byte, and where it ends."""
    value = 0
    for offset in range(4):
        byte = data[at + offset]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + offset + 1
    raise ValueError("a time is longer than four bytes")
