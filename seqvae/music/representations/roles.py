"""Which track is the melody, which is the bass, which are the drums."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from seqvae.music.reading.score import Notes, Score
from seqvae.music.representations.windows import is_tune

MELODY, BASS, DRUMS, NONE = "melody", "bass", "drums", ""
KINDS = (NONE, MELODY, BASS, DRUMS)

MELODIES = ("either", "lines", "programs")
EFFECTS = 112
"""Programs from here on are percussion and noises, no melodies."""
SINGLE = 0.9
"""A line has at least so many onsets per note: it mostly plays one note at a time."""
LOW = 52
"""Middle pitch below which a line is no tune; it may be the bass if nothing else is."""

_BASS = re.compile(r"\bbass?\b|\bbassline\b", re.IGNORECASE)


class TrackFeatures(NamedTuple):
    """What decides on the role of an instrument.

    Attributes:
        number: Instrument number.
        kind: What its program says.
        named: What its name says.
        line: Whether it mostly plays one note at a time.
        pitch: Its middle pitch.
        tune: Whether it sings, whatever its program.
        spread: In how many stretches of two seconds it begins notes.
    """

    number: int
    kind: str
    named: str
    line: bool
    pitch: float
    tune: bool
    spread: int


def reference_roles(notes: Notes) -> dict[int, str]:
    """Return the role of each instrument of a piece that has one: what the reference says."""
    return {track.number: track.kind for track in _tracks(notes, {}) if track.kind}


@lru_cache(maxsize=1)  # it is asked for every piece of a score
def roles(
    score: Score, named: bool = True, melodies: str = "either", relaxed: bool = False
) -> dict[int, str]:
    """Return the role of each instrument that has one, the likeliest melodies first.

    Tunes come before chords, and what plays through most of the music before the rest. Without a
    bass the lowest line is the bass.

    Args:
        score: The whole music.
        named: The name of a track goes before its program.
        melodies: Which tracks may be the melody: "programs" 0..31, "lines" of any program that
            play one note at a time and not low, or "either".
        relaxed: Without a melody, every pitched track that is not the bass is one.
    """
    tracks = _tracks(score.notes, score.names if named else {})
    found = {track.number: track.named for track in tracks if track.named}
    for track in sorted(tracks, key=lambda track: (not track.tune, -track.spread)):
        if track.number in found:
            continue
        if track.kind in (BASS, DRUMS):
            found[track.number] = track.kind
        elif (track.tune and melodies != "programs") or (track.kind and melodies != "lines"):
            found[track.number] = MELODY
    if BASS not in found.values():
        low = [t for t in tracks if t.line and t.pitch < LOW and not t.named and t.kind != DRUMS]
        lowest = min(low, key=lambda track: track.pitch, default=None)
        if lowest and MELODY in {kind for n, kind in found.items() if n != lowest.number}:
            found[lowest.number] = BASS
    if relaxed and MELODY not in found.values():
        found |= {track.number: MELODY for track in tracks if track.number not in found}
    return found


def _tracks(notes: Notes, names: Mapping[int, str]) -> list[TrackFeatures]:
    """Look at the instruments of some music.

    One that changes from one role to another, as a NoteSequence may have it, has none.
    """
    kinds = np.where(notes.is_drum, KINDS.index(DRUMS), 0)
    kinds[~notes.is_drum & (notes.program < 32)] = KINDS.index(MELODY)
    kinds[~notes.is_drum & (notes.program >= 32) & (notes.program < 40)] = KINDS.index(BASS)
    found = []
    for number in np.unique(notes.instrument).tolist():
        own = notes.instrument == number
        codes, starts = np.unique(kinds[own]), notes.start[own]
        kind = KINDS[codes[0]] if len(codes) == 1 else NONE
        line = len(np.unique(starts)) >= SINGLE * len(starts)
        pitch = float(np.median(notes.pitch[own]))
        sings = line and pitch >= LOW and kind != DRUMS and notes.program[own].max() < EFFECTS
        name = NONE if kind == DRUMS else _by_name(names.get(number, ""))
        spread = len(np.unique(starts // 2))
        found.append(TrackFeatures(number, kind, name, line, pitch, bool(sings), spread))
    return found


def _by_name(name: str) -> str:
    bass = bool(_BASS.search(name)) and "drum" not in name.lower()
    if bass == is_tune(name):  # neither, or both: "Lead 8 (bass + lead)"
        return NONE
    return BASS if bass else MELODY
