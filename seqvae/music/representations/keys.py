"""Keys and scales: what key notes are in, how to bring music into one key, which notes a scale has.

Keys are found after Krumhansl and Kessler (Tracing the dynamic changes in perceived tonal
organization, 1982): the one of the 24 whose profile goes best with how often notes begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vaecore.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from seqvae.music.representations.alphabet import Alphabet
    from seqvae.music.representations.base import SequenceCodec
    from seqvae.music.representations.measuring import Floats, Ints

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
}
"""Name to semitones above the tonic."""
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
CLASH = 0.9
"""Music of which less than this share is in the scale of other music clashes with it."""
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_PROFILES = np.array(
    [
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ]
)
"""Of major and of minor."""

Voices = Iterable[tuple[str, "Alphabet", "Ints"]]
"""As `SequenceCodec.by_voice` gives them."""


def pitch_classes(voices: Voices) -> Floats:
    """Return how many notes begin in each pitch class, C first, `(12,)`."""
    found = np.zeros(12)
    for _, alphabet, x in voices:
        found += alphabet.pitch_classes(x)
    return found


def key(count: Floats) -> tuple[int, str]:
    """Return the tonic 0..11 and "major" or "minor" of notes, given as `pitch_classes`."""
    fits = np.zeros((12, 2))
    for tonic in range(12):
        for mode, profile in enumerate(_PROFILES):
            if count.std():
                fits[tonic, mode] = np.corrcoef(np.roll(profile, tonic), count)[0, 1]
    tonic, mode = divmod(int(fits.argmax()), 2)
    return tonic, ("major", "minor")[mode]


def scale(tonic: int, name: str) -> NDArray[np.bool_]:
    """Return which pitch classes a scale has, `(12,)`."""
    found = np.zeros(12, bool)
    found[[(tonic + degree) % 12 for degree in SCALES[name]]] = True
    return found


def named(text: str) -> NDArray[np.bool_]:
    """Return which pitch classes the scale of a name has: "C major", "F# dorian", "Am", "Bb".

    Raises:
        UsageError: There is no such scale.
    """
    match = re.fullmatch(r"([A-Ga-g])([#b♯♭]?)\s*(.*)", text.strip())
    kind = " ".join(match[3].lower().split()) if match else ""
    kind = {"": "major", "m": "minor", "min": "minor", "maj": "major"}.get(kind, kind)
    if match is None or kind not in SCALES:
        kinds = ", ".join(SCALES)
        raise UsageError(
            f"no scale {text!r}; name a tonic and one of {kinds}, such as 'A minor', or keep"
        )
    move = {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(match[2], 0)
    return scale((_STEPS[match[1].lower()] + move) % 12, kind)


def shifts(counts: Sequence[Floats]) -> list[int]:
    """Return by how many semitones to move music to the key of the first, -5..6 each.

    0 for what does not clash with it. Others are moved to where most of their notes are in its
    scale, the shortest way of those that are as good.

    Args:
        counts: `pitch_classes` of each.
    """
    home = scale(*key(counts[0]))
    found = [0]
    for count in counts[1:]:
        # count[p] of a note at p is moved to p + semitones.
        fits = {move: float((count * np.roll(home, -move)).sum()) for move in range(-5, 7)}
        clashes = fits[0] < CLASH * count.sum()
        found.append(max(fits, key=lambda m: (fits[m], -abs(m), m)) if clashes else 0)
    return found


def name(count: Floats) -> str:
    """Return the name of the key of notes, given as `pitch_classes`: "A minor"."""
    tonic, mode = key(count)
    return f"{TONICS[tonic]} {mode}"


def allowed(limit: str, counts: Sequence[Floats]) -> NDArray[np.bool_]:
    """Return the pitch classes of a scale, `(12,)`.

    Args:
        limit: Its name, see `named`; "keep" for all scales of the inputs together.
        counts: `pitch_classes` of the inputs.
    """
    if limit != "keep":
        return named(limit)
    found = np.zeros(12, bool)
    for count in counts:
        found |= scale(*key(count))
    return found if found.any() else ~found


def moved(codec: SequenceCodec, x: Tensor, semitones: int) -> Tensor:
    """Return a window transposed; a voice that would leave its range goes an octave back.

    Args:
        codec: The window's codec.
        x: `(*codec.shape)`.
        semitones: How far up.
    """
    if not semitones:
        return x.clone()
    if isinstance(codec.classes, int):
        return codec.voices[0][1].transposed(x, semitones, codec.classes)
    found = x.clone()
    for column, ((_, alphabet), classes) in enumerate(
        zip(codec.voices, codec.classes, strict=True)
    ):
        found[..., column] = alphabet.transposed(x[..., column], semitones, classes)
    return found


def banned(codec: SequenceCodec, limit: str, x: Tensor) -> list[list[int]]:
    """Return for each voice the classes that a scale forbids.

    Args:
        codec: The voices.
        limit: See `allowed`.
        x: The inputs, `(n, *codec.shape)`.

    Raises:
        UsageError: There is no such scale, or no voice has pitches.
    """
    if not any(alphabet.pitched for _, alphabet in codec.voices):
        raise UsageError(f"--scale is for music with pitches, not for {codec.title or codec.name}")
    fits = allowed(limit, [pitch_classes(codec.by_voice(row[None].numpy())) for row in x])
    counts = codec.classes if isinstance(codec.classes, tuple) else (codec.classes,)
    voices = zip(codec.voices, counts, strict=True)
    return [alphabet.outside(fits, classes) for (_, alphabet), classes in voices]
