"""MIDI files made for tests, event by event."""

from __future__ import annotations

import struct

import mido


def midi_file(path, *tracks, ticks=480, kind=1):
    """Write a MIDI file from lists of mido messages."""
    midi = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    midi.tracks.extend(mido.MidiTrack(track) for track in tracks)
    midi.save(path)
    return path


def note(pitch, on, length, channel=0):
    return [
        mido.Message("note_on", note=pitch, velocity=90, time=on, channel=channel),
        mido.Message("note_off", note=pitch, time=length, channel=channel),
    ]


def raw_file(path, events, ticks=480, announced=None):
    size = len(events) if announced is None else announced
    header = b"MThd" + struct.pack(">IHHh", 6, 0, 1, ticks)
    path.write_bytes(header + b"MTrk" + struct.pack(">I", size) + events)
    return path
