"""Reading MIDI: the same notes as pretty_midi, pieces as note_seq cuts them, and clear refusals."""

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_files import midi_file, note

from seqvae.music.reading.beats import with_beats
from seqvae.music.reading.midi import read_score
from seqvae.music.reading.reference import pieces
from seqvae.music.reading.score import Meter, Score
from vaecore.errors import DataError

events = st.one_of(
    st.builds(
        mido.Message,
        st.sampled_from(["note_on", "note_off"]),
        note=st.integers(60, 62),
        velocity=st.sampled_from([0, 1, 90]),
        channel=st.sampled_from([0, 1, 9]),
        time=st.integers(0, 300),
    ),
    st.builds(
        mido.Message,
        st.just("program_change"),
        program=st.sampled_from([0, 5]),
        channel=st.sampled_from([0, 9]),
        time=st.integers(0, 50),
    ),
    st.builds(mido.Message, st.just("pitchwheel"), pitch=st.integers(-9, 9)),
    st.builds(mido.Message, st.just("sysex"), data=st.lists(st.integers(0, 127), max_size=3)),
    st.builds(
        mido.MetaMessage,
        st.just("set_tempo"),
        tempo=st.integers(200_000, 900_000),
        time=st.integers(0, 200),
    ),
    st.builds(
        mido.MetaMessage,
        st.just("time_signature"),
        numerator=st.integers(1, 7),
        denominator=st.sampled_from([2, 4, 8]),
        time=st.integers(0, 100),
    ),
    st.builds(mido.MetaMessage, st.just("track_name"), name=st.sampled_from(["Lead", "Bass", ""])),
    st.builds(mido.MetaMessage, st.just("lyrics"), text=st.text("abc", max_size=200)),
)


@settings(max_examples=60, deadline=None)
@given(tracks=st.lists(st.lists(events, max_size=25), min_size=1, max_size=3))
def test_file_is_read_for_the_reference_exactly_as_pretty_midi_reads_it(tmp_path_factory, tracks):
    path = midi_file(tmp_path_factory.mktemp("midi") / "a.mid", *tracks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        midi = pretty_midi.PrettyMIDI(str(path))
    if not any(track.notes for track in midi.instruments):
        with pytest.raises(DataError, match="has no notes"):
            read_score(path, reference=True)
        return
    ours, theirs = read_score(path, reference=True), read_score(midi, reference=True)
    for name, column in vars(theirs.notes).items():
        assert np.array_equal(getattr(ours.notes, name), column), name
    assert ours.tempos == theirs.tempos
    assert ours.meters == theirs.meters
    assert ours.names == theirs.names


def test_note_sequence_and_pretty_midi_give_the_same_score():
    note_seq = pytest.importorskip("note_seq")
    midi = pretty_midi.PrettyMIDI(initial_tempo=100)
    for program, drums in ((0, False), (0, True)):
        track = pretty_midi.Instrument(program, drums, "track")
        track.notes.append(pretty_midi.Note(80, 60, 0.5, 1.0))
        midi.instruments.append(track)
    ours, theirs = read_score(midi), read_score(note_seq.midi_to_note_sequence(midi))
    for name, column in vars(theirs.notes).items():
        assert np.array_equal(getattr(ours.notes, name), column), name
    assert ours.tempos == theirs.tempos == ((0.0, pytest.approx(100)),)


def test_scores_pass_through_and_other_objects_are_refused():
    score = Score.from_notes([0], [1], [60])
    assert read_score(score) is score
    with pytest.raises(TypeError, match="MIDI path, PrettyMIDI"):
        read_score(3)


def test_score_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Score.from_notes([0], [1], [60]).notes.pitch[0] = 1


def test_a_file_written_anew_is_read_anew(tmp_path):
    path = midi_file(tmp_path / "a.mid", note(60, 0, 480))
    assert read_score(path).notes.pitch.tolist() == [60]
    midi_file(path, [*note(62, 0, 480), *note(64, 0, 480)])
    assert read_score(path).notes.pitch.tolist() == [62, 64]


def test_riff_header_before_the_midi_data_is_skipped(tmp_path):
    path = midi_file(tmp_path / "a.mid", note(60, 0, 480))
    path.write_bytes(b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + path.read_bytes())
    assert len(read_score(path).notes) == 1


# --- pieces ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "step"),
    [(0.0, 0), (0.0624, 0), (0.0625, 1), (0.125, 1), (0.1874, 1), (0.1875, 2), (2.0, 16)],
)
def test_quantising_at_120_bpm_halves_go_up(seconds, step):
    (piece,) = pieces(Score.from_notes([seconds], [seconds + 1], [60]))
    assert piece.notes.start.tolist() == [step]


def test_a_note_within_one_step_gets_length_one():
    (piece,) = pieces(Score.from_notes([0.25], [0.26], [60]))
    assert (piece.notes.start[0], piece.notes.end[0]) == (2, 3)


def test_pieces_are_cut_at_tempo_and_meter_changes_and_notes_with_them():
    score = Score(
        Score.from_notes([0, 3, 7], [5, 4.5, 9], [60, 62, 64]).notes,
        tempos=((0.0, 120.0), (4.0, 60.0)),
        meters=(Meter(6.0, 3, 4), Meter(8.0, 4, 4)),
    )
    found = list(pieces(score))
    assert [piece.offset for piece in found] == [0, 4, 6, 8]
    assert [piece.tempo for piece in found] == [120, 60, 60, 60]
    assert [str(piece.meter) for piece in found] == ["4/4", "4/4", "3/4", "4/4"]
    assert [piece.problem and piece.problem[0] for piece in found] == [None, None, "meter", None]
    assert found[0].notes.end.tolist() == [32, 32]
    assert [len(piece.notes) for piece in found] == [2, 0, 0, 0]
    assert found[1].seconds(4) == 5.0


