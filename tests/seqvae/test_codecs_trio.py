"""Trio windows: where all three play, who plays what, held notes, and the way back to music."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations import Context, TrioCodec
from vaecore.errors import DataError

CODEC = TrioCodec()
SHORT = TrioCodec(bars=2)
KICK = 36

Note = tuple[int, int, int]


def score(*tracks: tuple[int | None, Sequence[Note]], names: Sequence[str] = ()) -> Score:
    """Return tracks of notes `(start step, end step, pitch)` at 120 bpm; program None is drums."""
    rows = [
        (start / 8, end / 8, pitch, 80, number, program or 0, program is None)
        for number, (program, notes) in enumerate(tracks)
        for start, end, pitch in notes
    ]
    notes = Notes.of(*(np.array(column) for column in zip(*rows, strict=True)))
    return Score(notes, names=dict(enumerate(names)), path="band.mid")


def every_bar(bars: Sequence[int], pitch: int, length: int = 4) -> list[Note]:
    """Return a note at the first step of each of the bars; the first bar is 0."""
    return [(bar * 16, bar * 16 + length, pitch) for bar in bars]


def band(melody: Sequence[int], bass: Sequence[int], drums: Sequence[int]) -> Score:
    """Return a trio that plays in these bars."""
    return score(
        (0, every_bar(melody, 72)), (33, every_bar(bass, 40)), (None, every_bar(drums, KICK))
    )


def column(x: Tensor, voice: int) -> dict[int, int]:
    """Return the events of one voice of a window as a dictionary of step to class."""
    return {int(step): int(x[step, voice]) for step in x[:, voice].nonzero()}


def test_an_example_is_three_classes_a_step() -> None:
    assert (CODEC.shape, CODEC.voice_names) == ((256, 3), ("melody", "bass", "drums"))
    assert CODEC.classes == (90, 90, 512)
    x = SHORT.encode(band([0, 1], [0, 1], [0, 1]))
    assert (x.shape, x.dtype) == ((32, 3), torch.int64)
    assert column(x, 0) == {0: 53, 4: 1, 16: 53, 20: 1}
    assert column(x, 1) == {0: 21, 4: 1, 16: 21, 20: 1}
    assert column(x, 2) == {0: 1, 16: 1}


@pytest.mark.parametrize(
    ("bass", "bars"),
    [
        (range(10), range(1, 10)),
        ([0, 5, 9], range(1, 10)),  # four bars of rest: two after a note and two before the next
        ([0, 6, 9], (1, 2, 5, 6, 7, 8, 9)),
        ([0, 8, 9], (1, 2, 7, 8, 9)),
        ([3], (1, 2, 3, 4, 5, 9)),  # in the first and last two bars others speak for it
    ],
)
def test_a_window_is_where_all_three_play(bass: Sequence[int], bars: Sequence[int]) -> None:
    music = band(range(10), bass, range(10))
    for reference in (False, True):
        found = SHORT.explain(music, reference=reference, deduplicate=False)
        assert found.bars == tuple(bars)


def test_equal_windows_are_kept_once_except_by_the_reference() -> None:
    music = band(range(10), range(10), range(10))
    assert len(SHORT.windows(music)) == 1
    assert len(SHORT.windows(music, reference=True)) == 9


def test_a_held_note_is_struck_again_and_the_reference_keeps_the_orphaned_off() -> None:
    music = score(
        (0, [(0, 20, 60), (32, 48, 62)]), (33, every_bar(range(3), 40)), (None, [(0, 1, KICK)] * 1)
    )
    first, second = SHORT.windows(music)
    assert column(first, 0) == {0: 41, 20: 1}
    assert column(second, 0) == {0: 41, 4: 1, 16: 43}
    _, theirs = SHORT.windows(music, reference=True)
    assert column(theirs, 0) == {4: 1, 16: 43}
    assert column(theirs, 1) == column(second, 1)


def test_every_melody_goes_with_every_bass_and_drums_are_one() -> None:
    tracks = [
        (0, every_bar(range(2), 60)),
        (24, every_bar(range(2), 64)),
        (33, every_bar(range(2), 40)),
        (38, every_bar(range(2), 43)),
        (None, every_bar(range(2), KICK)),
        (None, every_bar(range(2), 38)),
    ]
    found = SHORT.explain(score(*tracks))
    pairs = [(int(x[0, 0]), int(x[0, 1]), int(x[0, 2])) for x in found.x]
    assert pairs == [(41, 21, 3), (41, 24, 3), (45, 21, 3), (45, 24, 3)]
    assert [(c.program, c.bass_program) for c in found.contexts] == [
        (0, 33),
        (0, 38),
        (24, 33),
        (24, 38),
    ]
    theirs = SHORT.windows(score(*tracks), reference=True)
    assert sorted(theirs[:, 0, 2].tolist()) == [1] * 4 + [2] * 4


def chords(pitch: int) -> list[Note]:
    return every_bar(range(2), pitch) + every_bar(range(2), pitch + 4)


ORCHESTRA = [
    (0, chords(60)),
    (73, every_bar(range(2), 79)),
    (48, chords(65)),
    (33, every_bar(range(2), 40)),
    (None, every_bar(range(2), KICK)),
]


@pytest.mark.parametrize(
    ("melodies", "programs"), [("either", [73, 0]), ("lines", [73]), ("programs", [0])]
)
def test_who_plays_the_melody(melodies: str, programs: list[int]) -> None:
    found = TrioCodec(2, melodies=melodies).explain(score(*ORCHESTRA))
    assert [context.program for context in found.contexts] == programs
    theirs = TrioCodec(2, melodies=melodies).explain(score(*ORCHESTRA), reference=True)
    assert [context.program for context in theirs.contexts] == [0]


def test_names_go_before_programs() -> None:
    names = ["Piano", "Flute", "Lead Vocals", "Strings", "Drums"]
    music = score(*ORCHESTRA, names=names)
    for found in SHORT.explain(music), SHORT.read(music):
        assert found.first.context.program == 48
    assert TrioCodec(2, named=False).explain(music).first.context.program == 73
    names = ["Bass (piano)", "", "", "", "Bass drum"]
    programs = {c.bass_program for c in SHORT.explain(score(*ORCHESTRA, names=names)).contexts}
    assert programs == {0, 33}


def test_without_a_bass_the_lowest_line_is_one() -> None:
    low = (81, every_bar(range(2), 36))
    found = SHORT.explain(score(ORCHESTRA[1], low, (81, every_bar(range(2), 41)), ORCHESTRA[4]))
    assert found.contexts == (Context(120, 73, 81),)
    assert not found.relaxed
    alone = SHORT.explain(score((0, low[1]), ORCHESTRA[4]))  # the only melody there is stays it
    assert column(alone.x[0], 0)
    assert alone.relaxed


def test_an_instrument_that_changes_its_role_has_none_in_the_reference() -> None:
    music = band(range(2), range(2), range(2))
    notes = music.notes
    changed = Notes(
        **{**vars(notes), "program": np.where(notes.pitch == 72, [0, 33, 0, 0, 0, 0], 33)}
    )
    assert len(SHORT.windows(music, reference=True)) == 1
    assert not len(SHORT.windows(Score(changed), reference=True))


def test_short_music_is_filled_up_and_missing_voices_are_silent() -> None:
    found = CODEC.explain(score((0, [(0, 4, 60), (8, 12, 62)]), (None, [(4, 5, KICK)])))
    assert found.relaxed
    (x,) = found.x
    assert column(x, 0) == {0: 41, 4: 1, 8: 43, 12: 1}
    assert column(x, 1) == {}
    assert column(x, 2) == {4: 1}
    drums = CODEC.encode(score((None, [(20, 21, KICK)])))
    assert column(drums, 2) == {20: 1}
    flute = CODEC.encode(score((73, chords(60))))
    assert column(flute, 0)[0] == 45


def test_long_music_without_a_bass_has_a_window_at_every_bar() -> None:
    found = CODEC.explain(score((0, [(k * 16, k * 16 + 4, 40 + k) for k in range(20)])))
    assert found.relaxed
    assert found.bars == (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("music", "message"),
    [
        (score((120, []), (0, [(0, 4, 12)])), "band.mid: has no bass"),
        (
            Score.from_notes([0], [1], [60], meter=(3, 4), path="waltz.mid"),
            r"waltz\.mid: is in 3/4 in bar 1; models of 16 steps a bar know 4/4",
        ),
    ],
)
def test_errors_say_why_there_is_none(music: Score, message: str) -> None:
    with pytest.raises(DataError, match=message):
        CODEC.encode(music)


def test_a_bar_can_be_chosen() -> None:
    music = band(range(4), range(4), range(3))
    assert SHORT.encode(music, bar=2)[16:, 2].any()
    with pytest.raises(DataError, match="no 2-bar trio window that starts at bar 9; choose one of"):
        SHORT.encode(music, bar=9)


# --- the way back ---------------------------------------------------------------------------

melodic = st.dictionaries(st.integers(0, 31), st.integers(1, 89), max_size=12)
drumming = st.dictionaries(st.integers(0, 31), st.integers(1, 511), max_size=12)
contexts = st.builds(
    Context,
    st.floats(40, 240),
    st.integers(0, 127),
    st.integers(0, 127),
)


def window(melody: dict[int, int], bass: dict[int, int], drums: dict[int, int]) -> Tensor:
    """Return a two-bar window of these events, without note offs where nothing sounds."""
    x = torch.zeros(32, 3, dtype=torch.int64)
    for voice, events in enumerate((melody, bass, drums)):
        sounding = False
        for step, index in sorted(events.items()):
            if index == 1 and voice < 2 and not sounding:
                continue
            x[step, voice] = index
            sounding = index != 1
    return x


@settings(max_examples=100, deadline=None)
@given(melodic, melodic, drumming, contexts)
def test_what_is_decoded_is_encoded_again(
    melody: dict[int, int], bass: dict[int, int], drums: dict[int, int], context: Context
) -> None:
    x = window(melody, bass, drums)
    if not (x[:, :2] > 1).any() and not x[:, 2].any():
        return
    midi = SHORT.decode(x, context)
    assert torch.equal(SHORT.encode(midi), x)


@settings(max_examples=20, deadline=None)
@given(melodic, melodic, drumming, contexts)
def test_files_and_note_sequences_are_the_way_back_too(
    tmp_path_factory: pytest.TempPathFactory,
    melody: dict[int, int],
    bass: dict[int, int],
    drums: dict[int, int],
    context: Context,
) -> None:
    pytest.importorskip("note_seq")
    x = window({0: 50} | melody, {0: 20} | bass, drums)
    path = tmp_path_factory.mktemp("midi") / "trio.mid"
    SHORT.decode(x, context).write(str(path))
    assert torch.equal(SHORT.encode(path), x)
    assert torch.equal(SHORT.encode(SHORT.to_note_sequence(x)), x)


def test_three_tracks_with_their_programs() -> None:
    x = SHORT.encode(band([0, 1], [0, 1], [0, 1]))
    melody, bass, drums = SHORT.decode(x, Context(90, 73, 38)).instruments
    assert [t.name for t in (melody, bass, drums)] == ["melody", "bass", "drums"]
    assert (melody.program, bass.program, drums.is_drum) == (73, 38, True)
    assert [(n.start, n.end, n.pitch, n.velocity) for n in bass.notes][1] == pytest.approx(
        (16 / 6, 20 / 6, 40, 100)
    )
    assert [t.program for t in SHORT.decode(x).instruments] == [0, 33, 0]


def test_note_sequences_are_valued_as_magentas() -> None:
    pytest.importorskip("note_seq")
    sequence = SHORT.to_note_sequence(SHORT.encode(band([0, 1], [0, 1], [0])))
    parts = {(n.instrument, n.program, n.is_drum, n.velocity) for n in sequence.notes}
    assert parts == {(0, 0, False, 80), (1, 33, False, 80), (9, 0, True, 80)}
    assert sequence.total_time == 2.5  # of the last note of all, not of the drums


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(32, dtype=torch.int64), "a window is 3 integers per step"),
        (torch.zeros(32, 2, dtype=torch.int64), "a window is 3 integers per step"),
        (torch.zeros(32, 3), "a window is 3 integers per step"),
        (torch.full((32, 3), 90), r"classes must lie in 0\.\.\[ 89  89 511\]"),
    ],
)
def test_what_is_no_trio_is_refused(x: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SHORT.decode(x)


def test_an_architecture_of_other_voices_is_refused() -> None:
    def model(*classes: int) -> SimpleNamespace:
        return SimpleNamespace(architecture=SimpleNamespace(steps=256, classes=classes))

    CODEC.check(model(90, 90, 512))
    with pytest.raises(ValueError, match=r"has classes \(90, 512\)"):
        CODEC.check(model(90, 512))


@pytest.mark.parametrize("name", ["karaoke", "freedoom"])
def test_windows_of_real_files_decode_to_themselves(shared_data: Path, name: str) -> None:
    tested = 0
    for path in sorted((shared_data / "midi" / name).rglob("*.mid"))[::16]:
        try:
            found = CODEC.explain(path)
        except DataError:
            continue
        for k in range(0, len(found), max(1, len(found) // 3)):
            again = CODEC.encode(CODEC.decode(found.x[k], found.contexts[k]))
            assert torch.equal(again, found.x[k]), (path, found.bars[k])
            tested += 1
    assert tested > 5
