"""MIDI files made note by note, without this project's own writer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

Notes = Sequence[tuple[float, float, int]]
"""Start and end in quarter notes, and pitch."""


def write_notes(
    path: Path, notes: Notes, *, drums: bool = False, meter: tuple[int, int] = (4, 4)
) -> Path:
    """Write a MIDI file at 120 bpm."""
    from mido import Message, MetaMessage, MidiFile, MidiTrack

    file = MidiFile(ticks_per_beat=480)
    track = MidiTrack()
    file.tracks.append(track)
    events = [(0, MetaMessage("time_signature", numerator=meter[0], denominator=meter[1]))]
    for start, end, pitch in notes:
        channel = 9 if drums else 0
        on = Message("note_on", note=pitch, velocity=90, channel=channel)
        off = Message("note_off", note=pitch, channel=channel)
        events += [(round(start * 480), on), (round(end * 480), off)]
    now = 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    file.save(path)
    return path
