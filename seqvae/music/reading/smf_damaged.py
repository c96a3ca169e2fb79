"""The events of MIDI files that are not quite legal, as far as players read them.

What cannot be an event is skipped and counted, a track that is cut off is read up to there, and a
track whose length is wrong up to the next one. It is slow, and used where `smf_arrays` refuses.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from seqvae.music.reading.smf_arrays import (
    END,
    IS_KEPT,
    META,
    SYSEX,
    SYSEX_GOES_ON,
    Events,
    Meta,
)

DATA_BYTES = (2, 2, 2, 2, 1, 1, 2)
"""Data bytes after the status bytes 0x80, 0x90, ... 0xE0."""
_OF_SYSTEM = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_LONGEST = 0x0FFFFFFF

# What may be wrong: as a reason, and as what is counted ("3 events with ...").
NUMBER, PROGRAM = "a note has a number above 127", "a program has a number above 127"
FOREIGN, STATUS = "a message does not belong in a file", "an event has no status"
LONG, CUT = "a time is longer than four bytes", "a track ends within an event"
MISSING, LENGTH = "it has fewer tracks than it says", "a track has another length than it says"
VALUE = "a setting has a number above 127"
_COUNTED = {
    NUMBER: ("note event with a number above 127", "note events with a number above 127"),
    PROGRAM: ("program above 127", "programs above 127"),
    VALUE: ("setting above 127", "settings above 127"),
    FOREIGN: ("message that does not belong in a file", "messages that do not belong in a file"),
    STATUS: ("byte that is no event", "bytes that are no events"),
    LONG: ("time of more than four bytes", "times of more than four bytes"),
    CUT: ("end of a track that is cut off", "ends of tracks that are cut off"),
    MISSING: ("track that is missing", "tracks that are missing"),
    LENGTH: ("wrong length of a track", "wrong lengths of tracks"),
}


def told(faults: Counter[str]) -> str:
    """Return what was skipped in words ("3 programs above 127 and 1 byte that is no event")."""
    parts = [f"{count} {_COUNTED[fault][count != 1]}" for fault, count in faults.items()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


class _Rows:
    """The columns of `Events` while they are collected."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.metas: list[Meta] = []

    def events(self, tracks: int) -> Events:
        table = np.array(self.rows, np.int64).reshape(-1, 5)
        track, tick, status, value, second = table.T
        return Events(track, tick, status, value, second, self.metas, tracks)


def scan_damaged(data: bytes, at: int, tracks: int) -> tuple[Events, Counter[str]]:
    """Return what can be read of a file, and what was skipped.

    Args:
        data: The file.
        at: Where its first track begins.
        tracks: How many tracks its header says that there are; 0 for as many as there are.
    """
    rows, faults, number = _Rows(), Counter[str](), 0
    while not tracks or number < tracks:
        begin = data.find(b"MTrk", at)
        if begin < 0 or begin + 8 > len(data):
            break
        end = begin + 8 + int.from_bytes(data[begin + 4 : begin + 8], "big")
        following = data.find(b"MTrk", begin + 8)
        is_last = following < 0
        if end > len(data) or (not is_last and end != following and not _is_chunk(data, end)):
            fault = CUT if is_last else LENGTH
            faults[fault] += 1
            end = len(data) if is_last else following
        _scan_track(data, begin + 8, end, number, rows, faults)
        at, number = end, number + 1
    if number < tracks:
        faults[MISSING] += tracks - number
    return rows.events(number), faults


def _is_chunk(data: bytes, at: int) -> bool:
    """Return whether another chunk begins somewhere."""
    return data[at : at + 4].isalnum() and len(data) >= at + 8


def _scan_track(
    data: bytes, at: int, end: int, number: int, rows: _Rows, faults: Counter[str]
) -> None:
    """Read the events of a track."""
    tick = status = 0
    ended: tuple[int, int, Counter[str]] | None = None
    try:
        while at < end:
            delta, at = _number(data, at, end, faults)
            tick += delta
            byte = data[at]
            if byte < 0x80 and not status:
                begin = at
                while at < end and data[at] < 0x80:
                    at += 1
                faults[STATUS] += at - begin
                if at == end:
                    break
                byte = data[at]
            if byte >= SYSEX:
                at = _scan_system(data, at, end, (number, tick), rows, faults)
                if ended is None and rows.metas and rows.metas[-1].kind == END:
                    ended = len(rows.rows), len(rows.metas), Counter(faults)
                continue
            if byte >= 0x80:
                status = byte
                at += 1
            kind, size = status >> 4, DATA_BYTES[(status >> 4) - 8]
            if at + size > end:
                raise IndexError
            value, second = data[at], data[at + size - 1]
            at += size
            if kind in (8, 9) and value < 0x80:
                if second > 127:  # a buggy program's loudest
                    faults[NUMBER] += 1
                    second = 127
            elif (value | second) > 127:
                faults[NUMBER if kind < 10 else PROGRAM if kind == 0xC else VALUE] += 1
                continue
            rows.rows.append((number, tick, status, value, second))
    except IndexError:
        faults[CUT] = max(faults[CUT], 1)
    if ended is not None and faults != ended[2]:
        # Behind the end of a track there may be anything: it counts only if it is well-formed.
        del rows.rows[ended[0] :], rows.metas[ended[1] :]
        faults.clear()
        faults.update(ended[2])


def _scan_system(
    data: bytes, at: int, end: int, place: tuple[int, int], rows: _Rows, faults: Counter[str]
) -> int:
    """Read a meta event or a system message, and return where it ends."""
    byte, is_meta = data[at], data[at] == META
    if byte not in (META, SYSEX, SYSEX_GOES_ON):
        faults[FOREIGN] += 1
        return at + 1 + _OF_SYSTEM.get(byte, 0)
    kind = data[at + 1] if is_meta else 0
    size, text = _number(data, at + 1 + is_meta, end, faults)
    if text + size > end:
        closed = data.find(SYSEX_GOES_ON, at + 1, end)
        if is_meta or closed < 0:
            raise IndexError
        faults[FOREIGN] += 1  # a message without its length
        return closed + 1
    number, tick = place
    if is_meta and IS_KEPT[kind]:
        content = data[text : text + size]
        rows.metas.append(Meta(number, tick, len(rows.rows), kind, content))
    rows.rows.append((number, tick, byte, kind, 0))
    return text + size


def _number(data: bytes, at: int, end: int, faults: Counter[str]) -> tuple[int, int]:
    """Return a variable-length number, of seven bits a byte, and where it ends."""
    value, begin = 0, at
    while at < end:
        byte = data[at]
        value = (value << 7 | byte & 0x7F) & _LONGEST
        at += 1
        if at - begin == 5:
            faults[LONG] += 1
        if byte < 0x80:
            return value, at
    raise IndexError
