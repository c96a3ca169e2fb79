"""The form of long windows: which bars come back, exactly or nearly.

How alike two bars are is told by their edit distance (Levenshtein): the least number of their 16
tokens to insert, delete or replace to make one the other. So a bar that is shifted by a 16th is
nearly the same, and one with another rhythm is not. Bars with few notes are near each other by
chance, so the shares of similar bars mean something only beside those of `shuffled_bars`.

    form(codec, windows)["repeated_bars"].mean()   # share of bars that were there before
    self_similarity(windows)[0]                       # the first window's picture, (bars, bars)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.reading.score import STEPS_PER_BAR
from seqvae.music.representations.measuring import bars_of, checked, share

if TYPE_CHECKING:
    from seqvae.music.representations.alphabet import Alphabet
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.music.representations.measuring import Floats, Ints

NEAR = 3
"""Edits, of the 16 tokens of a bar, up to which two bars count as nearly the same."""

_PAIRS = 1 << 20
"""Pairs of bars that are compared at a time; each takes about 100 bytes."""


def form(codec: SequenceCodec, windows: Any, edits: int = NEAR) -> dict[str, Floats]:
    """Measure how much of the music of windows comes back.

    Args:
        codec: Of the windows.
        windows: Class indices `(n, *codec.shape)`, of any number of steps.
        edits: Up to which two bars are nearly the same.

    Returns:
        `repeated_bars` and `similar_bars`, values `(n,)`; of several voices those of each, as
        `melody_repeated_bars`. NaN for windows without a note.
    """
    return {
        f"{voice}{name}": repeated_bars(alphabet, x, within)
        for voice, alphabet, x in codec.by_voice(windows)
        for name, within in (("repeated_bars", 0), ("similar_bars", edits))
    }


def repeated_bars(alphabet: Alphabet, windows: Any, edits: int = 0) -> Floats:
    """Return the share of bars that repeat an earlier bar of their window, `(n,)`.

    Only bars in which a note begins count, and only such are repeated: silence is no form. The
    first of them never repeats one, so a window of one bar over and over has 15 of 16.

    Args:
        alphabet: Of the windows.
        windows: Class indices, `(n, steps)`.
        edits: Up to which edit distance a bar repeats another; 0 is exactly.
    """
    x = checked(windows)
    sounding = np.asarray(bars_of(alphabet.onsets(x)).any(axis=2))
    count = bars_of(x).shape[1]
    later, earlier = np.tril_indices(count, -1)
    alike = distances(x)[:, later, earlier] <= edits
    alike &= sounding[:, later] & sounding[:, earlier]
    repeats = np.zeros((len(x), count), bool)
    np.logical_or.at(repeats, (slice(None), later), alike)
    return share(repeats, sounding)


def relations(windows: Any, groups: int, edits: int = NEAR) -> Ints:
    """Return which bars of any two parts of windows are the same, `(n, groups, groups)`, as bits.

    There are two bits for each voice and each pair of places in a part: whether the bars there are
    equal, and whether they are similar. So parts of two bars of a melody have 8, of a trio 24.

    Args:
        windows: Class indices, `(n, steps)` or of several voices `(n, steps, voices)`.
        groups: Parts of a window, of a whole number of bars.
        edits: Up to which two bars are similar.
    """
    x = checked(windows, *np.shape(windows)[2:3])
    found, bit = np.zeros((len(x), groups, groups), np.int64), 0
    for voice in _voices(x):
        apart = distances(voice)
        bars = apart.shape[1] // groups
        if bars * groups != apart.shape[1]:
            raise ValueError(f"{apart.shape[1]} bars do not make {groups} parts")
        for far in (0, edits):
            alike = (apart <= far).reshape(len(x), groups, bars, groups, bars)
            for first, second in np.ndindex(bars, bars):
                found |= alike[:, :, first, :, second].astype(np.int64) << bit
                bit += 1
    return found


def repeated(windows: Any, forms: Any) -> Ints:
    """Return windows whose bars are those before that they shall be equal to.

    Args:
        windows: Class indices, `(n, steps)` or of several voices `(n, steps, voices)`.
        forms: As `relations` gives them, `(n, groups, groups)`.
    """
    x = checked(windows, *np.shape(windows)[2:3])
    told = np.asarray(forms).astype(np.int64)
    count = x.shape[1] // STEPS_PER_BAR
    places = count // told.shape[1]
    for number, voice in enumerate(_voices(x)):
        bars = bars_of(voice)  # a view: what is written here is written there
        for later in range(1, count):
            free = np.ones(len(x), bool)
            for earlier in range(later):
                bit = 2 * number * places**2 + earlier % places * places + later % places
                equal = told[:, earlier // places, later // places] >> bit & 1 == 1
                bars[equal & free, later] = bars[equal & free, earlier]
                free &= ~equal
    return x


def _voices(x: Ints) -> list[Ints]:
    """Return the voices of windows one by one, `(n, steps)`, as views."""
    return [x] if x.ndim == 2 else list(np.moveaxis(x, 2, 0))


def self_similarity(windows: Any) -> Floats:
    """Return how alike the bars of each window are, `(n, bars, bars)`; of trios that of each voice.

    The entries are 1 less the edit distance as a share of the tokens of a bar: 1 for equal bars.

    Args:
        windows: Class indices, `(n, steps)` or of several voices `(n, steps, voices)`, which gives
            `(n, voices, bars, bars)`.
    """
    x = np.asarray(windows)
    if x.ndim == 3:
        return np.stack([self_similarity(x[..., k]) for k in range(x.shape[2])], axis=1)
    return 1 - distances(x) / STEPS_PER_BAR


def shuffled_bars(windows: Any, seed: int = 0) -> Ints:
    """Return windows of the same bars dealt out anew: music of these bars, but without form.

    Args:
        windows: Class indices, `(n, steps)` or `(n, steps, voices)`, of whole bars.
        seed: Of the order.
    """
    x = np.asarray(windows)
    bars = x.reshape(-1, STEPS_PER_BAR, *x.shape[2:])
    return np.random.default_rng(seed).permutation(bars).reshape(x.shape)


def distances(windows: Any) -> Ints:
    """Return the edit distance of any two bars of each window, `(n, bars, bars)`.

    Args:
        windows: Class indices, `(n, steps)`.
    """
    bars = bars_of(checked(windows))
    count = bars.shape[1]
    first, second = np.tril_indices(count, -1)
    found = np.zeros((len(bars), count, count), np.int64)
    rows = max(1, _PAIRS // max(len(first), 1))
    for start in range(0, len(bars), rows):
        part = bars[start : start + rows]
        pairs = (
            part[:, first].reshape(-1, STEPS_PER_BAR),
            part[:, second].reshape(-1, STEPS_PER_BAR),
        )
        distance = edit_distance(*pairs).reshape(len(part), -1)
        found[start : start + rows, first, second] = distance
        found[start : start + rows, second, first] = distance
    return found


def edit_distance(a: Ints, b: Ints) -> Ints:
    """Return the edit distance of each row of a to the same row of b, `(m, length)` -> `(m,)`.

    The table of the dynamic programme is filled for all rows together, one of its cells at a time.
    """
    # Tokens first and small numbers: every step goes over contiguous memory.
    left, right = (np.ascontiguousarray(x.T, np.int16) for x in (a, b))
    kind = np.int8 if len(left) < 127 else np.int16
    above = [np.full(len(a), column, kind) for column in range(len(right) + 1)]
    for row, token in enumerate(left, 1):
        line = [np.full(len(a), row, kind)]
        for column, other in enumerate(right):
            best = np.minimum(above[column + 1], line[column]) + kind(1)
            line.append(np.minimum(best, above[column] + (token != other)))
        above = line
    return above[-1].astype(np.int64)
