"""The rule for the melody: its traits, one by one, and its weights as the docs have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.parts import parts
from seqvae.music.representations.parts.rating import TRAITS, traits

DOCS = Path(__file__).parents[2] / "docs/parts.md"
Line = Sequence[tuple[float, float, int]]
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]
LEAD = [(0, 1.5, 72), (1.5, 2, 74), (2, 3, 76), (3, 4, 71), (4, 5.5, 69), (5.5, 6, 71), (6, 8, 67)]


def even(pitches: Sequence[int], length: float = 0.5, start: float = 0) -> Line:
    return [(start + k * length, start + (k + 1) * length, p) for k, p in enumerate(pitches)]


def of(*lines: Line, words: Sequence[float] = ()) -> list[dict[str, float]]:
    given = [
        (Notes.of(*np.array(line, float).T[:2], np.array(line)[:, 2].astype(int)), 0.0, 0)
        for line in lines
    ]
    return traits(given, np.array(words), max(end for line in lines for _, end, _ in line))


def taken(*lines: Line, velocities: Sequence[int] = ()) -> list[bool]:
    loud = velocities or [90] * len(lines)
    rows = [
        (start / 2, end / 2, pitch, loud[number], number)
        for number, line in enumerate(lines)
        for start, end, pitch in line
    ]
    score = Score(Notes.of(*(np.array(column) for column in zip(*rows, strict=True))))
    return [part.role == "melody" for part in parts(score)]


def times(line: Line, count: int) -> Line:
    return [(a + 8 * k, b + 8 * k, p + 2 * (k % 3)) for k in range(count) for a, b, p in line]


def test_the_docs_have_the_weights_of_the_rule():
    table = DOCS.read_text().split("## The rule in numbers")[1].split("Bars are of")[0]
    points = [float(each) for each in re.findall(r"\| (-?[\d.]+) \|\n", table)]
    assert points == [trait.weight for trait in TRAITS.values()]
    assert set(of(even(SCALE))[0]) == set(TRAITS)


def test_traits_of_a_line():
    (scale,) = of(even(SCALE))
    assert (scale["chords"], scale["overlap"], scale["drone"]) == (0, 0, 0)
    assert (scale["tunes"], scale["tunes_of_all"], scale["skyline"]) == (1, 1, 1)
    assert scale["lengths"] == 0
    assert scale["far"] == pytest.approx(6 / 12)  # its middle is F#4
    (chords,) = of([(k, k + 1, p) for k in range(8) for p in (60, 64, 67, 72)])
    assert (chords["chords"], chords["drone"], chords["tunes"]) == (2, 1, 0)
    (held,) = of([(k, k + 2, p) for k, p in enumerate(SCALE)])
    assert held["overlap"] == 1
    (long,) = of(even([60, 64], 4))
    assert long["slow"] == 1
    (rhythm,) = of([(0, 1, 60), (1, 1.5, 62), (1.5, 2, 64), (2, 4, 62)])
    assert rhythm["lengths"] == pytest.approx(1.5)


def test_traits_beside_other_lines():
    high, low = of(even([p + 12 for p in SCALE]), even(SCALE))
    assert (high["covered"], low["covered"]) == (0, 1)
    assert (high["skyline"], low["skyline"]) == (1, 0)
    now, later = of(even(SCALE), even(SCALE, start=12))
    assert (now["skyline"], later["skyline"]) == (0.5, 0.5)
    assert now["presence"] == 1  # it plays in half of the bars; 30 % are enough


def test_words_count_where_notes_carry_them():
    starts = [k / 2 for k in range(8)]
    sung, other = of(even(SCALE), even([60, 64], 2), words=starts)
    assert sung["words"] == pytest.approx(0.4)
    assert other["words"] == 0


@pytest.mark.parametrize(
    "below",
    [
        even([84, 88, 91, 88] * 32, 0.25),
        even([79, 79, 79, 79] * 16),
        [(4 * k, 4 * k + 4, p) for k in range(8) for p in (76, 79, 84)],
    ],
    ids=["arpeggio", "pulse", "pad"],
)
def test_a_tune_beneath_what_accompanies_it_is_the_melody(below):
    assert taken(below, times(LEAD, 4)) == [False, True]


def test_an_echo_is_not_taken_for_what_it_repeats():
    tune = times(LEAD, 4)
    echo = [(start + 0.5, end + 0.5, pitch) for start, end, pitch in tune]
    assert taken(tune, echo, velocities=(90, 90)) == [True, False]
    assert taken(echo, tune, velocities=(50, 90)) == [False, True]
