"""The form of windows: against a plain edit distance, and on forms that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seqvae.music.form import (
    distances,
    edit_distance,
    form,
    relations,
    repeated,
    repeated_bars,
    self_similarity,
    shuffled_bars,
)
from seqvae.music.representations import MelodyCodec, TrioCodec
from seqvae.music.representations.alphabet import HITS, NOTES

MELODY, TRIO = MelodyCodec(), TrioCodec()
RNG = np.random.default_rng(0)


def plain(a: list[int], b: list[int]) -> int:
    """Return the edit distance by the textbook."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        line = [i]
        for j, y in enumerate(b, 1):
            line.append(min(row[j] + 1, line[j - 1] + 1, row[j - 1] + (x != y)))
        row = line
    return row[-1]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 20).flatmap(
        lambda length: hnp.arrays(np.int64, (2, 4, length), elements=st.integers(0, 3))
    )
)
def test_edit_distances_are_those_of_the_textbook(pairs: np.ndarray) -> None:
    a, b = pairs
    expected = [plain(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert edit_distance(a, b).tolist() == expected


def test_long_rows_do_not_overflow() -> None:
    a, b = np.zeros((1, 300), int), np.ones((1, 300), int)
    assert edit_distance(a, b).tolist() == [300]


def bar(seed: int) -> np.ndarray:
    """Return a bar of a melody, another one for every seed."""
    return np.random.default_rng(seed).integers(2, 90, 16)


def song(letters: str) -> np.ndarray:
    """Return a window `(1, steps)` with a bar for each letter; "-" is silence."""
    bars = [np.zeros(16, int) if c == "-" else bar(ord(c)) for c in letters]
    return np.concatenate(bars)[None]


@pytest.mark.parametrize(
    ("letters", "share"),
    [
        ("abcd", 0),
        ("aaaa", 3 / 4),
        ("abcdabcdefghabcd", 8 / 16),
        ("ab--ab--", 2 / 4),
        ("a---------------", 0),
    ],
)
def test_repeated_bars(letters: str, share: float) -> None:
    x = song(letters)
    assert repeated_bars(NOTES, x).tolist() == [share]
    assert repeated_bars(HITS, x).tolist() == [share]
    assert form(MELODY, x)["similar_bars"].tolist() == [share]


def test_bars_without_an_onset_do_not_count() -> None:
    x = song("ab--")
    x[0, 32] = x[0, 48] = 1  # a note off, or a kick
    assert repeated_bars(NOTES, x).tolist() == [0]
    assert repeated_bars(HITS, x).tolist() == [1 / 4]
    assert np.isnan(repeated_bars(NOTES, song("----"))).all()


@pytest.mark.parametrize("changes", range(1, 6))
def test_a_changed_bar_is_similar_up_to_three_edits(changes: int) -> None:
    x = song("ab")
    x[0, 16:] = x[0, :16]
    x[0, 16 : 16 + changes] = 1
    found = form(MELODY, x)
    assert found["repeated_bars"].tolist() == [0]
    assert found["similar_bars"].tolist() == [0.5 if changes <= 3 else 0]
    assert repeated_bars(NOTES, x, edits=changes).tolist() == [0.5]
    assert self_similarity(x)[0, 0, 1] == pytest.approx(1 - changes / 16)


def test_a_bar_that_is_shifted_is_similar() -> None:
    x = song("ab")
    x[0, 17:] = x[0, :15]
    assert distances(x)[0, 0, 1] <= 2


def test_self_similarity_is_a_picture_of_the_form() -> None:
    picture = self_similarity(song("abab"))
    assert picture.shape == (1, 4, 4)
    assert np.array_equal(picture, picture.transpose(0, 2, 1))
    assert (picture[0, [0, 1, 2, 0, 1], [0, 1, 2, 2, 3]] == 1).all()
    assert picture[0, 0, 1] < 0.3


def test_trios_are_measured_voice_by_voice() -> None:
    x = np.stack([song("abab"), song("aaaa"), song("abcd")], axis=2)
    found = form(TRIO, x)
    assert {name: value.tolist() for name, value in found.items() if "repeated" in name} == {
        "melody_repeated_bars": [0.5],
        "bass_repeated_bars": [0.75],
        "drums_repeated_bars": [0],
    }
    pictures = self_similarity(x)
    assert pictures.shape == (1, 3, 4, 4)
    assert np.array_equal(pictures[:, 1], self_similarity(song("aaaa")))


def test_windows_are_measured_by_themselves_in_any_number() -> None:
    x = RNG.integers(0, 3, (300, 64))
    whole = form(MELODY, x)
    for name, values in form(MELODY, x[250:]).items():
        np.testing.assert_array_equal(whole[name][250:], values)
    assert form(MELODY, x[:0])["repeated_bars"].shape == (0,)
    assert self_similarity(x[:0]).shape == (0, 4, 4)


@pytest.mark.parametrize("voices", [(), (3,)])
def test_shuffled_bars_are_the_same_bars_without_form(voices: tuple[int, ...]) -> None:
    x = np.concatenate([song("aaaa"), *(song("abcdefghijklmnop"[k : k + 4]) for k in range(12))])
    x = np.stack([x] * 3, axis=2) if voices else x
    y = shuffled_bars(x, seed=1)
    rows = [sorted(map(bytes, np.ascontiguousarray(w.reshape(-1, x[0].size // 4)))) for w in (x, y)]
    assert rows[0] == rows[1]
    assert y.shape == x.shape
    if not voices:
        repeats = [repeated_bars(NOTES, w).mean() for w in (x, y)]
        assert repeats[1] != repeats[0]
    assert np.array_equal(y, shuffled_bars(x, seed=1))


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected integers \(n, steps, 3\)"):
        form(TRIO, np.zeros((2, 32), int))
    with pytest.raises(ValueError, match=r"expected integers \(n, steps\)"):
        form(MELODY, np.zeros((2, 32, 3), int))


def test_relations_say_which_bars_of_which_parts_are_alike() -> None:
    """Parts of two bars: bits 0..3 are equality of places (0, 0), (0, 1), (1, 0), (1, 1)."""
    rng = np.random.default_rng(0)
    a, b, c = rng.integers(2, 90, (3, 16))
    near = a.copy()
    near[3] = 0
    x = np.concatenate([a, b, b, a, a, b, near, c])[None]
    (found,) = relations(x, 4)
    equal, similar = found & 15, found >> 4
    assert equal[0, 0] == equal[1, 1] == 0b1001
    assert equal[0, 1] == equal[1, 0] == 0b0110
    assert equal[0, 2] == 0b1001
    assert equal[0, 3] == 0
    assert similar[0, 3] == 0b0001
    assert similar[1, 3] == 0b0100  # the second bar of part 1 with the first of part 3
    assert ((similar & equal) == equal).all()
    trio = np.stack([x, x, np.zeros_like(x)], axis=-1)
    (three,) = relations(trio, 4)
    assert (three & 255 == found).all()
    assert (three >> 8 & 255 == found).all()
    assert (three >> 16 == 255).all()
    with pytest.raises(ValueError, match="8 bars cannot be divided into 3 parts"):
        relations(x, 3)


@pytest.mark.parametrize("shape", [(20, 64), (20, 64, 3)])
def test_windows_repeat_what_their_form_says_and_their_own_form_changes_nothing(
    shape: tuple[int, ...],
) -> None:
    rng = np.random.default_rng(1)
    song, other = rng.integers(2, 90, (2, *shape))
    song[:, 32:48] = song[:, 16:32]
    song[:10, 48:] = song[:10, :16]
    forms = relations(song, 2)
    assert (repeated(song, forms) == song).all()
    made = repeated(other, forms)
    assert (made[:, :32] == other[:, :32]).all()
    assert (made[:, 32:48] == other[:, 16:32]).all()
    assert (made[:10, 48:] == other[:10, :16]).all()
    assert (made[10:, 48:] == other[10:, 48:]).all()
