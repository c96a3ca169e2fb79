"""The form of long windows: which bars are repeated, exactly or nearly.

The similarity of two bars is measured by their edit distance (Levenshtein): the smallest number of
insertions, deletions and replacements of their 16 tokens that make one the other. So a bar that is
shifted by a 16th is nearly the same, and one with another rhythm is not. Bars with few notes are
similar by chance, so compare the shares of similar bars with those of `shuffled_bars`.

    form(codec, windows)["repeated_bars"].mean()      # share of bars that repeat an earlier one
    self_similarity(windows)[0]                       # matrix of the first window, (bars, bars)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from seqvae.music.reading.grids import SIXTEEN
from seqvae.music.representations.measuring import bars_of, checked, share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seqvae.music.representations.alphabet import Alphabet
    from seqvae.music.representations.measuring import Floats, Ints

NEAR = 3
"""Largest edit distance of bars, of 16 tokens each, that count as similar."""


class Voiced(Protocol):
    """A codec of windows of one or more voices; `SequenceCodec` is one."""

    steps_per_bar: int

    def by_voice(self, windows: Any) -> Iterable[tuple[str, Alphabet, Ints]]:
        """Return prefix, alphabet and windows of each voice; see `SequenceCodec.by_voice`."""
        ...


_PAIRS = 1 << 20
"""Pairs of bars that are compared together; each takes about 100 bytes."""


def form(codec: Voiced, windows: Any, edits: int = NEAR) -> dict[str, Floats]:
    """Measure how many bars of windows are repeated.

    Args:
        codec: The windows' codec.
        windows: Class indices `(n, *codec.shape)`, of any number of steps.
        edits: Largest edit distance of similar bars.

    Returns:
        `repeated_bars` and `similar_bars`, values `(n,)`; of several voices those of each, as
        `melody_repeated_bars`. NaN for windows without a note.
    """
    return {
        f"{voice}{name}": repeated_bars(alphabet, x, within, codec.steps_per_bar)
        for voice, alphabet, x in codec.by_voice(windows)
        for name, within in (("repeated_bars", 0), ("similar_bars", edits))
    }


def repeated_bars(
    alphabet: Alphabet, windows: Any, edits: int = 0, bar: int = SIXTEEN.steps_per_bar
) -> Floats:
    """Return the share of bars that repeat an earlier bar of their window, `(n,)`.

    Only bars in which a note begins count. The first of them never repeats another, so 16 equal
    bars have a share of 15/16.

    Args:
        alphabet: The windows' alphabet.
        windows: Class indices, `(n, steps)`.
        edits: Largest edit distance of a bar from one that it repeats; 0 for equal bars.
        bar: Steps of a bar.
    """
    x = checked(windows)
    sounding = np.asarray(bars_of(alphabet.onsets(x), bar).any(axis=2))
    count = bars_of(x, bar).shape[1]
    later, earlier = np.tril_indices(count, -1)
    alike = distances(x, bar)[:, later, earlier] <= edits
    alike &= sounding[:, later] & sounding[:, earlier]
    repeats = np.zeros((len(x), count), np.int64)
    np.add.at(repeats.T, later, alike.T)
    return share(repeats > 0, sounding)


def relations(
    windows: Any, groups: int, edits: int = NEAR, bar: int = SIXTEEN.steps_per_bar
) -> Ints:
    """Return which bars of any two parts of windows are the same, `(n, groups, groups)`, as bits.

    There are two bits for each voice and each pair of places in a part: whether the bars there are
    equal, and whether they are similar. So parts of two bars of a melody have 8, of a trio 24.

    Args:
        windows: Class indices, `(n, steps)` or of several voices `(n, steps, voices)`.
        groups: Parts of a window, of a whole number of bars.
        edits: Largest edit distance of similar bars.
        bar: Steps of a bar.

    Raises:
        ValueError: The bars cannot be divided into such parts.
    """
    x = checked(windows, *np.shape(windows)[2:3])
    found, bit = np.zeros((len(x), groups, groups), np.int64), 0
    for voice in _voices(x):
        apart = distances(voice, bar)
        bars = apart.shape[1] // groups
        if bars * groups != apart.shape[1]:
            raise ValueError(f"{apart.shape[1]} bars cannot be divided into {groups} parts")
        for far in (0, edits):
            alike = (apart <= far).reshape(len(x), groups, bars, groups, bars)
            for first, second in np.ndindex(bars, bars):
                found |= alike[:, :, first, :, second].astype(np.int64) << bit
                bit += 1
    return found


def repeated(windows: Any, forms: Any, bar: int = SIXTEEN.steps_per_bar) -> Ints:
    """Return windows in which bars are replaced by the earlier bars that they shall be equal to.

    Args:
        windows: Class indices, `(n, steps)` or of several voices `(n, steps, voices)`.
        forms: Relations of bars as `relations` returns them, `(n, groups, groups)`.
        bar: Steps of a bar.
    """
    x = checked(windows, *np.shape(windows)[2:3])
    bits = np.asarray(forms).astype(np.int64)
    count = x.shape[1] // bar
    places = count // bits.shape[1]
    for number, voice in enumerate(_voices(x)):
        bars = bars_of(voice, bar)  # a view of x
        for later in range(1, count):
            free = np.ones(len(x), bool)
            for earlier in range(later):
                bit = 2 * number * places**2 + earlier % places * places + later % places
                equal = bits[:, earlier // places, later // places] >> bit & 1 == 1
                bars[equal & free, later] = bars[equal & free, earlier]
                free &= ~equal
    return x


def _voices(x: Ints) -> list[Ints]:
    """Return the voices of windows one by one, `(n, steps)`, as views."""
    return [x] if x.ndim == 2 else list(np.moveaxis(x, 2, 0))


def self_similarity(windows: Any, bar: int = SIXTEEN.steps_per_bar) -> Floats:
    """Return the similarities of the bars of each window, `(n, bars, bars)`, and of each voice.

    The entries are 1 - d / bar for bars of edit distance d: 1 for equal bars.

    Args:
        windows: Class indices, `(n, steps)` or of several voices `(n, steps, voices)`, which gives
            `(n, voices, bars, bars)`.
        bar: Steps of a bar.
    """
    x = np.asarray(windows)
    if x.ndim == 3:
        return np.stack([self_similarity(x[..., k], bar) for k in range(x.shape[2])], axis=1)
    return 1 - distances(x, bar) / bar


def shuffled_bars(windows: Any, seed: int = 0, bar: int = SIXTEEN.steps_per_bar) -> Ints:
    """Return windows of the same bars in random order: music of these bars, but without form.

    Args:
        windows: Class indices, `(n, steps)` or `(n, steps, voices)`, of whole bars.
        seed: Makes the order repeatable.
        bar: Steps of a bar.
    """
    x = np.asarray(windows)
    bars = x.reshape(-1, bar, *x.shape[2:])
    return np.random.default_rng(seed).permutation(bars).reshape(x.shape)


def distances(windows: Any, bar: int = SIXTEEN.steps_per_bar) -> Ints:
    """Return the edit distance of any two bars of each window, `(n, bars, bars)`.

    Args:
        windows: Class indices, `(n, steps)`.
        bar: Steps of a bar.
    """
    bars = bars_of(checked(windows), bar)
    count = bars.shape[1]
    first, second = np.tril_indices(count, -1)
    found = np.zeros((len(bars), count, count), np.int64)
    rows = max(1, _PAIRS // max(len(first), 1))
    for start in range(0, len(bars), rows):
        part = bars[start : start + rows]
        pairs = part[:, first].reshape(-1, bar), part[:, second].reshape(-1, bar)
        distance = edit_distance(*pairs).reshape(len(part), -1)
        found[start : start + rows, first, second] = distance
        found[start : start + rows, second, first] = distance
    return found


def edit_distance(a: Ints, b: Ints) -> Ints:
    """Return the edit distance of each row of a to the same row of b, `(m, length)` -> `(m,)`.

    The table of the dynamic programme is filled for all rows together, one of its cells at a time.
    """
    # Tokens first, in small integers, so that every operation reads contiguous memory.
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
