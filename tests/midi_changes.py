"""MIDI files with events changed, in files whose lengths are right: what a wrong program writes."""

from __future__ import annotations

from collections.abc import Sequence

Event = tuple[int, bytes]
"""Ticks since the event before, and the bytes of an event."""

EVENTS = (
    b"\xff\x51\x03\x00\x00\x00", b"\xff\x51\x03\xff\xff\xff", b"\xff\x51\x03\x00\x00\x01",
    b"\xff\x51\x00", b"\xff\x51\x09" + b"\x07" * 9, b"\xff\x58\x04\x00\x00\x00\x00",
    b"\xff\x58\x04\xff\xff\xff\xff", b"\xff\x58\x04\x07\x04\x18\x08", b"\xff\x58\x02\x03\x02",
    b"\xff\x59\x02\x7f\x09", b"\xff\x59\x02\x80\x00", b"\xff\x59\x00", b"\xff\x2f\x00",
    b"\xff\x2f\x05abcde", b"\xff\x03\x04\xff\xfe\x1b[", b"\xff\x03\xff\xff\xff\x7f",
    b"\xf0\x05\x7e\x7f\x09\x01\xf7", b"\xf0\x40", b"\xf7\x02\xf8\xf8", b"\xf2\x01\x02", b"\xf8",
    b"\x90\x3c\x7f", b"\x90\x3c\x00", b"\x90\xff\x40", b"\x99\x24\x80", b"\x80\x3c\x40",
    b"\x3c\x40", b"\xff\x7e\x00",
    b"\xb0\x40\x7f", b"\xb0\x7b\x00", b"\xc0\xff", b"\xe0\x00\x7f", b"\x9f\x00\x01", b"\xd0",
)  # fmt: skip
"""Tempos, metres, keys and notes that are out of range, of the wrong length or out of place."""
TICKS = (0, 1, 127, 128, 16383, 1 << 20, (1 << 28) - 1, 1 << 28, 1 << 40)
DIVISIONS = (0, 1, 24, 480, 0x7FFF, 0x8000, 0xE250, 0xE878, 0xFFFF)


def number(value: int) -> bytes:
    """A number of variable length, which may have more than the four bytes of the standard."""
    found = bytes([value & 0x7F])
    while value := value >> 7:
        found = bytes([value & 0x7F | 0x80]) + found
    return found


def parts(data: bytes) -> tuple[int, list[list[Event]]]:
    """The division of a whole file, and the events of its tracks, without running status."""
    division, at, tracks = int.from_bytes(data[12:14], "big"), 14, []
    while data[at : at + 4] == b"MTrk":
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        tracks.append(_events(data[at + 8 : end]))
        at = end
    return division, tracks


def _events(data: bytes) -> list[Event]:
    found, at, status = [], 0, 0

    def variable() -> int:
        nonlocal at
        value = 0
        while True:
            at += 1
            value = value << 7 | data[at - 1] & 0x7F
            if not data[at - 1] & 0x80:
                return value

    while at < len(data):
        ticks = variable()
        if data[at] & 0x80:
            status, at = data[at], at + 1
        begin = at
        if status == 0xFF:
            at += 1
            length = variable()
        elif status in (0xF0, 0xF7):
            length = variable()
        else:
            length = 1 if status >> 4 in (0xC, 0xD) else 2
        at += length
        found.append((ticks, bytes([status]) + data[begin:at]))
    return found


def _moved(event: Event, channels: int) -> Event:
    ticks, (status, *rest) = event
    return ticks, bytes([status ^ channels if status < 0xF0 else status, *rest])


def written(division: int, tracks: Sequence[Sequence[Event]], kind: int = 1) -> bytes:
    """A file of some tracks."""
    head = kind.to_bytes(2, "big") + len(tracks).to_bytes(2, "big") + division.to_bytes(2, "big")
    found = b"MThd" + (6).to_bytes(4, "big") + head
    for track in tracks:
        body = b"".join(number(ticks) + event for ticks, event in track)
        found += b"MTrk" + len(body).to_bytes(4, "big") + body
    return found


def changed_events(data: bytes, changes: Sequence[tuple[int, float, int, int]]) -> bytes:
    """Return a whole file after some changes of its events; see `fuzzing.changed`."""
    division, tracks = parts(data)
    kind = 1
    for way, share, size, value in changes:
        track = tracks[value % len(tracks)] if tracks else []
        at = int(share * len(track))
        ticks, event = track[at] if track else (0, b"")
        new = EVENTS[(value + size) % len(EVENTS)]
        if way == 0 and track:  # a time that is far, or negative in some programs
            track[at] = (TICKS[value % len(TICKS)], event)
        elif way == 1:  # events in between
            track[at:at] = [(value % 7, new)] * (1 + size)
        elif way == 2 and track:
            track[at] = (ticks, new)
        elif way == 3:
            del track[at : at + 1 + size]
        elif way == 4:  # the same again, on another channel
            again = [
                (t, bytes([e[0] ^ value & 15 if e[0] < 0xF0 else e[0]]) + e[1:]) for t, e in track
            ]
            tracks += [again] * (1 + size % 4)
        elif way == 5:
            division, kind = DIVISIONS[value % len(DIVISIONS)], size % 4
        elif track:  # data bytes of an event, its status included
            place = size % len(event)
            track[at] = (ticks, event[:place] + bytes([value]) + event[place + 1 :])
    return written(division, tracks, kind)
