"""MIDI files that cannot be used are refused, in one line with the reason."""

import contextlib

import mido
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_files import midi_file, note, raw_file

from seqvae.music.reading.midi import read_score
from seqvae.music.reading.reference import pieces
from seqvae.music.reading.smf import MidiFile
from vaecore.errors import DataError


def missing(folder):
    return folder / "none.mid"


def empty(folder):
    (folder / "a.mid").touch()
    return folder / "a.mid"


def text(folder):
    (folder / "a.mid").write_text("C D E F G")
    return folder / "a.mid"


def huge(folder):
    with (folder / "a.mid").open("wb") as file:
        file.truncate(20_000_000)
    return folder / "a.mid"


def header_only(folder):
    (folder / "a.mid").write_bytes(b"MThd\0\0\0")
    return folder / "a.mid"


def truncated(folder):
    path = midi_file(folder / "a.mid", note(60, 0, 480))
    path.write_bytes(path.read_bytes()[:-13])
    return path


def ten_hours(folder):
    return midi_file(folder / "a.mid", note(60, 72_000 * 480, 480))


def hostile_ticks(folder):
    return raw_file(folder / "a.mid", b"\x00\x90\x3c\x40" + b"\xff\xff\xff\x7f\x90\x3c\x00" * 9)


def endless_number(folder):
    return raw_file(folder / "a.mid", b"\x80" * 1000)


def film_frames(folder):
    return raw_file(folder / "a.mid", b"\x00\x90\x3c\x40\x10\x80\x3c\x40", ticks=-6360)


def no_ticks(folder):
    return raw_file(folder / "a.mid", b"\x00\x90\x3c\x40\x10\x80\x3c\x40", ticks=0)


def bad_data_byte(folder):
    return raw_file(folder / "a.mid", b"\x00\x90\xbc\x40\x10\x80\x3c\x40")


def no_status(folder):
    return raw_file(folder / "a.mid", b"\x00\x3c\x40")


def half_an_event(folder):
    return raw_file(folder / "a.mid", b"\x00\x90\x3c")


def zero_tempo(folder):
    return raw_file(folder / "a.mid", b"\x00\xff\x51\x03\0\0\0\x00\x90\x3c\x40\x10\x80\x3c\x40")


def no_notes(folder):
    return midi_file(folder / "a.mid", [mido.MetaMessage("set_tempo", tempo=500_000)])


REFUSALS = [
    (missing, "does not exist; check"),
    (lambda folder: folder, "is a folder; name a file"),
    (empty, "is empty; get it"),
    (text, "is not a MIDI file; give"),
    (huge, "is too large .20 MB; at most 4 MB are read.; cut out"),
    (header_only, "is cut off .it ends in its header.; copy"),
    (truncated, "is cut off .a track ends within an event.; copy"),
    (ten_hours, "is too long .600:00; at most 120:00 are read.; cut out"),
    (hostile_ticks, "is too long"),
    (endless_number, "is a broken MIDI file .a time is longer than four bytes.; export"),
    (film_frames, "cannot be used: it counts time in film frames"),
    (no_ticks, "cannot be used: its header says that a quarter note has 0 ticks"),
    (bad_data_byte, "is a broken MIDI file .a note has a number above 127"),
    (no_status, "is a broken MIDI file .an event has no status"),
    (half_an_event, "is cut off .a track ends within an event"),
    (zero_tempo, "is a broken MIDI file .a tempo is infinite"),
    (no_notes, "has no notes, or only notes of no length; give"),
]


@pytest.mark.parametrize(("make", "message"), REFUSALS, ids=lambda value: None)
def test_unusable_file_is_refused_in_one_line_that_names_it(tmp_path, make, message):
    path = make(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        read_score(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_notes_of_no_length_in_memory_are_refused():
    midi = pretty_midi.PrettyMIDI()
    midi.instruments.append(pretty_midi.Instrument(0))
    midi.instruments[0].notes.append(pretty_midi.Note(80, 60, 0.0, 0.0))
    with pytest.raises(DataError, match="only notes of no length"):
        read_score(midi)


def test_ten_hours_in_memory_are_refused():
    midi = pretty_midi.PrettyMIDI()
    midi.instruments.append(pretty_midi.Instrument(0))
    midi.instruments[0].notes.append(pretty_midi.Note(80, 60, 0.0, 36_000.0))
    with pytest.raises(DataError, match="too long"):
        read_score(midi)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_damaged_bytes_never_crash_the_reader(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("midi")
    tempo = mido.MetaMessage("set_tempo", tempo=400_000)
    path = midi_file(folder / "a.mid", [tempo, *note(60, 0, 480), *note(36, 0, 100, channel=9)])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(DataError):
        assert list(pieces(read_score(path)))


def test_parse_refuses_other_bytes():
    with pytest.raises(ValueError, match="no MIDI header"):
        MidiFile.parse(b"RIFF")
