"""The export of music21's tunes: bars lie on the grid, ties are one note."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.music21_export import Bar, Note, align_bars, export_tune, merge_ties

HEAD = "X:1\nT:Test\nM:{meter}\nL:1/4\nK:C\n"


def onsets(*lengths: float) -> list[float]:
    """Return where bars of these lengths start; each holds one note at its start."""
    return [note.onset for note in align_bars([Bar(n, [Note(0, 1, 60)]) for n in lengths])]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ((4, 4, 4), [0, 4, 8]),
        ((1, 4, 4), [3, 4, 8]),  # pick-up
        ((1, 4, 3), [3, 4, 8]),
        ((1, 4, 3, 4, 3), [3, 4, 8, 12, 16]),  # a section ends short, and the next has no pick-up
        ((1, 4, 3, 1, 4), [3, 4, 8, 11, 12]),  # a bar divided by a repeat sign
        ((4, 4, 1, 4), [0, 4, 11, 12]),  # a pick-up to the second section
        ((8, 4), [0, 8]),
        ((), []),
    ],
)
def test_full_bars_start_on_bar_lines(lengths: tuple, expected: list[float]) -> None:
    assert onsets(*lengths) == expected


def test_ties_are_merged() -> None:
    notes = [Note(0, 4, 60), Note(4, 1, 60, True), Note(5, 1, 62), Note(6, 1, 60, True)]
    assert merge_ties(notes) == [Note(0, 5, 60), Note(5, 1, 62), Note(6, 1, 60)]


def test_tunes_become_midi(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    import pretty_midi

    path = tmp_path / "tune.mid"
    tune = HEAD.format(meter="4/4") + "c | d e f g- | g2 [ce] z | {a}d4 |]\n"
    assert export_tune(tune, path) == "written"
    notes = pretty_midi.PrettyMIDI(str(path)).instruments[0].notes
    beats = [(round(n.start * 2, 3), round(n.end * 2, 3), n.pitch) for n in notes]
    assert beats == [
        (3, 4, 72),
        (4, 5, 74),
        (5, 6, 76),
        (6, 7, 77),
        (7, 10, 79),
        (10, 11, 76),
        (12, 16, 74),
    ]
    assert (
        export_tune(HEAD.format(meter="3/4") + "c d e |]\n", path)
        == "not in one of the meters throughout"
    )
    for change in ("\nM:3/4\n", "[M:3/4] "):
        mixed = HEAD.format(meter="C|") + f"c d e f | c d e f |{change}c d e | c d e |]\n"
        assert export_tune(mixed, path) == "not in one of the meters throughout"
    assert export_tune(HEAD.format(meter="4/4") + "z4 |]\n", path) == "no notes"
