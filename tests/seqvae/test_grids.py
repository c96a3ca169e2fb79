"""Bars of twelve steps: which music has them, and the way there and back."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqvae.music.form import relations, repeated
from seqvae.music.presentation import grid_of_item
from seqvae.music.properties import histograms, measure
from seqvae.music.reading.grids import GRIDS, SIXTEEN, TWELVE, in_triplets
from seqvae.music.reading.midi import read_on, read_score
from seqvae.music.reading.score import Meter, Notes, Score
from seqvae.music.representations import Context, DrumCodec, MelodyCodec, detect, make_codec
from seqvae.music.representations.detection import candidates
from seqvae.music.representations.perception.voice import metrical_ranks
from vaecore.errors import DataError

TUNES, BEATS = MelodyCodec(grid="12"), DrumCodec(grid="12")
METERS = [((3, 4), 4), ((6, 8), 4), ((4, 4), 3), ((12, 8), 2)]
"""Meters that have twelve steps a bar, and the steps of a quarter note."""


def played(onsets, meter=(4, 4), pitch=60, drums=False):
    """Return notes of a sixteenth at some quarters, at 60 bpm, so that a quarter is a second."""
    start = np.array(onsets, float)
    return Score.from_notes(
        start, start + 0.2, [pitch] * len(start), is_drum=drums, tempo=60, meter=meter
    )


def swung(bars, pitch=60, drums=False):
    """Return eighths whose second comes at two thirds of the beat."""
    return played([b + o for b in range(4 * bars) for o in (0, 2 / 3)], pitch=pitch, drums=drums)


def straight(bars, **options):
    return played([k / 4 for k in range(16 * bars)], **options)


def band(bars_of) -> Score:
    """Return a tune, a bass and drums, each by `swung` or `straight`."""
    lines = (bars_of(16, pitch=72), bars_of(16, pitch=36), bars_of(16, pitch=38, drums=True))
    notes = [
        replace(each.notes, instrument=each.notes.instrument + k) for k, each in enumerate(lines)
    ]
    columns = (f.name for f in fields(Notes))
    joined = {name: np.concatenate([getattr(each, name) for each in notes]) for name in columns}
    return replace(lines[0], notes=Notes(**joined))


def test_a_grid_is_one_object_in_every_process():
    assert all(pickle.loads(pickle.dumps(each)) is each for each in GRIDS.values())
    assert pickle.loads(pickle.dumps(TUNES)).grid is TWELVE


def test_the_configuration_names_the_grid_only_where_it_is_not_the_usual_one():
    assert TUNES.config["grid"] == "12"
    assert make_codec(TUNES.config).steps == 24
    assert "grid" not in MelodyCodec().config
    assert make_codec(MelodyCodec().config).grid is SIXTEEN
    with pytest.raises(DataError, match="unknown setting of the groove representation: grid"):
        make_codec({"name": "groove", "grid": "12"})
    with pytest.raises(ValueError, match="grid must be one of 16, 12, got '15'"):
        MelodyCodec(grid="15")


@pytest.mark.parametrize(
    ("onsets", "there"),
    [
        ([0, 2 / 3, 1, 5 / 3, 2, 8 / 3, 3, 11 / 3], True),  # a shuffle
        ([0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3], True),  # triplets
        ([0, 0.64, 1, 1.64, 2, 2.66, 3, 3.63], True),  # swing, played
        ([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], False),
        ([0, 0.75, 1, 1.75, 2, 2.75, 3, 3.75], False),  # dotted
        ([0, 0.25, 0.5, 0.75, 1, 1.02, 2.24, 2.49, 2.77], False),
        ([0, 1, 2, 3, 4, 5], False),  # nothing tells
        ([0, 2 / 3, 1, 5 / 3], False),  # too little
    ],
)
def test_triplets_are_known_by_where_onsets_lie(onsets, there):
    assert in_triplets(np.array(onsets)) is there


@pytest.mark.parametrize(
    ("score", "grid"),
    [
        (straight(4), "16"),
        (swung(4), "12"),
        (played([3 * b + k for b in range(8) for k in range(3)], (3, 4)), "12"),
        (played([k / 2 for k in range(48)], (6, 8)), "12"),
        (played([k / 2 for k in range(48)], (12, 8)), "12"),
        (played([k / 2 for k in range(50)], (5, 4)), "16"),  # refused there, with its meter
    ],
)
def test_a_score_has_the_grid_of_its_bars(score, grid):
    assert score.grid.name == grid


def test_densities_are_told_by_the_steps_of_the_grid():
    for of, grid, words in [
        (MelodyCodec, "16", "notes per 16th"),
        (MelodyCodec, "12", "notes per step"),
        (DrumCodec, "16", "hits per 16th"),
        (DrumCodec, "12", "hits per step"),
    ]:
        assert of(grid=grid).properties()["note_density"].description == words


def test_music_of_several_meters_has_the_grid_of_most_notes():
    waltz = played([*range(4), *np.arange(4, 40)], (4, 4))
    meters = (Meter(0.0, 4, 4), Meter(4.0, 3, 4))
    mixed = Score(waltz.notes, waltz.tempos, meters)
    assert mixed.grid is TWELVE
    assert mixed.main_stretch.metre == (3, 4)
    found = TUNES.read(mixed)
    assert found.bars[0] == 2
    assert {rejection.rule for rejection in found.rejections} == {"short"}


def test_bars_of_other_lengths_are_read_as_what_they_are_made_of():
    for meter, read_as, words in [
        ((6, 4), "3/4", "a bar as two"),
        ((3, 2), "3/4", "a bar as two"),
        ((3, 8), "6/8", "two bars as one"),
        ((9, 8), "6/8", "two bars as three"),
    ]:
        score = played([k / 2 for k in range(72)], meter).in_usual_bars()
        assert {"{}/{}".format(*s.metre) for s in score.stretches} == {read_as}
        assert f"is in {meter[0]}/{meter[1]}, read as {read_as}, {words}" in score.notices
        assert len(TUNES.windows(score, deduplicate=False)) == 36 // 3 - 1
    kept = played([k / 2 for k in range(72)], (12, 8)).in_usual_bars()
    assert [stretch.metre for stretch in kept.stretches] == [(12, 8)]


@pytest.mark.parametrize(("meter", "per_quarter"), METERS)
def test_a_step_is_a_twelfth_of_a_bar(meter, per_quarter):
    steps = [0, 2, 5, 7, 11, 12, 14, 17, 23]
    score = played([step / per_quarter for step in steps], meter)
    example = TUNES.read(score).first
    assert (example.x >= 2).nonzero().flatten().tolist() == steps
    context = example.context
    assert (context.meter, context.per_quarter) == (meter, per_quarter)
    assert context.seconds(24) == pytest.approx(24 / per_quarter)
    again = read_score(TUNES.decode(example.x, context))
    assert again.meters[0].numerator, again.meters[0].denominator == meter
    assert torch.equal(TUNES.encode(again), example.x)


@pytest.mark.parametrize(("meter", "per_quarter"), METERS)
def test_the_quantiser_of_note_seq_finds_the_same_steps(meter, per_quarter):
    sequences = pytest.importorskip("note_seq.sequences_lib")
    draw = np.random.default_rng(per_quarter)
    start = draw.uniform(0, 24, 400)
    start[::4] = (np.arange(100) + 0.5) / (4 * per_quarter)  # also half way between steps
    end = start + draw.uniform(1 / per_quarter, 3, 400)
    score = Score.from_notes(start, end, draw.integers(40, 80, 400), tempo=60, meter=meter)
    theirs = sequences.quantize_note_sequence(to_sequence(score), per_quarter).notes
    (piece,) = replace(score, asked="12").passages(grid=TWELVE)
    steps = zip(piece.notes.start, piece.notes.end, piece.notes.pitch, strict=True)
    expected = [(n.quantized_start_step, n.quantized_end_step, n.pitch) for n in theirs]
    assert sorted((int(a), int(b), int(p)) for a, b, p in steps) == sorted(expected)


def to_sequence(score: Score):
    """Return a score as note_seq has it."""
    from note_seq import NoteSequence

    (tempo,), (meter,) = score.tempos, score.meters
    sequence = NoteSequence(total_time=score.total_time)
    sequence.tempos.add(qpm=tempo[1])
    sequence.time_signatures.add(numerator=meter.numerator, denominator=meter.denominator)
    columns = (score.notes.start, score.notes.end, score.notes.pitch)
    for start, end, pitch in zip(*columns, strict=True):
        sequence.notes.add(start_time=start, end_time=end, pitch=int(pitch), velocity=80)
    return sequence


def test_what_is_divided_by_two_is_refused_and_forced_with_grid_12():
    with pytest.raises(DataError, match=r"is in 4/4 without triplets.*--grid 12"):
        TUNES.encode(straight(4))
    with pytest.raises(DataError, match=r"is in 3/4.*those of 12 steps"):
        MelodyCodec().encode(played(range(24), (3, 4)))
    with read_on("12"):
        forced = read_score(DrumCodec().decode(torch.tensor([1, 0, 4, 0] * 8)))
    assert forced.asked == "12"
    assert BEATS.encode(forced).any()


def test_context_without_any_is_in_three_four():
    midi = TUNES.decode(torch.tensor([41] + [0] * 23))
    (meter,) = midi.time_signature_changes
    assert (meter.numerator, meter.denominator) == (3, 4)
    assert midi.get_end_time() == pytest.approx(3.0)  # two bars at 120 bpm
    assert TUNES.blend([None], [1.0]) == TUNES.context
    (meter,) = BEATS.decode(torch.tensor([1] + [0] * 23)).time_signature_changes
    assert (meter.numerator, meter.denominator) == (4, 4)  # most drums of twelve steps are shuffles


def test_blends_of_meters_keep_the_pace_of_their_steps():
    waltz = Context(tempo_bpm=180, meter=(3, 4), per_quarter=4)
    shuffle = Context(tempo_bpm=120, meter=(4, 4), per_quarter=3)
    middle = TUNES.blend([waltz, shuffle], [0.4, 0.6])
    assert middle.meter == (4, 4)
    steps_a_minute = 0.4 * 180 * 4 + 0.6 * 120 * 3
    assert middle.tempo_bpm == pytest.approx(steps_a_minute / 3)
    assert TUNES.blend([waltz, shuffle], [0.6, 0.4]).per_quarter == 4


def windows(classes):
    return st.lists(st.integers(0, classes - 1), min_size=24, max_size=24)


@pytest.mark.parametrize(("meter", "per_quarter"), METERS)
@settings(max_examples=25, deadline=None)
@given(x=windows(512))
def test_drums_come_back(meter, per_quarter, x):
    x = torch.tensor(x)
    if not x.any():
        return
    context = Context(meter=meter, per_quarter=per_quarter)
    assert torch.equal(BEATS.encode(BEATS.decode(x, context)), x)


@pytest.mark.parametrize(("meter", "per_quarter"), METERS)
@settings(max_examples=25, deadline=None)
@given(x=windows(90))
def test_melodies_are_a_fixed_point(meter, per_quarter, x):
    context = Context(meter=meter, per_quarter=per_quarter)
    x = torch.tensor(x)
    if not (x >= 2).any():
        return
    once = TUNES.encode(TUNES.decode(x, context))
    assert torch.equal(TUNES.encode(TUNES.decode(once, context)), once)
    assert torch.equal((once >= 2).nonzero(), (x >= 2).nonzero())


def test_candidates_for_music_in_twelve_steps():
    waltz = played([3 * b + k for b in range(4) for k in range(3)], (3, 4))
    assert candidates([waltz]) == [("melody", 4, "12")]
    assert detect([waltz, waltz]) == ("melody", 4)
    assert candidates([swung(4)]) == [("melody", 4, "12"), ("melody", 4, "16")]
    assert [c.kind for c in candidates([band(swung)])] == ["melody", "trio", "melody"]
    assert candidates([band(straight)])[0].kind == "trio"
    assert candidates([swung(2, 38, drums=True)])[0] == ("drums", 2, "12")
    assert candidates([swung(4), straight(4)]) == [("melody", 4, "16")]
    with pytest.raises(DataError, match=r"is in 3/4, but one item is in 4/4.*--grid 12"):
        candidates([waltz, straight(4)])


def test_what_is_measured_knows_the_bar():
    x = np.zeros((1, 24), np.int64)
    x[0, [0, 5, 12, 17]] = 1
    found = measure(BEATS, x)
    assert found["repetition"] == 1
    assert "backbeat" not in found
    assert histograms(BEATS, x)["onsets"].shape == (12,)
    assert "syncopation" not in TUNES.properties()
    assert "pitch_range" in TUNES.properties()
    bars = np.arange(192).reshape(1, 192) % 12
    same = relations(bars, 8, bar=12)
    assert (same[0, 0, 1] & 1) == 1
    assert np.array_equal(repeated(bars.copy(), same, 12), bars)


@pytest.mark.parametrize(
    ("name", "steps_per_bar", "beat", "second"),
    [("waltz", 12, 4, 4), ("jig", 12, 6, 2), ("blues", 12, 3, 2), ("sunrise", 16, 4, 2)],
)
def test_pictures_have_the_bars_and_beats_of_the_metre(examples, name, steps_per_bar, beat, second):
    grid = grid_of_item(read_score(examples / f"{name}.mid"))
    notes = sorted({note.start for note in grid.melody + grid.drums})
    assert (grid.steps_per_bar, grid.beat) == (steps_per_bar, beat)
    assert notes[1] == pytest.approx(second)


def test_strong_places_of_twelve_steps():
    ranks = metrical_ranks(24, TWELVE).tolist()
    assert ranks[0] == 0
    assert sorted(range(24), key=ranks.__getitem__)[:2] == [0, 12]
    assert set(sorted(range(24), key=ranks.__getitem__)[:4]) == {0, 12, 6, 18}
    assert sorted(ranks) == list(range(24))


@pytest.mark.parametrize("codec", [TUNES, BEATS], ids=["melody", "drums"])
def test_perception_of_twelve_steps(codec):
    perception = codec.perception
    a = codec.encode(
        played([0, 1, 2, 3, 4, 5], (3, 4), 60 if codec is TUNES else 38, codec is BEATS)
    )
    b = codec.encode(
        played([k / 2 for k in range(12)], (6, 8), 67 if codec is TUNES else 42, codec is BEATS)
    )
    way = perception.between(a.expand(9, -1), b.expand(9, -1), torch.linspace(0, 1, 9))
    assert torch.equal(way[[0, -1]], torch.stack([a, b]))
    assert len(torch.unique(way, dim=0)) >= 6
    assert perception.variants(a).shape[1] == 24
