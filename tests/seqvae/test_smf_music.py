"""What a MIDI file says as players understand it, against a plain loop over its events."""

from __future__ import annotations

import struct
from collections import defaultdict, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_smf_arrays import file_of, track

from seqvae.music.reading import smf_music
from seqvae.music.reading.clock import stretches
from seqvae.music.reading.smf_arrays import Events
from seqvae.music.reading.smf_damaged import scan_damaged
from seqvae.music.reading.smf_music import read_events, read_music


def paired(events: Events) -> tuple[list[tuple], list[tuple]]:
    """Return the notes that are ended, and the onsets of those that are not, event by event."""
    sounding: dict[tuple, deque] = defaultdict(deque)
    ended, begun = [], []
    columns = (events.track, events.tick, events.status, events.value, events.second)
    for number, tick, status, pitch, velocity in zip(*(c.tolist() for c in columns), strict=True):
        key = (number, status & 15, pitch)
        if status >> 4 == 9 and velocity:
            sounding[key].append((tick, velocity))
        elif status >> 4 in (8, 9) and sounding[key]:
            onset, loudness = sounding[key].popleft()
            ended.append((*key, onset, tick, loudness))
    for key, left in sounding.items():
        begun += [(*key, *each) for each in left]
    return ended, begun


@settings(max_examples=120, deadline=None)
@given(st.lists(track, min_size=1, max_size=3))
def test_notes_are_paired_oldest_first_and_none_is_lost(tracks):
    data = file_of(*tracks)
    events = read_events(data)[2]
    ended, begun = paired(events)
    if not ended and not begun:
        return
    music = read_music(data)
    lines = [(fact.track, fact.channel) for fact in music.tracks]
    ours = [
        (*lines[number], pitch, on, off, velocity)
        for on, off, pitch, velocity, number, _ in music.notes.tolist()
    ]
    assert len(ours) == len(ended) + len(begun)
    lasting = {note for note in ended if note[4] > note[3]}
    assert lasting <= set(ours)
    assert set(begun) <= {(*note[:4], note[5]) for note in ours}
    assert all(off > on for _, _, _, on, off, _ in ours)


@settings(max_examples=100, deadline=None)
@given(st.lists(track, min_size=1, max_size=3))
def test_the_slow_way_finds_the_same_events(tracks):
    """In a file without faults; of the others nothing is known but that they are read."""
    data = file_of(*tracks)
    slow, faults = scan_damaged(data, 14, len(tracks))
    _, _, fast, found = read_events(data)
    assert faults == found
    if not faults:
        sounds = slow.status < 0xF0
        assert np.array_equal(sounds, fast.status < 0xF0)
        for name in ("track", "tick", "status"):
            assert np.array_equal(getattr(slow, name), getattr(fast, name)), name
        assert np.array_equal(slow.value[sounds], fast.value[sounds])
        assert [meta[:2] + meta[3:] for meta in slow.metas] == [
            meta[:2] + meta[3:] for meta in fast.metas
        ]


def read(*tracks: bytes) -> smf_music.Music:
    return read_music(file_of(*tracks))


ON, OFF = b"\x00\x90\x3c\x40", b"\x60\x80\x3c\x40"
NOTE = ON + OFF


def notes(music: smf_music.Music) -> list[tuple[int, ...]]:
    return [tuple(row) for row in music.notes[:, :4].tolist()]


def test_tempo_meter_key_and_markers_of_all_tracks_count():
    music = read(
        b"\x00\xff\x03\x04Song",
        b"\x00\xff\x03\x04Lead\x00\xff\x51\x03\x03\xfa\xfe\x00\xff\x58\x04\x03\x02\x18\x08" + NOTE,
        b"\x00\xff\x59\x02\xfd\x01\x00\xff\x06\x05Verse" + NOTE,
    )
    assert music.tempos == [(0, 260_862)]
    assert music.meters == [(0, 3, 4)]
    assert music.keys == [(0, "C minor")]
    assert music.markers == [(0, "Verse")]
    assert [fact[:3] for fact in music.tracks] == [(1, 0, "Lead"), (2, 0, "")]


def test_of_tempos_on_one_tick_that_of_the_last_track_counts_and_repeats_do_not():
    slow, fast = b"\x00\xff\x51\x03\x0f\x42\x40", b"\x00\xff\x51\x03\x07\xa1\x20"
    assert read(slow, fast + fast + NOTE).tempos == [(0, 500_000)]


def test_events_after_the_last_note_do_not_count():
    after = b"\x00\xff\x51\x03\x00\x00\x00\x00\xff\x58\x04\x03\x02\x18\x08"
    music = read(NOTE + after)
    assert (music.tempos, music.meters) == ([], [])


