"""Reading tracks as arrays gives what reading them event by event gives, for any bytes at all."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqvae.music.reading import smf
from seqvae.music.reading.smf import MidiFile


def told(data: bytes, monkeypatch: pytest.MonkeyPatch | None = None) -> object:
    """Return all that a file says, or what is wrong with it."""
    try:
        midi = MidiFile.parse(data)
    except ValueError as error:
        return type(error).__name__, str(error)
    tracks = [(t.program, t.is_drum, t.name, t.notes.tolist()) for t in midi.instruments]
    return midi.ticks_per_quarter, midi.tempos, midi.meters, tracks


def both(data: bytes) -> tuple[object, object]:
    fast = told(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smf, "read_tracks", lambda *_: None)
        return fast, told(data)


def file_of(*tracks: bytes) -> bytes:
    chunks = b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)
    return b"MThd" + struct.pack(">IHHh", 6, 1, len(tracks), 96) + chunks


# Few keys and small steps, so that notes of all kinds meet: zero length, overlapping, never ended.
event = st.one_of(
    st.builds(
        lambda kind, channel, pitch, velocity: bytes([kind << 4 | channel, pitch, velocity]),
        st.sampled_from([8, 9, 9]), st.sampled_from([0, 9]), st.sampled_from([60, 61]),
        st.sampled_from([0, 64, 127]),
    ),
    st.builds(lambda pitch: bytes([pitch, 50]), st.sampled_from([60, 61])),  # running status
    st.sampled_from([b"\xc0\x00", b"\xc0\x07", b"\xc9\x7f", b"\xc0\xff"]),
    st.sampled_from([b"\xe0\x00\x40", b"\xb0\x07\x64", b"\xd0\x10", b"\xf0\x01a", b"\xf7\x00"]),
    st.sampled_from([b"\xff\x03\x02ab", b"\xff\x51\x03\x07\xa1\x20"]),
    st.just(b"\xff\x58\x04\x03\x02\x18\x08"),
    st.sampled_from([b"\xff\x51\x01\x07", b"\xff\x58\x00", b"\xf1\x00", b"\x90\x80\x10"]),
)  # fmt: skip
delta = st.sampled_from([b"\x00", b"\x00", b"\x00", b"\x05", b"\x81\x00", b"\x80\x80\x80\x01"])
track = st.lists(st.tuples(delta, event), max_size=40).map(
    lambda events: b"".join(time + what for time, what in events)
)


@settings(max_examples=150, deadline=None)
@given(st.lists(track, min_size=1, max_size=3))
@example([b"\x00\x90\x3c\x40\x00\x3c\x00\x05\x3c\x40\x00\x3c\x00\x05\x3c\x00"])
@example([b"\x00\x90\x3c\x40\x05\x3c\x40\x00\x3c\x00\x00\x3c\x00\x05\x3c\x00"])
def test_any_tracks(tracks):
    fast, slow = both(file_of(*tracks))
    assert fast == slow


@settings(max_examples=120, deadline=None)
@given(st.lists(track, min_size=1, max_size=2), st.data())
def test_any_damage(tracks, data):
    content = bytearray(file_of(*tracks))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(8, len(content) - 1))
        content[place] = data.draw(
            st.sampled_from([0, 1, 0x3C, 0x7F, 0x80, 0x90, 0xC0, 0xF0, 0xFF])
        )
    cut = data.draw(st.integers(8, len(content)))
    fast, slow = both(bytes(content[:cut]))
    assert fast == slow


def test_well_formed_files_take_the_short_way(examples: Path):
    for path in examples.glob("*.mid"):
        data = path.read_bytes()
        spans = smf.spans_of(data, 14, int.from_bytes(data[10:12], "big"))
        assert smf.read_tracks(data, spans) is not None
        fast, slow = both(data)
        assert fast == slow
