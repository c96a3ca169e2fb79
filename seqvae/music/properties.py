"""Measurable properties of music: what attribute vectors change and quality reports compare.

Everything works on windows of class indices, `(n, steps)`, as NumPy arrays or CPU tensors:
drums 0..511 (bit k is drum class k), melodies 0..89 (0 no event, 1 note off, 2..89 a note). Trios
are `(n, steps, 3)`: melody, bass, drums. A step is a 16th, a bar has 16, and a window begins at a
bar line.

A share of nothing is undefined: properties of a window without the notes that they speak of are
NaN, except densities, which are 0. The melodic ones follow MusicVAE (Roberts et al. 2018,
arXiv 1803.05428).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vaecore.codec import Codec

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

VOICES = ("melody", "bass", "drums")
"""Of a trio, in their order."""
STEPS_PER_BAR = 16
LOWEST_PITCH = 21
"""MIDI pitch of melody class 2; the highest, 108, is class 89."""

_FIRST_NOTE = 2
_KICK, _SNARE, _CLOSED, _OPEN, _LOW_TOM, _HIGH_TOM, _CRASH, _RIDE = 0, 1, 2, 3, 4, 6, 7, 8
_DRUMS = 9
_C_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))


@dataclass(frozen=True)
class Property:
    """One measurable property.

    Attributes:
        description: What it tells, in one line.
        unit: Its unit.
        of: Class indices `(n, steps)`, of trios `(n, steps, 3)` -> values `(n,)`.
        total: It is the sum of other properties, so nothing can change it and leave them alone.
    """

    description: str
    unit: str
    of: Callable[[NDArray[np.int64]], Floats]
    total: bool = False


def measure(representation: str, windows: Any) -> dict[str, Floats]:
    """Measure every property of windows.

    Args:
        representation: "drums", "groove", "melody" or "trio".
        windows: Class indices, `(n, steps)` or `(n, steps, 3)`; of performances `(n, steps, 27)`.

    Returns:
        Name of property -> values `(n,)`; NaN where it is undefined.
    """
    if representation == "groove":
        x = np.asarray(windows)
    else:
        x = checked(windows, len(VOICES) if representation == "trio" else 1)
    return {name: prop.of(x) for name, prop in _properties(representation).items()}


def of_codec(codec: Codec) -> dict[str, Property]:
    """Return what can be measured of a codec's examples: its own properties, or those of its name.

    Raises:
        ValueError: Nothing is known of its representation.
    """
    own = getattr(codec, "properties", None)
    return _properties(codec.name) if own is None else own()


def _properties(representation: str) -> dict[str, Property]:
    if representation == "groove":
        module = "seqvae.music.representations.groove.properties"  # which takes some from here
        return import_module(module).PROPERTIES
    if representation not in PROPERTIES:
        known = ", ".join(PROPERTIES)
        raise ValueError(f"no properties for the representation {representation!r}, only {known}")
    return PROPERTIES[representation]


def checked(windows: Any, voices: int = 1) -> NDArray[np.int64]:
    """Return windows as an array, `(n, steps)` or of several voices `(n, steps, voices)`.

    Raises:
        ValueError: They are not integers of this shape.
    """
    x, inner = np.asarray(windows), (voices,) if voices > 1 else ()
    if x.ndim != 2 + len(inner) or x.shape[2:] != inner or x.dtype.kind not in "iu":
        shape = f"(n, steps, {voices})" if inner else "(n, steps)"
        raise ValueError(f"expected integers {shape}, got {x.dtype} {x.shape}")
    return x.astype(np.int64)


def _share(part: Bools, whole: Bools) -> Floats:
    """Return how many of the whole are in the part, `(n, ...)` -> `(n,)`, NaN of nothing."""
    axes = tuple(range(1, whole.ndim))
    count = whole.sum(axes).astype(np.float64)
    count[count == 0] = np.nan
    return (part & whole).sum(axes) / count


def _position(x: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(x.shape[1]) % STEPS_PER_BAR


def _syncopated(onsets: Bools, grid: int) -> Bools:
    """Return the onsets on an odd position of a grid, with none on the position before.

    Args:
        onsets: `(n, steps)`.
        grid: Steps between positions: 1 for 16ths, 2 for 8ths.
    """
    before = np.zeros_like(onsets)
    before[:, grid:] = onsets[:, :-grid]
    odd = np.arange(onsets.shape[1]) % (2 * grid) == grid
    return onsets & ~before & odd


# --- melody -------------------------------------------------------------------------------------


def _repetition(events: Bools) -> Floats:
    """Return how far bars repeat the bar before, `(n, steps, ...)` -> `(n,)`.

    Twice the events at the same place in both bars as a share of the events of both (the F1 of
    one bar as a prediction of the next).
    """
    count = events.shape[1] // STEPS_PER_BAR
    bars = events[:, : count * STEPS_PER_BAR].reshape(
        len(events), count, STEPS_PER_BAR, *events.shape[2:]
    )
    same = bars[:, 1:] & bars[:, :-1]
    inner = tuple(range(1, bars.ndim))
    both = bars[:, 1:].sum(inner) + bars[:, :-1].sum(inner)
    return 2 * same.sum(inner) / np.where(both, both, np.nan)


def note_onsets(x: NDArray[np.int64]) -> Bools:
    """Return where notes of a melody begin."""
    return x >= _FIRST_NOTE


def note_pitches(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the MIDI pitch of every class of a melody that is a note."""
    return x - _FIRST_NOTE + LOWEST_PITCH