def test_a_tempo_of_0_counts_only_before_the_last_onset():
    zero = b"\x30\xff\x51\x03\x00\x00\x00"
    assert read(ON + zero + OFF).tempos == []
    with pytest.raises(ValueError, match="a tempo is infinite"):
        read(ON + zero + OFF + NOTE).clock()


def test_tempo_of_a_pattern_counts_for_it_alone():
    fast = b"\x00\xff\x51\x03\x07\xa1\x20"
    data = bytearray(file_of(NOTE, fast + NOTE))
    assert len(read_music(bytes(data)).tempos) == 1
    data[9] = 2
    assert read_music(bytes(data)).tempos == []


@pytest.mark.parametrize(
    ("channel", "events", "expected"),
    [
        # An end on the tick of its beginning, and no end at all: a sixteenth (24 ticks) of a drum.
        (9, ON + b"\x00\x80\x3c\x40" + b"\x60\xff\x2f\x00", [(0, 24)]),
        (9, ON + b"\x60\xff\x2f\x00", [(0, 24)]),
        (9, ON + b"\x0a\x90\x3c\x40" + b"\x60\xff\x2f\x00", [(0, 10), (10, 34)]),
        # Of a melody a note goes on to the end of its track, or until all notes are ended.
        (0, ON + b"\x60\xff\x2f\x00", [(0, 96)]),
        (0, ON + b"\x30\xb0\x7b\x00" + b"\x60\xff\x2f\x00", [(0, 48)]),
        (0, ON + b"\x00\x80\x3c\x40" + b"\x60\xff\x2f\x00", [(0, 24)]),
        # The second of two overlapping notes goes on until the second end; then nothing sounds.
        (0, ON + b"\x30\x90\x3c\x40" + b"\x0c\x80\x3c\x40" + OFF + OFF, [(0, 60), (48, 156)]),
        # Notes that nothing ends: each until the next of its pitch.
        (0, ON + b"\x30\x90\x3c\x40" + b"\x60\xff\x2f\x00", [(0, 48), (48, 144)]),
        # A note that is struck again before it ends on the same tick.
        (0, ON + b"\x60\x90\x3c\x40\x00\x80\x3c\x40" + OFF, [(0, 96), (96, 192)]),
    ],
)
def test_ends_of_notes(channel, events, expected):
    events = events.replace(b"\x90", bytes([0x90 | channel])).replace(
        b"\x80", bytes([0x80 | channel])
    )
    assert [note[:2] for note in notes(read(events))] == expected


def test_a_note_that_is_never_ended_does_not_go_on_for_hours():
    music = read(ON + b"\xff\xff\xff\x7f\xff\x2f\x00")
    assert notes(music)[0][1] == 64 * 96


def test_a_note_is_ended_by_another_track_if_its_own_does_not():
    music = read(ON + b"\x81\x40\xff\x2f\x00", b"\x30\xb0\x07\x64\x18\x80\x3c\x40")
    assert notes(music)[0][:2] == (0, 72)


def test_a_change_of_program_does_not_cut_a_line():
    music = read(b"\x00\xc0\x05" + NOTE + b"\x00\xc0\x07" + NOTE)
    assert [fact.program for fact in music.tracks] == [5]
    assert music.notes[:, 5].tolist() == [5, 7]


def test_a_track_without_a_program_has_that_of_its_channel():
    music = read(b"\x00\xc0\x05\x00\xc1\x06\x60\xc0\x09", NOTE + NOTE, b"\x00\xc0\x21" + NOTE)
    assert music.notes[:, 4:].tolist() == [[0, 5], [0, 9], [1, 33]]


