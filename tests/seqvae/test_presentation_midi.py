"""MIDI files of several items: tempi, bars, tracks, markers, and nothing half-written."""

import io
import runpy
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqvae.music.presentation import join, write_midi
from seqvae.music.presentation.midi_file import midi_bytes
from seqvae.music.representations.alphabet import DRUM_PITCHES

DATA = Path(__file__).resolve().parents[2] / "data"


def item(tempo=120.0, pitches=(60, 62, 64, 65), program=0, is_drum=False):
    """Quarter notes, one bar."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=tempo)
    part = pretty_midi.Instrument(program, is_drum=is_drum)
    beat = 60 / tempo
    part.notes = [pretty_midi.Note(90, p, k * beat, (k + 1) * beat) for k, p in enumerate(pitches)]
    midi.instruments.append(part)
    return midi


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(20, 300), min_size=1, max_size=5))
def test_every_item_keeps_its_tempo_and_bars_stay_on_the_grid(tempi):
    joined = join([item(t) for t in tempi], [240 / t for t in tempi])
    starts = np.concatenate([[0], np.cumsum([240 / t for t in tempi])])
    np.testing.assert_allclose(joined.get_downbeats()[: len(tempi)], starts[:-1], atol=1e-3)
    (part,) = joined.instruments
    wanted = [s + k * 60 / t for s, t in zip(starts, tempi, strict=False) for k in range(4)]
    np.testing.assert_allclose([n.start for n in part.notes], wanted, atol=1e-3)
    ticks = [joined.time_to_tick(n.start) for n in part.notes]
    assert ticks == [480 * k for k in range(len(ticks))]
    times, found = joined.get_tempo_changes()
    at = np.searchsorted(times, starts[:-1] + 1e-3) - 1
    np.testing.assert_allclose(found[at], tempi, rtol=1e-4)


def test_equal_instruments_share_a_track():
    joined = join([item(program=4), item(is_drum=True), item(100, program=4), item(program=9)])
    assert [(p.program, p.is_drum, len(p.notes)) for p in joined.instruments] == [
        (4, False, 8),
        (0, True, 4),
        (9, False, 4),
    ]


def test_the_voices_of_an_item_keep_their_tracks_and_names():
    midi = item(program=33)
    midi.instruments += item(program=33).instruments + item(is_drum=True).instruments
    for part, name in zip(midi.instruments, ("melody", "bass", "drums"), strict=True):
        part.name = name
    joined = join([midi, midi])
    assert [(p.name, p.program, p.is_drum, len(p.notes)) for p in joined.instruments] == [
        ("melody", 33, False, 8),
        ("bass", 33, False, 8),
        ("drums", 0, True, 8),
    ]


def test_what_lies_beyond_the_length_is_cut():
    joined = join([item(), item()], [1.0, 2.0])
    notes = joined.instruments[0].notes
    assert [n.start for n in notes] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]


def test_repeat():
    joined = join([item(), item(60)], repeat=2)
    starts = [n.start for n in joined.instruments[0].notes]
    assert starts[:8] == [0.5 * k for k in range(8)]
    np.testing.assert_allclose(starts[8:], 4 + np.arange(8))


def test_tempo_changes_inside_an_item_are_kept():
    first = join([item(120), item(60)])
    joined = join([item(90), first, item(90)])
    np.testing.assert_allclose(joined.get_tempo_changes()[1], [90, 120, 60, 90], rtol=1e-4)
    np.testing.assert_allclose(
        joined.get_downbeats()[:4], np.cumsum([0, 240 / 90, 2, 4]), atol=1e-4
    )


def texts(data, charset):
    """Names of tracks and markers as one reader shows them."""
    file = mido.MidiFile(file=io.BytesIO(data), charset=charset)
    messages = [m for track in file.tracks for m in track]
    return [getattr(m, "text", m.dict().get("name")) for m in messages if m.type in TEXTS]


TEXTS = ("marker", "track_name")


def test_markers_name_the_steps():
    file = mido.MidiFile(file=io.BytesIO(midi_bytes([item()] * 3, titles=["A", "", "né"])))
    markers = [m.text for m in file.tracks[0] if m.type == "marker"]
    assert markers == ["1/3 A", "2/3", "3/3 ne"]
    assert file.length == pytest.approx(6.0)


def test_texts_are_the_same_in_every_encoding():
    """Readers take Latin-1 (mido, pretty_midi, note_seq) or UTF-8 (MuseScore, timidity)."""
    midi = item()
    midi.instruments += item(program=40).instruments
    midi.instruments[0].name, midi.instruments[1].name = "Flöte à bec", "Ünï – tab\tbell\x07"
    data = midi_bytes([midi] * 2, titles=["Frühling", "ça va"])
    wanted = ["1/2 Fruhling", "2/2 ca va", "Flote a bec", "Uni – tabbell"]
    assert texts(data, "utf-8") == wanted
    assert texts(data, "latin1")[:3] == wanted[:3]
    assert pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments[0].name == "Flote a bec"
    japanese = midi_bytes([item()] * 2, titles=["がくせい", "日本"])
    assert texts(japanese, "utf-8")[:2] == ["1/2 がくせい", "2/2 日本"]


def test_drums_have_the_names_of_general_midi():
    named = [pretty_midi.note_number_to_drum_name(pitch) for pitch in DRUM_PITCHES]
    assert named == [
        "Bass Drum 1",
        "Acoustic Snare",
        "Closed Hi Hat",
        "Open Hi Hat",
        "Low Tom",
        "Hi-Mid Tom",
        "High Tom",
        "Crash Cymbal 1",
        "Ride Cymbal 1",
    ]
    file = mido.MidiFile(file=io.BytesIO(midi_bytes([item(pitches=DRUM_PITCHES, is_drum=True)])))
    assert {m.channel for m in file.tracks[1] if m.type == "note_on"} == {9}
    assert file.tracks[1].name == "Drums"


@pytest.mark.parametrize("velocity", [1, 64, 127])
def test_velocities_and_programs_come_back(velocity):
    midi = item(program=73)
    for played in midi.instruments[0].notes:
        played.velocity = velocity
    file = mido.MidiFile(file=io.BytesIO(midi_bytes([midi] * 3)))
    assert {m.velocity for m in file.tracks[1] if m.type == "note_on"} == {velocity}
    assert [m.program for m in file.tracks[1] if m.type == "program_change"] == [73]


def test_silence_still_takes_its_bar():
    joined = join([pretty_midi.PrettyMIDI(initial_tempo=120), item()])
    assert joined.instruments[0].notes[0].start == pytest.approx(2.0)


def test_equal_input_equal_bytes(tmp_path):
    a = write_midi([item(97.3), item(120)], tmp_path / "a.mid")
    b = write_midi([item(97.3), item(120)], tmp_path / "b.mid")
    assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize(
    "wrong", [{"items": []}, {"seconds_each": [1.0, 2.0]}, {"titles": []}, {"repeat": 0}]
)
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError, match=r"item|repeat"):
        join(**({"items": [item()]} | wrong))


def test_examples_are_what_the_script_writes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(DATA)  # as when it is run
    script = runpy.run_path(str(DATA / "make_examples.py"))
    script["main"](tmp_path)
    written = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert written == {p.name: p.read_bytes() for p in DATA.glob("*.mid")}
    table = (DATA / "README.md").read_text(encoding="utf-8")
    for name, piece in script["PIECES"].items():
        assert f"| `{name}.mid` |" in table
        assert f"| {len(piece.bars)} | {piece.tempo} |" in table
