"""Melody windows: the vocabulary, top lines, held notes, and the way back to notes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqvae.music.reading.score import Score
from seqvae.music.representations import Context, MelodyCodec
from vaecore.errors import DataError

CODEC = MelodyCodec()


def melody(*notes, **options):
    """Return a score of notes `(start step, end step, pitch)` at 120 bpm."""
    start, end, pitch = zip(*notes, strict=True)
    return Score.from_notes([s / 8 for s in start], [e / 8 for e in end], pitch, **options)


def events(x):
    """Return the events of a window as a dictionary of step to class."""
    return {int(step): int(x[step]) for step in x.nonzero()}


@pytest.mark.parametrize(("pitch", "index"), [(21, 2), (60, 41), (108, 89)])
def test_vocabulary(pitch, index):
    assert CODEC.classes == 90
    assert CODEC.encode(melody((0, 16, pitch), (16, 32, pitch)))[0] == index


def test_note_off_is_written_where_nothing_follows():
    score = melody((0, 4, 60), (4, 6, 62), (8, 30, 64))
    assert events(CODEC.encode(score)) == {0: 41, 4: 43, 6: 1, 8: 45, 30: 1}


def test_a_note_that_fills_the_window_needs_no_off():
    assert events(CODEC.encode(melody((0, 32, 60)))) == {0: 41}


def test_a_new_note_ends_the_one_before_it():
    score = melody((0, 20, 60), (4, 6, 62), (8, 32, 64))
    assert events(CODEC.encode(score)) == {0: 41, 4: 43, 6: 1, 8: 45}


def test_of_a_chord_the_top_note_is_the_melody():
    score = melody((0, 32, 48), (0, 8, 60), (0, 12, 55), (16, 32, 52))
    assert events(CODEC.encode(score)) == {0: 41, 8: 1, 16: 33}


def test_the_first_of_equal_pitches_counts():
    assert events(CODEC.encode(melody((0, 20, 60), (0, 32, 60)))) == {0: 41, 20: 1}


# The example of the reference [run]: 0..20 held, then notes at 32 and 33.
HELD = melody((0, 20, 60), (32, 33, 62), (33, 34, 64), (47, 48, 60))


def test_reference_loses_a_note_held_into_the_window():
    first, second = CODEC.windows(HELD, reference=True)
    assert events(first) == {0: 41, 20: 1}
    assert events(second) == {16: 43, 17: 45, 18: 1, 31: 41}


def test_we_strike_a_held_note_again():
    first, second = CODEC.windows(HELD)
    assert events(first) == {0: 41, 20: 1}
    assert events(second) == {0: 41, 4: 1, 16: 43, 17: 45, 18: 1, 31: 41}


def test_a_note_that_ends_on_the_bar_line_is_not_held():
    _, second = CODEC.windows(melody((0, 16, 60), (20, 48, 62)))
    assert events(second) == {4: 43}


def test_a_note_over_three_bars_is_held_into_each():
    windows = CODEC.windows(melody((0, 60, 60)), deduplicate=False)
    assert [events(x) for x in windows] == [{0: 41}, {0: 41}, {0: 41, 28: 1}]
    assert len(CODEC.windows(melody((0, 60, 60)))) == 2
    silent = CODEC.windows(melody((0, 60, 60)), reference=True)
    assert [events(x) for x in silent] == [{0: 41}, {}]


def test_a_rest_of_a_bar_ends_a_phrase_counted_from_the_note_off():
    assert CODEC.explain(melody((0, 20, 60), (35, 64, 60)), reference=True).bars == (1, 2, 3)
    found = CODEC.explain(melody((0, 20, 60), (36, 64, 60)), reference=True)
    assert found.bars == (1, 3)
    (short,) = CODEC.explain(melody((0, 20, 60), (36, 40, 62))).rejections
    assert (short.rule, short.seconds) == ("short", 4.0)


def test_every_instrument_is_a_voice_and_drums_are_none():
    notes = [(0, 32, 60), (0, 32, 72), (0, 32, 48)]
    score = melody(*notes, instrument=[2, 0, 1], program=[0, 73, 0], is_drum=[0, 0, 1])
    found = CODEC.explain(score)
    assert [events(x) for x in found.x] == [{0: 53}, {0: 41}]
    assert found.instruments == (0, 2)
    assert [context.program for context in found.contexts] == [73, 0]


def test_a_track_named_melody_comes_first():
    score = melody((0, 32, 60), (0, 32, 72), instrument=[0, 1])
    named = Score(score.notes, score.tempos, score.meters, {0: "MELODY", 1: "PIANO"})
    assert CODEC.encode(score)[0] == 53  # the higher one
    assert CODEC.encode(named)[0] == 41


def test_programs_and_range_choose_notes():
    codec = MelodyCodec(programs=range(32))
    score = melody((0, 32, 60), (0, 32, 72), instrument=[0, 1], program=[40, 5])
    assert [events(x) for x in codec.windows(score)] == [{0: 53}]
    assert events(MelodyCodec(max_pitch=71).encode(score)) == {0: 41}
    assert MelodyCodec(min_pitch=60, max_pitch=71).classes == 14
    assert events(MelodyCodec(min_pitch=60).encode(score)) == {0: 14}


def test_encode_takes_the_first_sounding_window_or_the_one_asked_for():
    score = melody((0, 16, 60), (16, 32, 62), (32, 48, 64))
    assert CODEC.encode(score)[0] == 41
    assert CODEC.encode(score, bar=2)[0] == 43
    with pytest.raises(DataError, match=r"no 2-bar melody window that starts at bar 9; .* 1-2$"):
        CODEC.encode(score, bar=9)


def test_provenance_counts_bars_over_tempo_changes():
    score = melody((0, 32, 60), (32, 64, 62), (64, 144, 64), (144, 160, 65))
    score = Score(score.notes, ((0.0, 120.0), (4.0, 60.0)))
    found = CODEC.explain(score)
    assert found.bars == (1, 2, 3, 4, 5)
    assert found.seconds == (0.0, 2.0, 4.0, 8.0, 12.0)
    assert [context.tempo_bpm for context in found.contexts] == [120, 120, 60, 60, 60]
    assert [context.changes for context in found.contexts] == [(), ((16, 60),), (), (), ()]
    assert [context.seconds(32) for context in found.contexts] == [4, 6, 8, 8, 8]
    music = CODEC.decode(found.x[1], found.contexts[1])
    assert [change.tolist() for change in music.get_tempo_changes()] == [[0, 2], [120, 60]]
    assert torch.equal(CODEC.encode(music), found.x[1])


def test_windows_from_notes_on_the_grid():
    windows = CODEC.windows_from_notes([0, 16, 32], [16, 24, 48], [60, 62, 64], hop_bars=1)
    assert [events(x) for x in windows] == [{0: 41, 16: 43, 24: 1}, {0: 43, 8: 1, 16: 45}]


def test_sixteen_bars():
    codec = MelodyCodec(bars=16)
    assert codec.steps == 256
    assert codec.windows(melody(*[(8 * k, 8 * k + 8, 60 + k % 5) for k in range(34)])).shape == (
        2,
        256,
    )


def test_a_short_tune_is_filled_with_rest():
    found = CODEC.explain(melody((0, 4, 60)))
    assert found.relaxed
    assert events(found.x[0]) == {0: 41, 4: 1}
    assert events(CODEC.encode(melody((0, 16, 60)))) == {0: 41, 16: 1}
    assert len(CODEC.windows(melody((0, 4, 60)), reference=True)) == 0


def test_a_sparse_long_tune_begins_at_its_first_bar_with_notes():
    found = CODEC.explain(melody((32, 36, 60), (70, 74, 62), (120, 124, 64)))
    assert found.relaxed
    assert found.bars == (3, 4, 5, 6, 7)
    assert events(found.x[0]) == {0: 41, 4: 1}


event = st.one_of(st.just(0), st.just(0), st.just(1), st.integers(2, 89))
windows = st.lists(event, min_size=32, max_size=32)


def tidy(x):
    """Drop the offs that end nothing."""
    sounding, result = False, []
    for event in x:
        result.append(0 if event == 1 and not sounding else event)
        sounding = event >= 2 or (sounding and event != 1)
    return result


@settings(max_examples=80, deadline=None)
@given(x=windows, tempo=st.integers(40, 240), program=st.integers(0, 127))
def test_any_sounding_window_survives_the_round_trip(x, tempo, program):
    if not any(tidy(x)):
        return
    midi = CODEC.decode(torch.tensor(x), Context(tempo, program))
    # Offs that end no note leave no trace in the notes; everything else comes back.
    assert CODEC.encode(midi).tolist() == tidy(x)
    context = CODEC.read(midi).first.context
    assert (context.tempo_bpm, context.program) == (pytest.approx(tempo), program)


@settings(max_examples=15, deadline=None)
@given(x=windows.map(tidy).filter(any), tempo=st.integers(40, 240))
def test_round_trip_through_a_file(tmp_path_factory, x, tempo):
    path = tmp_path_factory.mktemp("melody") / "a.mid"
    CODEC.decode(torch.tensor(x), Context(tempo_bpm=tempo)).write(str(path))
    assert CODEC.encode(path).tolist() == x


@settings(max_examples=30, deadline=None)
@given(x=windows)
def test_note_sequence_has_the_values_of_the_reference(x):
    note_seq = pytest.importorskip("note_seq")
    special = {0: note_seq.MELODY_NO_EVENT, 1: note_seq.MELODY_NOTE_OFF}
    theirs = note_seq.Melody([special.get(e, e + 19) for e in x]).to_sequence(velocity=80)
    ours = CODEC.to_note_sequence(torch.tensor(x))
    assert ours == theirs
    if any(tidy(x)):
        assert CODEC.encode(ours).tolist() == tidy(x)


def test_decoded_notes_end_at_the_end_of_the_window():
    x = torch.zeros(32, dtype=torch.int64)
    x[[1, 2, 10]] = torch.tensor([1, 41, 43])
    (track,) = CODEC.decode(x, Context(60.0, 24)).instruments
    assert track.program == 24
    assert [(n.start, n.end, n.pitch, n.velocity) for n in track.notes] == [
        (0.5, 2.5, 60, 84),
        (2.5, 8.0, 62, 84),
    ]


# --- why not --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "score", "message"),
    [
        (CODEC, melody((0, 8, 60), is_drum=True), "has no melody notes, only drums; choose a drum"),
        (CODEC, melody((0, 8, 5)), r"outside of the pitches 21\.\.108 \(pitch 5\); transpose"),
        (
            MelodyCodec(programs=[0]),
            melody((0, 8, 60), program=40),
            r"unwanted instruments \(program 40\); choose another instrument",
        ),
        (
            CODEC,
            melody((0, 8, 60), meter=(6, 8)),
            "is in 6/8 in bar 1; models of 16 steps a bar know 4/4",
        ),
        (
            MelodyCodec(programs=[0]),
            melody((0, 8, 60), (0, 8, 70), program=[40, 0], meter=(6, 8)),
            "is in 6/8",
        ),
    ],
)
def test_the_main_reason_is_named(codec, score, message):
    with pytest.raises(DataError, match=message):
        codec.encode(score)
    assert codec.read(score).x.shape == (0, 32)