DAMAGE = {
    "program": (b"\x00\xc0\xff" + NOTE, [(0, 96)], "1 program above 127"),
    "velocity": (b"\x00\x90\x3c\xc0" + OFF, [(0, 96)], "1 note event with a number above 127"),
    "pitch": (b"\x00\x90\xbc\x40" + NOTE, [(0, 96)], "1 note event with a number above 127"),
    "setting": (b"\x00\xb0\x07\xff" * 2 + NOTE, [(0, 96)], "2 settings above 127"),
    "clock": (b"\x00\xf8\x00\xfe" + NOTE, [(0, 96)], "2 messages that do not belong in a file"),
    "no status": (b"\x00\x3c\x40" + NOTE, [(0, 96)], "3 bytes that are no events"),
    "system": (b"\x00\xf0\x43\x10\xf7" + NOTE, [(0, 96)], "1 message that does not belong"),
    "long": (b"\x80\x80\x80\x80\x00\x90\x3c\x40" + OFF, [(0, 96)], "1 time of more than four"),
    "cut": (NOTE + b"\x00\x90", [(0, 96)], "1 end of a track that is cut off"),
    "after its end": (
        NOTE + b"\x00\xff\x2f\x00" + b"\x00\x90\x80\x80\x80\xff",
        [(0, 96)],
        "",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_not_legal_is_skipped_and_counted(name):
    events, expected, notice = DAMAGE[name]
    music = read(events)
    assert [note[:2] for note in notes(music)] == expected
    assert all(note[2] == 60 for note in notes(music))
    if notice:
        assert notice in music.notices[0]


def test_a_track_of_a_wrong_length_ends_where_the_next_begins():
    data = file_of(NOTE, NOTE)
    for announced in (2, 4, 11, 500):
        damaged = data[:18] + struct.pack(">I", announced) + data[22:]
        music = read_music(damaged)
        assert [fact.track for fact in music.tracks] == [0, 1]
        assert [note[:2] for note in notes(music)] == [(0, 96), (0, 96)]
        assert "1 wrong length of a track" in music.notices[0]


def test_missing_and_uncounted_tracks():
    data = bytearray(file_of(NOTE, NOTE))
    data[11] = 3
    assert "1 track that is missing" in read_music(bytes(data)).notices[0]
    data[11] = 0
    assert len(read_music(bytes(data)).tracks) == 2


@settings(max_examples=120, deadline=None)
@given(st.lists(track, min_size=1, max_size=2), st.data())
def test_any_damage_is_read_or_refused(tracks, draw):
    content = bytearray(file_of(*tracks))
    for _ in range(draw.draw(st.integers(1, 6))):
        content[draw.draw(st.integers(0, len(content) - 1))] = draw.draw(st.integers(0, 255))
    try:
        music = read_music(bytes(content[: draw.draw(st.integers(0, len(content)))]))
    except ValueError:
        return
    assert (music.notes[:, 1] > music.notes[:, 0]).all()
    assert ((music.notes[:, 2:4] >= 0) & (music.notes[:, 2:4] < 128)).all()


# --- bars -----------------------------------------------------------------------------------


def bars(metres, end, regroup=False):
    found = stretches(metres, end, regroup)
    return [(s.first_bar, s.bars, s.begin, "{}/{}".format(*s.metre)) for s in found]


def test_bars_of_each_metre_and_of_a_pick_up():
    assert bars([], 16) == [(1, 4, 0, "4/4")]
    assert bars([(0, (1, 4)), (1, (4, 4))], 17) == [(1, 1, 0, "1/4"), (2, 4, 1, "4/4")]
    assert bars([(0, (4, 4)), (4, (7, 4)), (11, (4, 4))], 32) == [
        (1, 1, 0, "4/4"), (2, 1, 4, "7/4"), (3, 6, 11, "4/4"),
    ]  # fmt: skip
    # 4/4 that stands after one beat, with nothing before it: that beat is a pick-up.
    assert bars([(1, (4, 4))], 17) == [(1, 1, 0, "4/4"), (2, 4, 1, "4/4")]
    assert bars([(4, (4, 4)), (9, (4, 4))], 16) == [(1, 4, 0, "4/4")]


def test_a_metre_near_a_bar_line_is_moved_there():
    assert bars([(0.02, (3, 4))], 9) == [(1, 3, 0, "3/4")]
    assert bars([(0, (4, 4)), (7.98, (3, 4))], 14) == [(1, 2, 0, "4/4"), (3, 2, 8, "3/4")]


def test_a_note_a_little_over_the_bar_line_adds_no_bar():
    assert bars([], 8.1) == [(1, 2, 0, "4/4")]
    assert bars([], 8.2) == [(1, 3, 0, "4/4")]


def test_bars_of_two_and_of_eight_quarters_are_regrouped():
    assert bars([(0, (2, 4))], 16, regroup=True) == [(1, 4, 0, "4/4")]
    assert bars([(0, (4, 8))], 7, regroup=True) == [(1, 2, 0, "4/4")]
    assert bars([(0, (4, 2))], 16, regroup=True) == [(1, 4, 0, "4/4")]
    assert bars([(0, (1, 4))], 16, regroup=True) == [(1, 4, 0, "4/4")]
    assert bars([(0, (4, 4)), (8, (1, 4)), (9, (4, 4))], 13, regroup=True) == [
        (1, 2, 0, "4/4"), (3, 1, 8, "1/4"), (4, 1, 9, "4/4"),
    ]  # fmt: skip
    # A bar that is over stays a bar of its own, so that bar lines after it are right.
    assert bars([(0, (2, 4)), (6, (4, 4))], 14, regroup=True) == [
        (1, 1, 0, "4/4"), (2, 1, 4, "2/4"), (3, 2, 6, "4/4"),
    ]  # fmt: skip
    assert bars([(0, (4, 4)), (8, (2, 4)), (10, (4, 4))], 18, regroup=True) == [
        (1, 2, 0, "4/4"), (3, 1, 8, "2/4"), (4, 2, 10, "4/4"),
    ]  # fmt: skip
    assert bars([(0, (6, 8))], 6, regroup=True) == [(1, 2, 0, "6/8")]
