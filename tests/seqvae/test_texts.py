"""Texts of MIDI files: UTF-8, Shift-JIS or Latin-1, and how a table shows them."""

from __future__ import annotations

import unicodedata

import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from seqvae.music.reading.midi import read_score
from seqvae.music.reading.smf_texts import decoded


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Melody", "ascii"),
        ("Élan 1", "utf-8"),
        ("メロディー", "utf-8"),
        ("メロディー", "cp932"),
        ("主旋律", "cp932"),
        ("街のテーマ「夜」 ～piano～", "cp932"),
        ("João *Johnny*", "latin-1"),
        ("Flûte échos 2", "latin-1"),
        ("Kör, Fløyte, Bläser", "latin-1"),
        ("© 2004 Müller", "latin-1"),
        ("²²²²²²", "latin-1"),
    ],
)
def test_a_text_is_what_its_writer_saw(text, encoding):
    assert decoded(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Мечты", "cp1251"), ("не известны", "cp1251"), ("Don’t stop, it’s late", "cp1252")],
)
def test_letters_of_other_encodings_are_not_taken_for_japanese(text, encoding):
    assert decoded(text.encode(encoding)) == text.encode(encoding).decode("latin-1")


def test_a_table_of_tracks_shows_japanese_names_in_line(run, tmp_path):
    file = MidiFile()
    for channel, name in enumerate((b"Piano", "メロディー".encode("cp932"))):
        track = MidiTrack([MetaMessage("track_name", name=name.decode("latin-1"))])
        for pitch in (60, 62, 64, 65):
            track.append(Message("note_on", channel=channel, note=pitch + 12 * channel))
            off = Message("note_off", channel=channel, note=pitch + 12 * channel, time=480)
            track.append(off)
        file.tracks.append(track)
    file.save(tmp_path / "a.mid")  # mido writes Latin-1
    assert list(read_score(tmp_path / "a.mid").names.values()) == ["Piano", "メロディー"]
    rows = run("show", "--tracks", tmp_path / "a.mid").stdout.splitlines()[1:4]
    assert "メロディー" in rows[2]
    assert "melody (its name" in rows[2]
    places = [row.index(text) for row, text in zip(rows, ("range", "C4", "C5"), strict=True)]
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in rows[2])
    assert places == [places[0], places[0], places[0] - wide]
