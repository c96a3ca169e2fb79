"""The events of well-formed MIDI tracks, all tracks of a file at once, in arrays.

What `seqvae.smf` does event by event is done here with a few operations on whole arrays; one short
loop remains, which walks from event to event. Anything that is not as it should be is left to the
other, which knows what to say about it: here it is only None.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

META, SYSEX, SYSEX_GOES_ON = 0xFF, 0xF0, 0xF7
SIZES = np.array([2, 2, 2, 2, 1, 1, 2, 0])
"""Data bytes after the status bytes 0x80, 0x90, ... 0xE0."""
LONGEST_DELTA = 4

SPECIAL, END = -1, -2
"""In the table of successors: no channel event begins here, and a track ends here."""


class Meta(NamedTuple):
    """A meta event: its track, its tick, how many events of all tracks come before, its content."""

    track: int
    tick: int
    event: int
    kind: int
    content: bytes


class Voices(NamedTuple):
    """Notes of all instruments, in the order in which they end.

    Attributes:
        notes: on, off (ticks), pitch, velocity; int64 `(n, 4)`.
        voice: Index of every note's instrument, in order of their first notes' ends.
        tracks: Of every instrument, its track.
        programs: Of every instrument, its program.
        channels: Of every instrument, its channel.
        born: Of every instrument, the number of the event that ends its first note.
        metas: Meta events in order.
    """

    notes: np.ndarray
    voice: np.ndarray
    tracks: list[int]
    programs: list[int]
    channels: list[int]
    born: list[int]
    metas: list[Meta]


def read_tracks(data: bytes, spans: Sequence[tuple[int, int]]) -> Voices | None:
    """Return what the tracks of a file say, or None if one of them is not well-formed.

    Args:
        data: The file.
        spans: Where the events of every track begin and end in it.
    """
    content = np.frombuffer(data + bytes(8), np.uint8)
    n = len(data) + 1
    walked = _walk(data, _successors(content, n, spans), spans)
    if walked is None:
        return None
    begins, firsts, found = walked
    at = np.frombuffer(begins, np.int32).astype(np.int64)
    first = np.array([*firsts, len(at)], np.int64)
    track = np.repeat(np.arange(len(spans)), np.diff(first))

    # Ticks: the sum of the deltas since the beginning of the track.
    delta = np.zeros(len(at), np.int64)
    going_on = np.ones(len(at), bool)
    for _ in range(LONGEST_DELTA):
        byte = content[at]
        delta = np.where(going_on, delta << 7 | byte & 0x7F, delta)
        at += going_on
        going_on &= byte >= 0x80
    sums = np.concatenate([[0], np.cumsum(delta)])
    tick = sums[1:] - sums[first[track]]

    # The status of every channel event, its own or the last one's; `at` is where it says so.
    byte = content[at]
    channel_event = byte < SYSEX
    own = channel_event & (byte >= 0x80)
    number = np.arange(len(at))
    latest = np.maximum.accumulate(np.where(own, number, -1)) if len(at) else number
    if (channel_event & (latest < first[track])).any():
        return None  # an event has no status
    status = np.where(channel_event, byte[latest], 0) if len(at) else byte
    kind, channel = status >> 4, (status & 15).astype(np.int64)
    if (channel_event & ~own & (SIZES[kind & 7] != 2)).any():
        return None  # rare, and the table of successors does not know it
    at += own
    value, second = content[at].astype(np.int64), content[at + 1].astype(np.int64)
    is_note = (kind == 8) | (kind == 9)
    if (is_note & ((value > 127) | (second > 127))).any():
        return None

    metas = [Meta(int(track[e]), int(tick[e]), e, kind_, text) for e, kind_, text in found]
    events = np.flatnonzero(is_note)
    key = (track[events] * 16 + channel[events]) * 128 + value[events]
    sounds = (kind[events] == 9) & (second[events] > 0)
    on, off = (events[pair] for pair in _pairs(key, sounds, tick[events]))
    changes = np.flatnonzero(kind == 0xC)
    program = _programs(track * 16 + channel, changes, value[changes], off, len(at))
    voices = (track[off] * 256 + program) * 16 + channel[off]
    unique, newest, index = np.unique(voices, return_index=True, return_inverse=True)
    order = np.argsort(newest)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    named = unique[order]
    return Voices(
        np.stack([tick[on], tick[off], value[on], second[on]], axis=1),
        rank[index],
        (named // 4096).tolist(),
        (named // 16 % 256).tolist(),
        (named % 16).tolist(),
        off[newest[order]].tolist(),
        metas,
    )


def _successors(content: np.ndarray, n: int, spans: Sequence[tuple[int, int]]) -> array:
    """Return for every byte where the next event begins, if a channel event begins there."""
    low = content < 0x80
    # Where the status is, behind one to four bytes of time.
    place = np.arange(n, dtype=np.int32)
    status = place + 1
    more = ~low[:n]
    for offset in range(1, LONGEST_DELTA):
        status += more
        more = more & ~low[offset : n + offset]
    byte = content[np.minimum(status, n)]
    after = status + np.where(byte < 0x80, 2, SIZES[(byte >> 4) & 7] + 1).astype(np.int32)
    after[(byte >= SYSEX) | more | (after >= n)] = SPECIAL
    for _, end in spans:
        after[end] = END
    return array("i", after.tobytes())


def _walk(
    data: bytes, after: array, spans: Sequence[tuple[int, int]]
) -> tuple[array, list[int], list[tuple[int, int, bytes]]] | None:
    """Go from event to event.

    Returns:
        Where every event begins; the number of every track's first; and number, kind and content
        of meta events.
    """
    begins = array("i")
    firsts: list[int] = []
    metas: list[tuple[int, int, bytes]] = []
    append = begins.append
    for begin, end in spans:
        firsts.append(len(begins))
        at = begin
        while True:
            while at >= 0:
                append(at)
                at = after[at]
            last = begins[-1]
            if at == END:
                if last != end:
                    return None  # an event goes on behind the end of its track
                begins.pop()
                break
            # A meta event or a message to a system, or something that is none.
            status = _behind_number(data, last)
            if not 0 < status < end:
                return None
            kind = data[status]
            if kind not in (META, SYSEX, SYSEX_GOES_ON):
                return None
            length = status + (2 if kind == META else 1)
            text = _behind_number(data, length)
            if not 0 < text <= end:
                return None
            size = 0
            for byte in data[length:text]:
                size = size << 7 | byte & 0x7F
            at = text + size
            if at > end:
                return None
            if kind == META:
                metas.append((len(begins) - 1, data[status + 1], data[text:at]))
    return begins, firsts, metas


def _behind_number(data: bytes, at: int) -> int:
    """Return where a number of seven bits a byte ends, 0 if it does not."""
    for end in range(at, min(at + LONGEST_DELTA, len(data))):
        if data[end] < 0x80:
            return end + 1
    return 0


def _pairs(key: np.ndarray, sounds: np.ndarray, tick: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which event begins and which ends every note, in the order of the ends.

    A note off ends every note of its key but those that begin on the same tick. If it ends any,
    these sound on, until the next note off of a later tick; if it ends none, they are lost.
    """
    order = np.argsort(key, kind="stable")
    begins = np.flatnonzero(sounds[order])
    ends = np.flatnonzero(~sounds[order])
    following = np.searchsorted(ends, begins)
    begins, following = begins[following < len(ends)], following[following < len(ends)]
    ending = order[ends]
    on, off = order[begins], ending[following]
    same = key[on] == key[off]
    on, off, following = on[same], off[same], following[same]
    at_once = tick[on] == tick[off]
    if at_once.any():
        number = np.arange(len(ends))
        ends_some, leaves_some = np.zeros((2, len(ends)), bool)
        ends_some[following[~at_once]] = True
        leaves_some[following[at_once]] = True
        later = np.zeros(len(ends), bool)  # than the note off before, and of the same key
        later[1:] = (np.diff(key[ending]) == 0) & (np.diff(tick[ending]) > 0)
        # What one leaves sounding, the next one ends: so one after the other comes to end some.
        passed_on = later.copy()
        passed_on[1:] &= leaves_some[:-1]
        latest = np.maximum.accumulate(np.where(ends_some, number, -1))
        ends_some = latest >= np.maximum.accumulate(np.where(passed_on, -1, number))
        target = following + at_once
        within = np.minimum(target, len(ends) - 1)
        kept = ~at_once | (ends_some[following] & (target < len(ends)) & later[within])
        on, off = on[kept], ending[within[kept]]
    sorting = np.lexsort((on, off))
    return on[sorting], off[sorting]


def _programs(
    place: np.ndarray, changes: np.ndarray, values: np.ndarray, events: np.ndarray, count: int
) -> np.ndarray:
    """Return the program in force at events: the last change before on its channel, or 0."""
    if not len(changes):
        return np.zeros(len(events), np.int64)
    when = place[changes] * count + changes
    order = np.argsort(when)
    latest = np.searchsorted(when[order], place[events] * count + events) - 1
    known = (latest >= 0) & (place[changes[order[latest]]] == place[events])
    return np.where(known, values[order[latest]], 0)
