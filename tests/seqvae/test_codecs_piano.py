"""Chords and piano: from files to windows and back, and which tracks are one part."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqvae.music.reading.midi import read_score
from seqvae.music.reading.score import Score
from seqvae.music.representations import detect, make_codec
from seqvae.music.representations.detection import candidates
from seqvae.music.representations.piano.codec import PianoCodec
from seqvae.music.representations.piano.parts import parts, polyphonic
from seqvae.music.representations.piano.texture import (
    LONGEST,
    MOST,
    PITCHES,
    blocks,
    ended,
    rolls,
    settled,
    sounding,
    steps_of,
)

CODEC = PianoCodec()
Note = tuple[int, int, int]
"""Step, length in steps, MIDI pitch."""


def score(*tracks: list[Note], names: dict[int, str] | None = None, **more: object) -> Score:
    """Return music in 4/4 at 120 bpm, a step of a sixteenth being 1/8 s; a track for each list."""
    rows = [(s, n, p, k) for k, track in enumerate(tracks) for s, n, p in track]
    start, length, pitch, track = (np.array(column) for column in zip(*rows, strict=True))
    made = Score.from_notes(
        start / 8.0, (start + length) / 8.0, pitch, 80, track, more.pop("program", 0), **more
    )
    made.names.update(names or {})
    return made


def windows(*tracks: list[Note], codec: PianoCodec = CODEC, **more: object) -> list[np.ndarray]:
    return [window.x for window in codec.find(score(*tracks, **more)).windows]


CHORD = [(0, 8, 60), (0, 8, 64), (0, 4, 67), (16, 4, 62), (31, 1, 65)]
TUNE = [(k, 2, 72 + k // 4) for k in range(0, 32, 2)]


def test_a_step_has_rising_pitches_and_their_lengths() -> None:
    (x,) = windows(CHORD)
    assert x.shape == (32, 2 * MOST)
    assert x[0].tolist() == [40, 44, 47, 0, 0, 0, 8, 8, 4, 0, 0, 0]
    assert x[16, [0, MOST]].tolist() == [42, 4]
    assert np.count_nonzero(x) == 2 * len(CHORD)


def test_of_too_many_notes_the_outer_ones_stay() -> None:
    chord = [(0, 4, pitch) for pitch in range(50, 66, 2)]  # eight
    (x,) = windows([*chord, (31, 1, 50)])
    assert (blocks(x)[0][0] + 20).tolist() == [50, 52, 54, 60, 62, 64]
    assert torch.equal(steps_of(rolls(torch.from_numpy(x))), torch.from_numpy(steps_of(rolls(x))))


def test_a_note_ends_where_its_key_is_struck_again_and_with_the_window() -> None:
    found = windows([(0, 10, 60), (4, 40, 60), (0, 3, 64), (40, 8, 60)])
    assert len(found) == 2
    assert blocks(found[0])[1][0].tolist()[:2] == [4, 3]
    assert blocks(found[0])[1][4, 0] == 28  # to the end of two bars


def test_held_notes_begin_again_but_not_late_releases() -> None:
    """In a window from the second bar on, a note held over the line is struck at its start."""
    found = windows([(0, 32, 48), (0, 17, 60), (20, 4, 67), (40, 8, 64)])
    assert len(found) == 2
    pitch, length = blocks(found[1])
    assert pitch[0].tolist() == [28, 0, 0, 0, 0, 0]
    assert length[0, 0] == 16


@st.composite
def textures(draw: st.DrawFn, steps: int = 32) -> np.ndarray:
    """Windows of any notes at all."""
    roll = np.zeros((steps, PITCHES), np.int64)
    places = st.tuples(
        st.integers(0, steps - 1), st.integers(0, PITCHES - 1), st.integers(1, LONGEST)
    )
    for step, key, length in draw(st.lists(places, min_size=1, max_size=40)):
        roll[step, key] = length
    return steps_of(roll)


@settings(max_examples=60, deadline=None)
@given(textures())
def test_what_is_decoded_is_encoded_as_it_was(x: np.ndarray) -> None:
    """decode(encode(x)) is a fixed point: windows as they are heard come back."""
    heard = settled(x)
    assert np.array_equal(CODEC.encode(CODEC.decode(torch.from_numpy(x))).numpy(), heard)
    assert np.array_equal(settled(heard), heard)
    assert np.array_equal(CODEC.unpack(CODEC.pack(heard[None]))[0], heard)


@settings(max_examples=20, deadline=None)
@given(textures(24))
def test_on_twelve_steps_too(x: np.ndarray) -> None:
    codec = make_codec({"name": "piano", "grid": "12"})
    again = codec.encode(codec.decode(torch.from_numpy(x)))
    assert np.array_equal(again.numpy(), settled(x))


@settings(max_examples=20, deadline=None)
@given(textures())
def test_arrays_and_tensors_are_the_same(x: np.ndarray) -> None:
    y = torch.from_numpy(x)
    for function in (rolls, settled, lambda x: sounding(rolls(x)), lambda x: ended(rolls(x))):
        assert np.array_equal(function(x), function(y).numpy())


def test_velocities_are_those_of_the_inputs() -> None:
    loud = [(0, 8, 48), (0, 8, 60), (16, 8, 50), (16, 8, 64)]
    music = score(loud)
    notes = music.notes
    velocity = np.where(notes.pitch < 55, 40, 110)
    music = Score.from_notes(notes.start, notes.end, notes.pitch, velocity)
    example = CODEC.read(music).first
    made = CODEC.decode(example.x, example.context).instruments[0].notes
    assert {(n.pitch, n.velocity) for n in made} == {(48, 40), (60, 110), (50, 40), (64, 110)}


def test_music_without_pitches_is_refused() -> None:
    found = CODEC.find(score([(0, 1, 36), (4, 1, 38)], is_drum=True))
    assert not found.windows
    assert found.rejections[0].text == "has no pitched notes, only drums"
    with pytest.raises(ValueError, match="12 integers per step"):
        CODEC.decode(torch.zeros(32, 6, dtype=torch.long))
    with pytest.raises(ValueError, match=r"pitches must lie in 0\.\.88"):
        CODEC.decode(torch.full((32, 12), 99))


# Which tracks are one part

SOPRANO, BASS = [(k, 4, 72) for k in range(0, 64, 4)], [(k, 4, 48) for k in range(0, 64, 4)]


def test_voices_of_a_choir_are_one_part() -> None:
    assert parts(score(SOPRANO, BASS)) == (((0, 1), True),)
    assert len(windows(SOPRANO, BASS)) == 1  # each bar is like the one before
    with_drums = Score.from_notes(
        [0, 0, 1], [1, 1, 2], [60, 48, 36], 80, [0, 1, 2], [40, 41, 0], [False, False, True]
    )
    assert parts(with_drums) == (((0,), False), ((1,), False))


def test_two_hands_are_one_part_and_a_melody_is_by_itself() -> None:
    hands = {0: "Piano RH", 1: "Piano LH", 2: "Melody"}
    assert parts(score(CHORD, CHORD, TUNE, names=hands)) == (((0, 1), True), ((2,), False))
    others = {0: "Bridge", 1: "Piano", 2: "Melody"}
    assert [group for group, _ in parts(score(TUNE, CHORD, TUNE, names=others))] == [
        (0,),
        (1,),
        (2,),
    ]


def test_only_polyphonic_parts_are_taken_unless_there_is_none() -> None:
    names = {0: "Melody", 1: "Piano"}
    found = CODEC.find(score(TUNE, CHORD, names=names)).windows
    assert {window.instrument for window in found} == {1}
    assert CODEC.find(score(TUNE)).relaxed
    assert not polyphonic(score(TUNE).notes)
    assert polyphonic(score(CHORD).notes)


def test_it_is_chosen_where_all_is_one_polyphonic_part() -> None:
    assert detect(score(CHORD)) == ("piano", 2)
    assert detect(score(CHORD, program=48)).kind == "piano"
    assert detect(score(SOPRANO, BASS)) == ("piano", 4)
    assert candidates([score(CHORD)], top_line=True) == [("melody", 2, "16")]
    assert [each.kind for each in candidates([score(CHORD)])] == ["piano", "melody"]


@pytest.mark.parametrize(
    ("music", "kind"),
    [
        (score(TUNE), "melody"),
        (score(CHORD, names={0: "Lead vocal"}), "melody"),
        (score(TUNE, CHORD, names={0: "Melody", 1: "Piano"}), "melody"),
        (score(CHORD, program=33), "melody"),
        (score(SOPRANO, BASS, program=80), "melody"),
    ],
)
def test_melodies_are_read_as_before(music: Score, kind: str) -> None:
    assert detect(music).kind == kind
    assert detect([score(CHORD), music]).kind == kind


def test_a_score_with_an_unnamed_tune_beside_chords_is_a_melody() -> None:
    assert detect(score(TUNE, CHORD)).kind == "piano"  # two hands of one piano
    other = score(TUNE, CHORD)
    programs = np.where(other.notes.instrument == 0, 73, 0)
    notes = other.notes
    flute = Score.from_notes(notes.start, notes.end, notes.pitch, 80, notes.instrument, programs)
    assert detect(flute).kind == "melody"


def test_a_file_comes_back_through_midi(tmp_path: object) -> None:
    (x,) = windows(CHORD)
    item = CODEC.decode(torch.from_numpy(x))
    assert read_score(item).notes.pitch.tolist() == [60, 64, 67, 62, 65]