def _pitch_range(x: NDArray[np.int64]) -> Floats:
    onsets, pitch = note_onsets(x), note_pitches(x)
    highest = np.where(onsets, pitch, -1).max(1)
    lowest = np.where(onsets, pitch, 128).min(1)
    return np.where(highest >= lowest, highest - lowest, np.nan)


def _average_pitch(x: NDArray[np.int64]) -> Floats:
    return _mean(note_pitches(x), note_onsets(x))


def _average_interval(x: NDArray[np.int64]) -> Floats:
    onsets = note_onsets(x)
    latest = np.maximum.accumulate(np.where(onsets, np.arange(x.shape[1]), -1), axis=1)
    before = np.concatenate([np.full((len(x), 1), -1), latest[:, :-1]], axis=1)
    pitch = note_pitches(x)
    step = np.abs(pitch - np.take_along_axis(pitch, np.maximum(before, 0), axis=1))
    return _mean(step, onsets & (before >= 0))


def _mean(values: NDArray[np.int64], where: Bools) -> Floats:
    count = where.sum(1).astype(np.float64)
    count[count == 0] = np.nan
    return np.where(where, values, 0).sum(1) / count


# --- drums --------------------------------------------------------------------------------------


def drum_hits(x: NDArray[np.int64]) -> Bools:
    """Return which of the nine classes are hit, `(n, steps, 9)`."""
    return (x[..., None] >> np.arange(_DRUMS) & 1).astype(bool)


def _density(*drums: int) -> Callable[[NDArray[np.int64]], Floats]:
    return lambda x: drum_hits(x)[..., list(drums)].sum((1, 2)) / x.shape[1]


def _drum_syncopation(x: NDArray[np.int64]) -> Floats:
    hits = drum_hits(x)[..., [_KICK, _SNARE]]
    syncopated = np.stack([_syncopated(hits[..., k], 1) for k in range(2)], axis=-1)
    return _share(syncopated, hits)


def _offbeat(x: NDArray[np.int64]) -> Floats:
    return _share((_position(x) % 4 == 2)[None, :, None], drum_hits(x))


def _backbeat(x: NDArray[np.int64]) -> Floats:
    return _share(np.isin(_position(x), (4, 12))[None], drum_hits(x)[..., _SNARE])


PROPERTIES: dict[str, dict[str, Property]] = {
    "melody": {
        "note_density": Property(
            "notes per 16th", "notes per step", lambda x: note_onsets(x).mean(1)
        ),
        "syncopation": Property(
            "notes on an odd 16th with none on the 16th before",
            "share of notes",
            lambda x: _share(_syncopated(note_onsets(x), 1), note_onsets(x)),
        ),
        "syncopation_8th": Property(
            "notes on an odd 8th with none on the 8th before",
            "share of notes",
            lambda x: _share(_syncopated(note_onsets(x), 2), note_onsets(x)),
        ),
        "repetition": Property(
            "notes struck at the same place in one bar and the next",
            "share of notes",
            lambda x: _repetition(note_onsets(x)),
        ),
        "pitch_range": Property("highest less lowest note", "semitones", _pitch_range),
        "average_interval": Property(
            "mean distance between successive notes", "semitones", _average_interval
        ),
        "average_pitch": Property("mean pitch", "MIDI pitch", _average_pitch),
        "in_c_major": Property(
            "notes of the C major scale",
            "share of notes",
            lambda x: _share(_C_MAJOR[note_pitches(x) % 12], note_onsets(x)),
        ),
    },
    "drums": {
        "note_density": Property(
            "hits per 16th", "hits per step", _density(*range(_DRUMS)), total=True
        ),
        "syncopation": Property(
            "kicks and snares on an odd 16th with none of the same on the 16th before",
            "share of kicks and snares",
            _drum_syncopation,
        ),
        "kick_density": Property("kicks per 16th", "hits per step", _density(_KICK)),
        "snare_density": Property("snares per 16th", "hits per step", _density(_SNARE)),
        "hat_density": Property(
            "closed and open hi-hats per 16th", "hits per step", _density(_CLOSED, _OPEN)
        ),
        "tom_density": Property(
            "toms per 16th", "hits per step", _density(*range(_LOW_TOM, _HIGH_TOM + 1))
        ),
        "cymbal_density": Property(
            "crashes and rides per 16th", "hits per step", _density(_CRASH, _RIDE)
        ),
        "offbeat": Property("hits on the 8ths between the beats", "share of hits", _offbeat),
        "repetition": Property(
            "hits that come back at the same place in the next bar",
            "share of hits",
            lambda x: _repetition(drum_hits(x)),
        ),
        "backbeat": Property("snares on beats 2 and 4", "share of snares", _backbeat),
    },
}
"""Representation -> name -> property."""

_OF_A_BASS = ("note_density", "average_pitch")
_OF_DRUMS = tuple(name for name in PROPERTIES["drums"] if name.endswith("density"))

PROPERTIES["trio"] = {
    f"{voice}_{name}": replace(
        prop,
        description=f"{voice}: {prop.description}",
        of=lambda x, prop=prop, column=column: prop.of(x[..., column]),
    )
    for column, (voice, properties, names) in enumerate(
        (
            ("melody", PROPERTIES["melody"], tuple(PROPERTIES["melody"])),
            ("bass", PROPERTIES["melody"], _OF_A_BASS),
            ("drums", PROPERTIES["drums"], _OF_DRUMS),
        )
    )
    for name, prop in properties.items()
    if name in names
}
