"""`reference=True` gives Magenta's windows: against note_seq, and against Magenta's own output."""

import itertools
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqvae.music.representations import (
    DRUM_CLASSES,
    DrumCodec,
    GrooveCodec,
    MelodyCodec,
    TrioCodec,
)
from vaecore.errors import DataError


def shared_data():
    """Return the folder with Magenta's outputs, or skip."""
    default = Path(__file__).resolve().parents[2] / "../shared/data"
    folder = Path(os.environ.get("SEQVAE_SHARED", default))
    if not (folder / "magenta/converters").is_dir():
        pytest.skip("Magenta's converter outputs are not on this machine (SEQVAE_SHARED)")
    return folder


def counted(windows):
    rows = np.asarray(windows)
    if rows.dtype.kind == "f":
        rows = np.rint(rows * 1e5).astype(int)
    return Counter(tuple(row.ravel().tolist()) for row in rows)


@pytest.mark.parametrize(
    ("config", "codec"),
    [
        ("cat-drums_2bar_small", DrumCodec()),
        ("cat-mel_2bar_small", MelodyCodec()),
        ("hierdec-mel_16bar", MelodyCodec(bars=16)),
        ("hierdec-trio_16bar", TrioCodec()),
        ("groovae_2bar_humanize", GrooveCodec()),
    ],
)
def test_windows_of_real_files_equal_magentas(config, codec):
    """Numbers, of performances, are told apart to 1/100,000."""
    data = shared_data()
    names = json.loads((data / f"magenta/converters/{config}.json").read_text())
    theirs = np.load(data / f"magenta/converters/{config}.npz")
    for name in sorted(names)[:: 1 if codec.bars > 2 else 2]:
        expected = theirs[name] if name in theirs.files else []
        assert len(expected) == names[name]["windows"]
        ours = codec.windows(data / "midi" / name, reference=True)
        assert counted(ours) == counted(expected), name


# --- note_seq as the oracle -----------------------------------------------------------------


def quantised_pieces(sequence):
    """Yield the pieces of a NoteSequence that have bars of sixteen steps, quantised."""
    from note_seq import sequences_lib

    for piece in sequences_lib.split_note_sequence_on_time_changes(sequence):
        quantised = sequences_lib.quantize_note_sequence(piece, 4)
        if sequences_lib.steps_per_bar_in_quantized_sequence(quantised) == 16:
            yield quantised


def melody_windows(sequence, bars):
    """Return the windows of all melodies, extracted by note_seq's `Melody`."""
    from note_seq import Melody

    windows = []
    for piece in quantised_pieces(sequence):
        notes = [note for note in piece.notes if 21 <= note.pitch <= 108]
        del piece.notes[:]
        piece.notes.extend(notes)
        distinct = set()
        for instrument in {note.instrument for note in notes}:
            search = 0
            while True:
                melody = Melody()
                melody.from_quantized_sequence(
                    piece, search, instrument, ignore_polyphonic_notes=True, pad_end=True
                )
                search = melody.end_step
                if not len(melody):
                    break
                for start in range(0, min(len(melody), 1600) - bars * 16 + 1, 16):
                    window = Melody(list(melody)[start : start + bars * 16])
                    distinct.add(tuple(max(0, e - 19) if e >= 0 else e + 2 for e in window))
        windows += distinct
    return windows


def drum_windows(sequence, bars):
    """Return the windows of all drum tracks, extracted by note_seq's `DrumTrack`."""
    from note_seq import DrumTrack

    classes = {p: k for k, (_, pitches) in enumerate(DRUM_CLASSES) for p in pitches}
    windows = []
    for piece in quantised_pieces(sequence):
        notes = [note for note in piece.notes if note.is_drum and note.pitch in classes]
        del piece.notes[:]
        piece.notes.extend(notes)
        distinct, search = set(), 0
        while True:
            track = DrumTrack()
            track.from_quantized_sequence(piece, search, pad_end=True)
            search = track.end_step
            if not len(track):
                break
            steps = [sum({2 ** classes[pitch] for pitch in event}) for event in track]
            for start in range(0, min(len(steps), 1600) - bars * 16 + 1, 16):
                distinct.add(tuple(steps[start : start + bars * 16]))
        windows += distinct
    return windows


