"""Long sound: made in pieces and in a file, it is that of the whole in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from seqvae.music.presentation import pieces as cutting
from seqvae.music.presentation import render, sound
from seqvae.music.presentation.pieces import cut, pieces

pytest.importorskip("soundfile")
pytest.importorskip("midirenderer")


def song(seconds: float) -> pretty_midi.PrettyMIDI:
    """Return strings with a pedal, bends and a panorama, no event of which is due at a block."""
    part = pretty_midi.Instrument(48)
    for k in range(int(seconds)):
        part.notes.append(pretty_midi.Note(70, 48 + 5 * k % 24, k + 0.002, k + 0.722))
        part.pitch_bends.append(pretty_midi.PitchBend(97 * k % 1500 - 700, k + 0.002))
        part.control_changes.append(pretty_midi.ControlChange(64, k % 2 * 127, k + 0.402))
    part.control_changes.insert(0, pretty_midi.ControlChange(10, 20, 0.302))
    found = pretty_midi.PrettyMIDI()
    found.instruments.append(part)
    return found


def test_pieces_sound_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sound.synthesize(song(24))
    monkeypatch.setattr(cutting, "LENGTH", 12.0)
    assert len(list(pieces(song(24).instruments, 25.2))) == 2
    found = sound.synthesize(song(24))
    assert np.abs(whole).max() > 0.02
    assert np.abs(found - whole).max() < 3 / 2**15


def test_where_a_note_is_held_nothing_is_cut() -> None:
    (part,) = song(400).instruments
    assert [piece.last for piece in pieces([part], 401)] == [120, 240, 401]
    held = pretty_midi.Note(70, 60, 5.0, 250.0)
    part.notes.append(held)
    assert [piece.last for piece in pieces([part], 401)] == [260, 401]
    held.end = 6.0
    part.control_changes = [pretty_midi.ControlChange(64, 127, 3.0)]  # a pedal that stays down
    assert [piece.last for piece in pieces([part], 401)] == [401]


def test_a_piece_begins_with_the_controllers_of_the_moment() -> None:
    (part,) = song(40).instruments
    part.control_changes += [pretty_midi.ControlChange(n, 1, 0.5) for n in (101, 101)]
    found = cut(part, cutting.Piece(30.0, 35.0, 39.0))
    assert [(c.number, c.time) for c in found.control_changes if c.number != 64] == [
        (10, 0.0),
        (101, 0.0),
        (101, 0.0),
    ]
    pedal = [(c.value, round(c.time, 3)) for c in found.control_changes if c.number == 64]
    assert pedal == [(127, 0.0)] + [(k % 2 * 127, round(k + 0.402, 3)) for k in range(9)]
    assert [round(bend.time, 3) for bend in found.pitch_bends[:2]] == [0.0, 0.002]
    assert [round(note.start, 3) for note in found.notes] == [k + 0.002 for k in range(9)]


def test_sound_in_a_file_is_that_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = song(62)
    item.instruments.append(pretty_midi.Instrument(0, is_drum=True))
    item.instruments[1].notes = [pretty_midi.Note(99, 38, k, k + 0.1) for k in range(20)]
    kept = []
    for name, longest in (("memory", 1000), ("file", 10)):
        monkeypatch.setattr(sound, "LONG", longest)
        kept.append(render(item, tmp_path / f"{name}.wav", 22050).read_bytes())
    assert kept[0] == kept[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.wav", "memory.wav"]
