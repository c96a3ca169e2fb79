"""How notes are distributed over pitches, drums and places in the bar, and how far two such differ.

Windows are those of `seqvae.music.properties`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqvae.music.properties import (
    STEPS_PER_BAR,
    VOICES,
    checked,
    drum_hits,
    note_onsets,
    note_pitches,
)
from seqvae.music.representations.groove.performance import blocks, hit_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqvae.music.properties import Floats


def histograms(representation: str, windows: Any) -> dict[str, Floats]:
    """Return all histograms of windows by name.

    They are `onsets`, and `pitches` or `drums`; of trios those of each voice, `melody_onsets` and
    so on; of performances also `velocities` and `offsets`.

    Args:
        representation: "drums", "groove", "melody" or "trio".
        windows: Class indices, `(n, steps)` or `(n, steps, 3)`; or performances.
    """
    if representation == "groove":
        x = np.asarray(windows)
        hits = histograms("drums", hit_classes(x))
        return {**hits, "velocities": velocity_histogram(x), "offsets": offset_histogram(x)}
    if representation == "trio":
        x = np.asarray(windows)
        return {
            f"{voice}_{name}": values
            for k, voice in enumerate(VOICES)
            for name, values in histograms(
                "drums" if voice == "drums" else "melody", x[..., k]
            ).items()
        }
    notes = (
        {"drums": drum_histogram(windows)}
        if representation == "drums"
        else {"pitches": pitch_histogram(windows)}
    )
    return {"onsets": onset_histogram(representation, windows), **notes}


def pitch_histogram(windows: Any, octaves: bool = True) -> Floats:
    """Return how the notes of melodies are distributed over pitches.

    Args:
        windows: Class indices, `(n, steps)`.
        octaves: Tell octaves apart.

    Returns:
        Shares that sum to 1 (or all 0 without notes): `(128,)` MIDI pitches or, without octaves,
        `(12,)` pitch classes from C.
    """
    x = checked(windows)
    pitch = note_pitches(x)[note_onsets(x)]
    if octaves:
        return _shares(np.bincount(pitch, minlength=128))
    return _shares(np.bincount(pitch % 12, minlength=12))


def drum_histogram(windows: Any) -> Floats:
    """Return how hits are distributed over the nine drum classes, `(9,)`, summing to 1 or 0."""
    return _shares(drum_hits(checked(windows)).sum((0, 1)))


def onset_histogram(representation: str, windows: Any) -> Floats:
    """Return how onsets are distributed over the 16 positions of a bar, summing to 1 or 0."""
    x = checked(windows)
    counts = (drum_hits(x).sum(2) if representation == "drums" else note_onsets(x)).sum(0)
    return _shares(np.bincount(np.arange(x.shape[1]) % STEPS_PER_BAR, counts, STEPS_PER_BAR))


def velocity_histogram(windows: Any) -> Floats:
    """Return how hard the hits of performances `(n, steps, 27)` are, `(32,)`: 4 velocities each."""
    hits, velocity, _ = blocks(np.asarray(windows))
    return _shares(np.histogram(velocity[hits > 0.5] * 127, 32, (0, 128))[0])


def offset_histogram(windows: Any) -> Floats:
    """Return when the hits of performances `(n, steps, 27)` come, `(40,)`: from half a step late
    to half a step early."""
    hits, _, offset = blocks(np.asarray(windows))
    return _shares(np.histogram(offset[hits > 0.5], 40, (-1, 1))[0])


def jensen_shannon(p: Any, q: Any) -> float:
    """Return the Jensen-Shannon divergence of two histograms in bits, 0 (equal) to 1 (disjoint).

    Args:
        p: Weights, at least 0; they are normalised to sum to 1.
        q: As many weights.

    Raises:
        ValueError: The shapes differ, or a histogram is empty (sums to 0).
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if p.shape != q.shape:
        raise ValueError(f"histograms of shapes {p.shape} and {q.shape} cannot be compared")
    if not (p.sum() > 0 and q.sum() > 0):
        raise ValueError("an empty histogram cannot be compared")
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2

    def bits(a: Floats) -> float:
        some = a > 0
        return float((a[some] * np.log2(a[some] / middle[some])).sum())

    return min(max((bits(p) + bits(q)) / 2, 0.0), 1.0)


def _shares(counts: NDArray[Any]) -> Floats:
    return counts / max(counts.sum(), 1)
