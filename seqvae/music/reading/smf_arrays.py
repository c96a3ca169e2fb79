"""The events of well-formed MIDI tracks, all tracks of a file at once, in arrays.

It gives what `smf` finds event by event, with a few operations on whole arrays; one short loop
remains, which walks through the tracks in strides of several events. For a file that is not
well-formed it returns None, and `smf` reports the error.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqvae.music.reading.smf_notes import pairs, programs_at, stable_order

META, SYSEX, SYSEX_GOES_ON = 0xFF, 0xF0, 0xF7
TRACK_NAME, INSTRUMENT_NAME, MARKER, END = 0x03, 0x04, 0x06, 0x2F
TEXT, LYRIC = 0x01, 0x05
TEMPO, TIME_SIGNATURE, KEY = 0x51, 0x58, 0x59
LONGEST_NUMBER = 4
"""Bytes of a variable-length number (a time, or the length of a message) at most."""

BEYOND = 8
"""Zeros appended to the file, so that events may be looked up beyond its end."""
STRIDE = 3
"""The walk goes 2^3 events at a time."""

IRREGULAR = 100
"""Marks in tables of lengths where no channel event is; such events are shorter."""
LENGTHS = np.full(256, IRREGULAR, np.uint8)
LENGTHS[:0x80] = 2  # running status, taken for that of an event with two data bytes
LENGTHS[0x80:0xF0] = 3
LENGTHS[0xC0:0xE0] = 2

IS_KEPT = np.zeros(256, bool)
IS_KEPT[[TEXT, LYRIC, TRACK_NAME, INSTRUMENT_NAME, MARKER, END]] = True
IS_KEPT[[TEMPO, TIME_SIGNATURE, KEY]] = True


class Meta(NamedTuple):
    """A meta event.

    Attributes:
        track: Index of its track.
        tick: Its time.
        event: Its index among the events of all tracks.
        kind: Its type, such as `TEMPO`.
        content: Its data.
    """

    track: int
    tick: int
    event: int
    kind: int
    content: bytes


class Events(NamedTuple):
    """All events of a file, track by track, each track in order.

    Attributes:
        track: Track of every event.
        tick: Its time.
        status: Its status byte, with running status filled in.
        value: The first data byte of a channel event.
        second: The second; of events that have only one it means nothing.
        metas: The meta events that are kept, in order.
        tracks: Number of tracks.
    """

    track: np.ndarray
    tick: np.ndarray
    status: np.ndarray
    value: np.ndarray
    second: np.ndarray
    metas: list[Meta]
    tracks: int

    @property
    def line(self) -> np.ndarray:
        """Track and channel of every event in one number; of channel events only."""
        return np.asarray(self.track * 16 + (self.status & 15))


class InstrumentNotes(NamedTuple):
    """Notes of all instruments, one instrument after the other, in the order of the notes' ends.

    Attributes:
        notes: on, off (ticks), pitch, velocity; int64 `(n, 4)`.
        sizes: Number of notes of every instrument; their first notes end in this order.
        tracks: Track of every instrument.
        programs: Program of every instrument.
        channels: Channel of every instrument.
        born: Index of the event that ends the first note of every instrument.
        metas: Names, tempos and time signatures in order.
    """

    notes: np.ndarray
    sizes: list[int]
    tracks: list[int]
    programs: list[int]
    channels: list[int]
    born: list[int]
    metas: list[Meta]


def read_tracks(data: bytes, spans: Sequence[tuple[int, int]]) -> InstrumentNotes | None:
    """Return the notes and meta events of a file, or None if a track is not well-formed.

    Args:
        data: The file.
        spans: Where the events of every track begin and end in it.
    """
    found = scan_tracks(data, spans)
    if found is None:
        return None
    events = np.flatnonzero(found.status >> 5 == 0b100)  # notes on and off
    status_of, value, second = found.status[events], found.value[events], found.second[events]
    if ((value | second) > 127).any():
        return None
    line = found.line[events]
    sounds = (status_of >= 0x90) & (second > 0)
    ticks, lines = found.tick[events], 16 * found.tracks
    on, off = pairs(line * 128 + value, lines * 128, sounds, ticks)

    changes = np.flatnonzero(found.status >> 4 == 0xC)
    places, programs = found.line[changes], found.value[changes]
    program = programs_at(places, changes, programs, line[off], events[off], lines)
    code = line[off] * 256 + program
    order = stable_order(code, lines * 256)
    begin = np.flatnonzero(np.diff(code[order], prepend=-1))
    groups = np.split(order, begin[1:])  # in each the notes of an instrument
    groups = sorted((group for group in groups if len(group)), key=lambda group: group[0])
    order = np.concatenate([order[:0], *groups])
    oldest = np.array([group[0] for group in groups], np.int64)
    born, named = events[off[oldest]], code[oldest]
    on, off = on[order], off[order]
    return InstrumentNotes(
        np.stack([ticks[on], ticks[off], value[on], second[on]], axis=1),
        [len(group) for group in groups],
        (named // 4096).tolist(),
        (named % 256).tolist(),
        (named // 256 % 16).tolist(),
        born.tolist(),
        found.metas,
    )


def scan_tracks(data: bytes, spans: Sequence[tuple[int, int]]) -> Events | None:
    """Return the events of a file, or None if a track is not well-formed.

    Data bytes above 127 are left to the caller. Arguments as for `read_tracks`.
    """
    content = np.frombuffer(data + bytes(BEYOND), np.uint8)
    begins = _walk(_successors(content, len(data) + 1, spans), spans)
    if begins is None:
        return None
    counts = np.diff(np.searchsorted(begins, [*(begin for begin, _ in spans), len(data) + 1]))
    track = np.repeat(np.arange(len(spans)), counts)

    # Ticks: the sum of the deltas since the beginning of the track.
    delta, place, _ = _numbers(content, begins)
    sums = np.concatenate([[0], np.cumsum(delta)])
    first = np.cumsum(counts) - counts
    tick = sums[1:] - np.repeat(sums[first], counts)

    status = content[place]
    is_system = status >= SYSEX
    metas = _metas(data, content, place, np.flatnonzero(is_system), track, tick)
    own = status >= 0x80
    if not own.all():  # running status: that of the last channel event before
        latest = np.maximum.accumulate(np.where(own & ~is_system, np.arange(len(own)), -1))
        if (~own & (latest < np.repeat(first, counts))).any():
            return None  # an event has no status
        status = np.where(own, status, status[latest])
        if (~own & (LENGTHS[status] != 3)).any():
            return None  # rare, and the table of successors does not handle it
        place += own
    else:
        place += 1
    return Events(track, tick, status, content[place], content[place + 1], metas, len(spans))


def _successors(content: np.ndarray, n: int, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return for every byte at which an event begins where the next one begins.

    For other bytes, and where a track ends, it is the byte's own index.
    """
    low, length = content < 0x80, LENGTHS[content]
    size = np.full(n, IRREGULAR, np.uint8)
    for time in range(LONGEST_NUMBER, 0, -1):  # bytes before the status
        size = np.where(low[time - 1 : n + time - 1], length[time : n + time] + time, size)
    after = np.arange(n)
    after += size
    last = np.arange(max(n - BEYOND, 0), n)
    after[last] = np.where(after[last] < n, after[last], last)

    # A meta event or a system message, or no event at all.
    irregular = np.flatnonzero(size >= IRREGULAR)
    status = irregular + (size[irregular] - IRREGULAR)
    kind = content[status]
    is_meta = kind == META
    number, text, endless = _numbers(content, status + 1 + is_meta)
    end = text + number
    known = (is_meta | (kind == SYSEX) | (kind == SYSEX_GOES_ON)) & (status > irregular) & (end < n)
    known[endless] = False
    after[irregular] = np.where(known, end, irregular)
    ends = [end for _, end in spans]
    after[ends] = ends
    return after


