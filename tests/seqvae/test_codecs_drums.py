"""Drum windows: the class table, phrases, and the way back to notes."""

import pretty_midi
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqvae.music.reading.score import Meter, Score
from seqvae.music.representations import DRUM_CLASSES, DRUM_PITCHES, Context, DrumCodec
from vaecore.errors import DataError

CODEC = DrumCodec()


def drums(steps, pitches=36, **options):
    """Return a score of drum hits at steps of 120 bpm."""
    pitches = [pitches] * len(steps) if isinstance(pitches, int) else pitches
    start = [step / 8 for step in steps]
    end = [time + 0.1 for time in start]
    return Score.from_notes(start, end, pitches, is_drum=True, **options)


def one_step(*pitches):
    """Return the class of hits together at the first step."""
    return int(CODEC.encode(drums([0] * len(pitches), list(pitches)))[0])


@pytest.mark.parametrize(
    ("bit", "pitches"),
    [
        (0, "36 35"),
        (1, "38 27 28 31 32 33 34 37 39 40 56 65 66 75 85"),
        (2, "42 44 54 68 69 70 71 73 78 80 22"),
        (3, "46 67 72 74 79 81 26"),
        (4, "45 29 41 43 61 64 84"),
        (5, "48 47 60 63 77 86 87"),
        (6, "50 30 62 76 83"),
        (7, "49 52 55 57 58"),
        (8, "51 53 59 82"),
    ],
)
def test_every_pitch_has_its_class(bit, pitches):
    for pitch in map(int, pitches.split()):
        assert one_step(pitch) == 2**bit
    assert DRUM_PITCHES[bit] == int(pitches.split()[0])


def test_class_table_is_that_of_note_seq():
    pytest.importorskip("note_seq")
    from note_seq.drums_encoder_decoder import DEFAULT_DRUM_TYPE_PITCHES

    theirs = [tuple(pitches) for pitches in DEFAULT_DRUM_TYPE_PITCHES]
    assert [pitches for _, pitches in DRUM_CLASSES] == theirs


def test_kick_is_the_lowest_bit_and_hits_together_add_up():
    assert one_step(36, 42) == 5
    assert one_step(36, 35, 36) == 1
    assert one_step(*DRUM_PITCHES) == 511


def test_shape_and_names():
    assert (CODEC.steps, CODEC.classes, CODEC.bars, CODEC.steps_per_bar) == (32, 512, 2, 16)
    assert (CODEC.name, CODEC.suffixes[:3]) == ("drums", (".mid", ".midi", ".kar"))


def test_windows_have_a_hop_of_one_bar_and_keep_the_songs_order():
    score = drums([0, 15, 17, 30, 34, 47])
    windows = CODEC.windows(score)
    assert windows.dtype == torch.int64
    assert [row.nonzero().flatten().tolist() for row in windows] == [
        [0, 15, 17, 30],
        [1, 14, 18, 31],
    ]
    assert torch.equal(windows, CODEC.windows(score, reference=True))
    assert len(CODEC.windows(score, hop_bars=2)) == 1


def test_equal_windows_are_kept_once_where_they_first_appear():
    a, b = [0, 4, 8, 12], [0, 3, 8, 12]
    bars = [a, a, b, a, a, a]
    score = drums([16 * k + step for k, bar in enumerate(bars) for step in bar])
    windows = CODEC.windows(score)
    assert [row[3].item() + 2 * row[19].item() for row in windows] == [0, 2, 1]
    assert len(CODEC.windows(score, deduplicate=False)) == 5


def test_a_rest_of_a_bar_ends_a_phrase_counted_from_the_step_after_the_hit():
    kept = CODEC.explain(drums([0, 15, 31, 47]), reference=True, deduplicate=False)
    assert kept.bars == (1, 2)
    split = CODEC.explain(drums([0, 15, 32, 40, 50]), reference=True, deduplicate=False)
    assert split.bars == (3,)


def test_phrase_begins_at_the_bar_of_its_first_hit():
    found = CODEC.explain(drums([37, 50]))
    assert (found.bars, found.seconds, found.relaxed) == ((3,), (4.0,), False)
    assert found.x[0].nonzero().flatten().tolist() == [5, 18]


def test_phrases_are_cut_after_max_bars():
    score = drums(range(0, 16 * 105, 8), [36, 38] * 105)
    assert len(CODEC.windows(score, reference=True, deduplicate=False)) == 99
    assert len(DrumCodec(max_bars=None).windows(score, deduplicate=False)) == 104


def test_all_drum_tracks_are_taken_together_and_pitched_ones_left_out():
    score = Score.from_notes(
        [0, 0, 2, 2.5], [0.1, 0.1, 2.1, 4], [36, 42, 38, 36], 80, [0, 1, 1, 2], 0, [1, 1, 1, 0]
    )
    assert CODEC.encode(score).nonzero().flatten().tolist() == [0, 16]
    assert CODEC.encode(score)[0] == 5


def test_windows_from_notes_on_the_grid():
    windows = CODEC.windows_from_notes([0, 0, 20], [36, 46, 38])
    assert windows[0, [0, 20]].tolist() == [9, 2]


# --- short and sparse music -----------------------------------------------------------------


def test_a_one_bar_loop_is_filled_with_silence_but_not_in_reference_mode():
    score = drums([0, 4, 8, 12])
    found = CODEC.explain(score)
    assert found.relaxed
    assert found.x[0].nonzero().flatten().tolist() == [0, 4, 8, 12]
    assert CODEC.windows(score, reference=True).shape == (0, 32)


