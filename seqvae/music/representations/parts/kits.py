"""Drum maps: which drum each key of a kit plays."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqvae.music.representations.alphabet import CLASS_OF_PITCH, DRUM_CLASSES, DRUM_PITCHES
from vaecore.errors import DataError, UsageError
from vaecore.reading import DRUM_MAP, read_yaml

_SIZE = 64_000
"""Bytes that a file of a drum map may have."""
_NOTES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NOTE = re.compile(r"([A-G])([#b]?)(-?\d)", re.IGNORECASE)
_ALIASES = {
    "bass drum": "kick",
    "snare drum": "snare",
    "hat": "closed hi-hat",
    "hi-hat": "closed hi-hat",
    "closed hat": "closed hi-hat",
    "open hat": "open hi-hat",
    "floor tom": "low tom",
    "cymbal": "crash",
}


@dataclass(frozen=True, eq=False)
class Kit:
    """A drum map.

    Attributes:
        name: Its name, or that of its file.
        general: The General MIDI key of every key, int64 `(128,)`; -1 where no drum is.
    """

    name: str
    general: np.ndarray

    def key(self, drum: int) -> int | None:
        """Return the lowest key that plays a drum class, None if there is none."""
        there = np.flatnonzero(self.general >= 0)
        keys = there[CLASS_OF_PITCH[self.general[there]] == drum]
        return int(keys[0]) if len(keys) else None


# Keys whose drum is another one than in General MIDI.
_KITS: Mapping[str, Mapping[int, int]] = {
    "general_midi": {},
    # TD modules: edges of the hi-hat and the cymbals, rims of the snare and the toms.
    "roland": {22: 42, 26: 46, 40: 38, 48: 50, 45: 47, 43: 43, 58: 43, 55: 49, 52: 57, 59: 51},
    # Nitro, Command, DM: 23 is the half-open hi-hat, 21 its splash.
    "alesis": {23: 46, 21: 46, 40: 38, 48: 50, 45: 47, 43: 43, 41: 41},
    # Drum racks from C1, which is key 36: toms at F, G and A, congas at B, C and D.
    "ableton": {41: 41, 43: 47, 45: 50, 47: 64, 48: 63, 50: 62},
}
KITS = tuple(_KITS)


def kit(name: str | Path) -> Kit:
    """Return a drum map: "general_midi", "roland", "alesis" or "ableton", or that of a YAML file.

    Such a file has one line for each key, `36: kick` or `C2: kick`; C4 is key 60, or `middle_c: C3`
    says otherwise. Drums are kick, snare, closed hi-hat, open hi-hat, low tom, mid tom, high tom,
    crash and ride, or keys of General MIDI. Keys without a line are left out.

    Raises:
        UsageError: There is no such map or file.
        DataError: The file is no drum map.
    """
    text = str(name)
    known = text.lower().replace("-", "_").replace(" ", "_")
    known = "general_midi" if known in ("gm", "midi", "general") else known
    if known in _KITS:
        general = np.arange(128)
        for key, drum in _KITS[known].items():
            general[key] = drum
        return Kit(known, general)
    path = Path(text)
    if not os.path.exists(path):
        names = ", ".join(KITS)
        raise UsageError(f"--drum-map {text}: neither a file nor one of {names}")
    return Kit(path.name, _read(path))


def _read(path: Path) -> np.ndarray:
    table, remedy = read_yaml(path, DRUM_MAP), DRUM_MAP.remedy
    middle = table.pop("middle_c", "C4")
    octave = {"C3": 3, "C4": 4, "C5": 5}.get(str(middle).upper())
    if octave is None:
        raise DataError(f"middle_c is {middle!r}", path=path, remedy="choose C3, C4 or C5")
    general = np.full(128, -1)
    for key, drum in table.items():
        pitch, sound = _key(key, octave), _drum(drum)
        if pitch is None or sound is None:
            raise DataError(f"has the line {key}: {drum}", path=path, remedy=remedy)
        general[pitch] = sound
    return general


def _key(key: Any, middle: int) -> int | None:
    """Return the MIDI key of a number or a note's name, None if it is neither."""
    if isinstance(key, int) and not isinstance(key, bool):
        return key if 0 <= key < 128 else None
    match = _NOTE.fullmatch(str(key).strip())
    if match is None:
        return None
    letter, sign, octave = match.groups()
    shift = {"#": 1, "b": -1}.get(sign.lower(), 0)
    pitch = 60 + _NOTES[letter.upper()] + shift + 12 * (int(octave) - middle)
    return pitch if 0 <= pitch < 128 else None


def _drum(drum: Any) -> int | None:
    """Return the General MIDI key of a drum's name or key, None if there is none."""
    if isinstance(drum, int) and not isinstance(drum, bool):
        return drum if 0 <= drum < 128 and CLASS_OF_PITCH[drum] >= 0 else None
    name = str(drum).strip().lower().replace("_", " ").replace("hihat", "hi-hat")
    name = _ALIASES.get(name, name)
    names = [each for each, _ in DRUM_CLASSES]
    return DRUM_PITCHES[names.index(name)] if name in names else None