def _walk(after: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray | None:
    """Go from event to event, and return where they begin; None if a track has another end."""
    jumps = [after]
    for _ in range(STRIDE):
        jumps.append(jumps[-1][jumps[-1]])
    far = array("q", jumps.pop().tobytes())
    found = array("q")
    append = found.append
    for begin, end in spans:
        at, following = -1, begin
        while at != following:
            at = following
            append(at)
            following = far[at]
        if at != end:
            return None
    begins = np.frombuffer(found, np.int64)
    for jump in reversed(jumps):
        begins = np.stack([begins, jump[begins]], axis=1).reshape(-1)
    return np.asarray(begins[after[begins] != begins])


def _numbers(content: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read variable-length numbers, of seven bits a byte.

    Returns:
        The numbers; where they end; and the indices of those that are too long.
    """
    byte = content[at]
    value, end = (byte & 0x7F).astype(np.int64), at + 1
    more = np.flatnonzero(byte >= 0x80)
    for _ in range(LONGEST_NUMBER - 1):
        if not len(more):
            break
        byte = content[end[more]]
        value[more] = value[more] << 7 | byte & 0x7F
        end[more] += 1
        more = more[byte >= 0x80]
    return value, end, more


def _metas(
    data: bytes,
    content: np.ndarray,
    place: np.ndarray,
    systems: np.ndarray,
    track: np.ndarray,
    tick: np.ndarray,
) -> list[Meta]:
    """Return the meta events that are kept.

    Args:
        data: The file.
        content: Its bytes.
        place: Position of the status of every event.
        systems: Indices of the events that belong to no channel.
        track: Track of every event.
        tick: Time of every event.
    """
    at = place[systems]
    kept = (content[at] == META) & IS_KEPT[content[at + 1]]
    events, at = systems[kept], at[kept]
    size, text, _ = _numbers(content, at + 2)
    columns = (track[events], tick[events], events, content[at + 1], text, text + size)
    rows = np.stack(columns, axis=1).tolist()
    return [Meta(t, time, n, kind, data[begin:end]) for t, time, n, kind, begin, end in rows]
