"""Bars that the notes of a file show, where its time signatures do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from midi_files import midi_file, note

from seqvae.music.reading.evident import in_evident_bars
from seqvae.music.reading.midi import read_in, read_score
from seqvae.music.reading.score import Meter, Score

IN_THREES = "its notes come back every three quarters"


def figure(quarters, written=True, shift=0.0, every=0.5):
    """Return notes, each of another pitch, that come back every so many quarters."""
    onset = np.arange(0.0, 48, every)
    pitch = 60 + (onset % quarters / every).astype(int)
    onset += shift
    score = Score.from_notes(onset, onset + 0.4, pitch, tempo=60)
    return score if written else replace(score, meters=())


def metres(score):
    return ["{}/{}".format(*stretch.metre) for stretch in score.stretches]


@pytest.mark.parametrize(
    ("quarters", "written", "metre", "notices"),
    [
        (3, False, "3/4", 1),
        (3, True, "4/4", 1),
        (4, False, "4/4", 0),
        (4, True, "4/4", 0),
        (2, False, "4/4", 0),
        (6, False, "3/4", 1),
        (5, False, "4/4", 0),
    ],
)
def test_music_that_comes_back_every_three_quarters(quarters, written, metre, notices):
    score = in_evident_bars(figure(quarters, written))
    assert metres(score) == [metre]
    assert len(score.notices) == notices
    assert all(IN_THREES in notice for notice in score.notices)


def test_other_time_signatures_and_several_are_believed():
    fives = replace(figure(3), meters=(Meter(0.0, 5, 4),))
    several = replace(figure(3), meters=(Meter(0.0, 4, 4), Meter(8.0, 2, 4), Meter(10.0, 4, 4)))
    for score in (fives, several):
        assert in_evident_bars(score) is score


def test_few_notes_show_nothing():
    score = figure(3, written=False)
    few = replace(score, notes=score.notes[:24])
    assert in_evident_bars(few) is few


@pytest.mark.parametrize(
    ("shift", "first", "when"), [(0.25, 0.25, "after"), (0.75, 3.75, "before")]
)
def test_bars_begin_where_the_notes_lie(shift, first, when):
    score = in_evident_bars(figure(4, shift=shift, every=1))
    assert metres(score) == ["4/4", "4/4"]
    assert score.bar_lines[:3].tolist() == [0, first, first + 4]
    assert score.notices == (
        f"has its notes a sixteenth {when} the beats; its bars are read from there",
    )
    assert metres(in_evident_bars(figure(4, shift=0.5))) == ["4/4"]


def test_a_file_is_read_so_and_a_meter_that_is_asked_for_counts(tmp_path):
    eighths = [note(60 + k % 6, 0, 240) for k in range(96)]
    path = midi_file(tmp_path / "waltz.mid", [event for each in eighths for event in each])
    assert metres(read_score(path)) == ["3/4"]
    with read_in((4, 4)):
        score = read_score(path)
    assert (metres(score), score.notices) == (["4/4"], ())