def test_two_bars_with_a_long_rest_are_one_window():
    assert CODEC.windows(drums([0, 31])).nonzero()[:, 1].tolist() == [0, 31]
    assert CODEC.windows(drums([31])).nonzero()[:, 1].tolist() == [31]


def test_tempo_changes_are_ironed_out_where_they_leave_no_window():
    # Eight beats, of which the third and the fourth are slow.
    beats = [0, 0.5, 1, 2, 3, 3.5, 4, 4.5]
    notes = drums([8 * beat for beat in beats]).notes
    score = Score(notes, ((0.0, 120.0), (1.0, 60.0), (3.0, 120.0)))
    assert CODEC.windows(score, reference=True).shape == (0, 32)
    assert CODEC.encode(score).nonzero().flatten().tolist() == list(range(0, 32, 4))


windows = st.lists(st.integers(0, 511), min_size=32, max_size=32).filter(any)
tempos = st.integers(40, 240)


@settings(max_examples=60, deadline=None)
@given(x=windows, tempo=tempos)
def test_any_sounding_window_survives_the_round_trip(x, tempo):
    x = torch.tensor(x)
    midi = CODEC.decode(x, Context(tempo_bpm=tempo))
    assert torch.equal(CODEC.encode(midi), x)
    assert CODEC.read(midi).first.context.tempo_bpm == pytest.approx(tempo)


@settings(max_examples=15, deadline=None)
@given(x=windows, tempo=tempos)
def test_round_trip_through_a_file(tmp_path_factory, x, tempo):
    path = tmp_path_factory.mktemp("drums") / "a.mid"
    CODEC.decode(torch.tensor(x), Context(tempo_bpm=tempo)).write(str(path))
    assert CODEC.encode(path).tolist() == x


@settings(max_examples=15, deadline=None)
@given(x=windows)
def test_round_trip_through_note_seq(x):
    pytest.importorskip("note_seq")
    assert CODEC.encode(CODEC.to_note_sequence(torch.tensor(x))).tolist() == x


# --- back to notes --------------------------------------------------------------------------


def test_decoded_hits_are_one_step_long_at_usual_velocities():
    x = torch.zeros(32, dtype=torch.int64)
    x[31] = 1 + 256
    midi = CODEC.decode(x)
    assert isinstance(midi, pretty_midi.PrettyMIDI)
    (track,) = midi.instruments
    assert track.is_drum
    assert [(n.start, n.end, n.pitch, n.velocity) for n in track.notes] == [
        (3.875, 4.0, 36, 72),
        (3.875, 4.0, 51, 73),
    ]


def test_note_sequence_has_the_values_of_the_reference():
    note_seq = pytest.importorskip("note_seq")
    x = torch.zeros(32, dtype=torch.int64)
    x[[0, 4, 7]] = torch.tensor([5, 1, 128])
    hits = {0: {36, 42}, 4: {36}, 7: {49}}
    track = note_seq.DrumTrack([frozenset(hits.get(step, ())) for step in range(8)])
    theirs = track.to_sequence(velocity=80)
    ours = CODEC.to_note_sequence(x)
    key = "start_time", "end_time", "pitch", "velocity", "instrument", "program", "is_drum"

    def values(sequence):
        return sorted(tuple(getattr(note, name) for name in key) for note in sequence.notes)

    assert values(ours) == values(theirs)
    assert ours.total_time == theirs.total_time == 1.0
    assert ours.tempos == theirs.tempos
    assert ours.ticks_per_quarter == theirs.ticks_per_quarter


@pytest.mark.parametrize("x", [torch.zeros(2, 32, dtype=torch.int64), torch.zeros(32)])
def test_decode_refuses_other_shapes_and_types(x):
    with pytest.raises(ValueError, match="one integer per step"):
        CODEC.decode(x)


def test_decode_refuses_classes_out_of_range():
    with pytest.raises(ValueError, match=r"0\.\.511"):
        CODEC.decode(torch.tensor([512]))


# --- why not --------------------------------------------------------------------------------


def test_no_drums_is_said():
    with pytest.raises(DataError, match="has no drum notes; choose a melody model"):
        CODEC.encode(Score.from_notes([0], [1], [60]))


def test_unknown_drum_sounds_are_listed():
    with pytest.raises(
        DataError, match=r"song\.mid: has drum notes of no known drum \(pitch 0, 99"
    ):
        CODEC.encode(drums([0, 4, 6], [0, 99, 99], path="song.mid"))
    found = CODEC.explain(drums([0, 4], [36, 99]))
    assert [rejection.rule for rejection in found.rejections] == ["short", "range"]


def test_meter_is_named_with_its_place():
    with pytest.raises(
        DataError, match=r"is in 3/4 in bars 1-5; models of 16 steps a bar know 4/4"
    ):
        CODEC.encode(drums([0, 16, 32, 48], meter=(3, 4)))


def test_repeated_reasons_are_counted():
    score = Score(
        drums(range(0, 96, 8)).notes, meters=tuple(Meter(t, 3 + t % 2, 8) for t in range(0, 12, 2))
    )
    score = Score(score.notes, meters=(Meter(0.0, 3, 4), Meter(4.0, 7, 8), Meter(8.0, 5, 4)))
    with pytest.raises(DataError, match=r"is in 3/4 in bars 1-3 \(and 2 more like it\)"):
        CODEC.encode(score)


def test_absurd_tempo_is_refused():
    with pytest.raises(DataError, match=r"has a tempo of 6e\+07 in bars 1-500001"):
        CODEC.encode(drums([0, 16], tempo=6e7))


def test_zero_velocity_hits_do_not_count():
    with pytest.raises(DataError, match="no drum notes"):
        CODEC.encode(Score.from_notes([0], [1], [36], velocity=0, is_drum=True))