def trio_windows(sequence, bars):
    """Return the windows of all trios by the rules of the reference, voices by note_seq."""
    windows = []
    for piece in quantised_pieces(sequence):
        total = -(-piece.total_quantized_steps // 16)
        kinds, covered, tokens = {}, {}, {}
        for note in piece.notes:
            i, program = note.instrument, note.program
            kind = "mel" if program < 32 else "bass" if program < 40 else "none"
            kind = "drums" if note.is_drum else kind
            kinds[i] = kind if kinds.get(i, kind) == kind else "none"
            first, last = note.quantized_start_step // 16, -(-note.quantized_end_step // 16)
            covered.setdefault(i, set()).update(range(first, last))
        for i in kinds:
            tokens[i] = voice(piece, i, kinds[i], total * 16)
        of = {
            k: [i for i in kinds if kinds[i] == k and tokens[i]] for k in ("mel", "bass", "drums")
        }
        near = {i: {b + d for b in covered[i] for d in range(-2, 3)} for i in kinds}
        for trio in itertools.product(of["mel"], of["bass"], of["drums"]):
            full = {b for b in range(total) if all(b in near[i] for i in trio)}
            for end in (range(total)[:2], range(total)[-2:]):
                full -= set(end)
                full |= set(end) if any(b in near[i] for b in end for i in trio) else set()
            for start in range(total - bars + 1):
                if full.issuperset(range(start, start + bars)):
                    part = slice(start * 16, (start + bars) * 16)
                    columns = [tokens[i][part] for i in trio]
                    windows.append(tuple(t for row in zip(*columns, strict=True) for t in row))
    return windows


def voice(piece, instrument, kind, steps):
    """Return the tokens of one instrument over so many steps, None if it has none."""
    from note_seq import DrumTrack, Melody

    classes = {p: k for k, (_, pitches) in enumerate(DRUM_CLASSES) for p in pitches}
    part = type(piece)()
    part.CopyFrom(piece)
    del part.notes[:]
    usable = classes if kind == "drums" else range(21, 109)
    part.notes.extend(n for n in piece.notes if n.instrument == instrument and n.pitch in usable)
    events, gap = DrumTrack() if kind == "drums" else Melody(), float("inf")
    if kind == "drums":
        events.from_quantized_sequence(part, 0, gap, pad_end=True)
    else:
        events.from_quantized_sequence(part, 0, instrument, gap, True, True)
    if not len(events):
        return None
    events.set_length(len(events) + events.start_step, from_left=True)
    events.set_length(steps)
    if kind == "drums":
        return [sum({2 ** classes[pitch] for pitch in event}) for event in events]
    return [max(0, e - 19) if e >= 0 else e + 2 for e in events]


notes = st.lists(
    st.tuples(
        st.integers(0, 700),  # start in fiftieths of a second
        st.integers(1, 200),  # length
        st.sampled_from([20, 35, 36, 42, 60, 61, 67, 109]),
        st.sampled_from([0, 0, 0, 1, 9]),  # instrument; 9 is the drums
    ),
    min_size=1,
    max_size=40,
)
changes = st.lists(st.tuples(st.integers(0, 14), st.sampled_from([90.0, 120.0, 121.7])), max_size=2)
meters = st.lists(st.tuples(st.integers(0, 14), st.sampled_from([(4, 4), (3, 4)])), max_size=2)


@settings(max_examples=60, deadline=None)
@given(notes=notes, changes=changes, meters=meters, bars=st.sampled_from([1, 2, 4]))
def test_generated_sequences_give_the_windows_of_note_seq(notes, changes, meters, bars):
    pytest.importorskip("note_seq")
    from note_seq import NoteSequence

    sequence = NoteSequence()
    for start, length, pitch, instrument in notes:
        sequence.notes.add(
            start_time=start / 50,
            end_time=(start + length) / 50,
            pitch=pitch,
            velocity=80,
            instrument=instrument,
            is_drum=instrument == 9,
        )
    sequence.total_time = max(note.end_time for note in sequence.notes)
    for time, qpm in changes:
        sequence.tempos.add(time=time, qpm=qpm)
    for time, (numerator, denominator) in meters:
        sequence.time_signatures.add(time=time, numerator=numerator, denominator=denominator)
    ours = MelodyCodec(bars, programs=range(128)).windows(sequence, reference=True)
    assert counted(ours) == Counter(melody_windows(sequence, bars))
    ours = DrumCodec(bars).windows(sequence, reference=True)
    assert counted(ours) == Counter(drum_windows(sequence, bars))


bands = st.lists(
    st.tuples(
        st.integers(0, 1400),  # start in fiftieths of a second
        st.integers(1, 200),  # length
        st.sampled_from([20, 35, 36, 42, 60, 67]),
        st.sampled_from([(0, 0), (0, 0), (1, 33), (1, 33), (2, 5), (3, 33), (2, 40), (9, 0)]),
    ),
    min_size=4,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(notes=bands, changes=changes, bars=st.sampled_from([1, 2, 4]))
def test_generated_bands_give_the_windows_of_the_rules(notes, changes, bars):
    pytest.importorskip("note_seq")
    from note_seq import NoteSequence

    sequence = NoteSequence()
    for start, length, pitch, (instrument, program) in [*notes, (0, 20, 36, (9, 0))]:
        sequence.notes.add(
            start_time=start / 50,
            end_time=(start + length) / 50,
            pitch=pitch,
            velocity=80,
            instrument=instrument,
            program=program,
            is_drum=instrument == 9,
        )
    sequence.total_time = max(note.end_time for note in sequence.notes)
    for time, qpm in changes:
        sequence.tempos.add(time=time, qpm=qpm)
    ours = TrioCodec(bars).windows(sequence, reference=True)
    assert counted(ours) == Counter(trio_windows(sequence, bars))


@pytest.mark.filterwarnings("ignore:Tempo, Key:RuntimeWarning")
def test_real_files_give_the_windows_of_note_seq():
    note_seq = pytest.importorskip("note_seq")
    data = shared_data()
    files = sorted((data / "midi").rglob("*.mid"))
    for path in files[:: len(files) // 25]:
        try:
            sequence = note_seq.midi_file_to_note_sequence(str(path))
            ours = [
                codec.windows(path, reference=True)
                for codec in (MelodyCodec(programs=range(128)), DrumCodec())
            ]
        except (note_seq.MIDIConversionError, DataError):
            continue
        assert counted(ours[0]) == Counter(melody_windows(sequence, 2)), path
        assert counted(ours[1]) == Counter(drum_windows(sequence, 2)), path