def test_repeated_equal_events_and_events_after_the_end_cut_nothing():
    notes = Score.from_notes([0], [4], [60]).notes
    score = Score(notes, ((0.0, 120.0), (1.0, 120.0), (4.0, 90.0)), (Meter(2.0, 4, 4),))
    assert len(list(pieces(score))) == 1


def test_a_meter_at_time_zero_makes_no_piece_of_its_own():
    score = Score.from_notes([0], [4], [60], meter=(2, 2), tempo=90)
    (piece,) = pieces(score)
    assert (piece.problem, piece.tempo) == (None, 90)


@pytest.mark.parametrize(("meter", "usable"), [((8, 8), True), ((3, 4), False), ((6, 6), False)])
def test_only_bars_of_four_quarters_are_usable(meter, usable):
    assert Meter(0.0, *meter).usable is usable


@settings(max_examples=60, deadline=None)
@given(
    starts=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    tempos=st.lists(st.tuples(st.integers(0, 60), st.sampled_from([60, 97, 120])), max_size=3),
    meters=st.lists(st.tuples(st.integers(0, 60), st.sampled_from([(3, 4), (4, 4)])), max_size=3),
)
def test_pieces_equal_those_of_note_seq(starts, tempos, meters):
    pytest.importorskip("note_seq")
    from note_seq import NoteSequence, sequences_lib

    sequence = NoteSequence()
    for start in starts:
        sequence.notes.add(start_time=start / 7, end_time=start / 7 + 0.3, pitch=60, velocity=80)
    sequence.total_time = max(n.end_time for n in sequence.notes)
    for time, qpm in tempos:
        sequence.tempos.add(time=time, qpm=qpm)
    for time, (numerator, denominator) in meters:
        sequence.time_signatures.add(time=time, numerator=numerator, denominator=denominator)
    ours = list(pieces(read_score(sequence)))
    theirs = sequences_lib.split_note_sequence_on_time_changes(sequence)
    assert len(ours) == len(theirs)
    for piece, cut in zip(ours, theirs, strict=True):
        quantised = sequences_lib.quantize_note_sequence(cut, 4)
        assert piece.tempo == quantised.tempos[0].qpm
        signature = quantised.time_signatures[0]
        assert str(piece.meter) == f"{signature.numerator}/{signature.denominator}"
        if piece.problem is None:
            steps = [(n.quantized_start_step, n.quantized_end_step) for n in quantised.notes]
            assert list(zip(piece.notes.start, piece.notes.end, strict=True)) == steps


# --- other clocks ---------------------------------------------------------------------------


def test_passages_go_through_changes_of_tempo():
    # Four beats at 120, then four at 60: the second bar lasts four seconds.
    score = Score(
        Score.from_notes([0, 2, 5], [1, 3, 6], [60, 62, 64]).notes, ((0.0, 120.0), (2.0, 60.0))
    )
    (piece,) = score.passages()
    assert piece.tempo == 120
    assert piece.notes.start.tolist() == [0, 16, 28]
    assert piece.tempos(0, 32) == [(0, 120), (16, 60)]
    assert piece.tempos(16, 16) == [(0, 60)]
    assert piece.seconds(20) == 3.0


def test_beats_become_quarters_and_downbeats_bar_lines():
    beats = np.array([0.1, 0.7, 1.2, 1.8, 2.3, 2.9, 3.4, 4.0, 4.5])
    downbeats = np.array([0, 1, 0, 0, 0, 1, 0, 0, 0], bool)
    score = Score.from_notes(beats[[1, 3, 5]], beats[[2, 4, 6]], [60, 62, 64], meter=(1, 4))
    (piece,) = pieces(with_beats(score, beats, downbeats))
    assert piece.problem is None
    assert piece.notes.start.tolist() == [16, 24, 32]
    assert piece.notes.end.tolist() == [20, 28, 36]
    assert piece.tempo == pytest.approx(60 / np.median(np.diff(beats)))


def test_bars_of_other_lengths_between_downbeats_become_meters():
    beats = np.arange(14.0) / 2
    downbeats = np.isin(np.arange(14), [0, 4, 6, 10])
    score = Score.from_notes(beats[:-1], beats[1:], np.full(13, 60))
    found = list(pieces(with_beats(score, beats, downbeats)))
    assert [str(piece.meter) for piece in found] == ["4/4", "2/4", "4/4"]


def test_beats_file_beside_the_midi_file_gives_the_bars(tmp_path):
    path = midi_file(
        tmp_path / "a.mid",
        [mido.MetaMessage("time_signature", numerator=1, denominator=4), *note(60, 480, 480)],
    )
    assert [piece.problem is None for piece in pieces(read_score(path))] == [False]
    flags = [(time, 1.0, float(k % 4 == 1)) for k, time in enumerate(np.arange(9) / 2)]
    (tmp_path / "a.beats.txt").write_text("\n".join(f"{a} {b} {c}" for a, b, c in flags))
    (piece,) = pieces(read_score(path))
    assert piece.notes.start.tolist() == [16]
    assert [p.problem is None for p in pieces(read_score(path, beats=False))] == [False]


@pytest.mark.parametrize("text", ["three blind mice", " \n\n", "# time flag\n", "0.5 1\n0.2 1"])
def test_broken_beats_file_is_named(tmp_path, text):
    path = midi_file(tmp_path / "a.mid", note(60, 480, 480))
    (tmp_path / "a.beats.txt").write_text(text)
    with pytest.raises(DataError, match=r"a\.beats\.txt: is not a list of beats"):
        read_score(path)
