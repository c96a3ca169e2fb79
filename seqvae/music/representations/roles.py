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
"""Programs from here on are percussion and sound effects, not melodies."""
SINGLE = 0.9
"""A line has at least this many onsets per note: it mostly plays one note at a time."""
LOW = 52
"""A line with a lower median pitch is not a tune; it may be the bass if there is no other."""

_BASS = re.compile(r"\bbass?\b|\bbassline\b", re.IGNORECASE)


class TrackFeatures(NamedTuple):
    """The features of an instrument that decide on its role.

    Attributes:
        number: Instrument number.
        by_program: Its role by its program; "" if that has none.
        by_name: Its role by its name; "" if that has none.
        line: Whether it mostly plays one note at a time.
        pitch: Its median pitch.
        tune: Whether it could be a melody, whatever its program: a line that is not low.
        coverage: In how many spans of two seconds it begins notes.
    """

    number: int
    by_program: str
    by_name: str
    line: bool
    pitch: float
    tune: bool
    coverage: int


def reference_roles(notes: Notes) -> dict[int, str]:
    """Return the role of each instrument of a piece that has one, by the reference's rules."""
    return {track.number: track.by_program for track in _tracks(notes, {}) if track.by_program}


@lru_cache(maxsize=1)  # it is called for every piece of a score
def roles(
    score: Score, named: bool = True, melodies: str = "either", relaxed: bool = False
) -> dict[int, str]:
    """Return the role of each instrument that has one, the likeliest melodies first.

    Tunes come before chords, and tracks that play through most of the music before others. Without
    a bass, the lowest line is the bass.

    Args:
        score: The whole music.
        named: A track's name decides before its program does.
        melodies: Which tracks may be the melody: "programs" 0..31, "lines" of any program that
            play one note at a time and are not low, or "either".
        relaxed: Without a melody, every pitched track that is not the bass is one.
    """
    tracks = _tracks(score.notes, score.names if named else {})
    found = {track.number: track.by_name for track in tracks if track.by_name}
    for track in sorted(tracks, key=lambda track: (not track.tune, -track.coverage)):
        if track.number in found:
            continue
        if track.by_program in (BASS, DRUMS):
            found[track.number] = track.by_program
        elif (track.tune and melodies != "programs") or (track.by_program and melodies != "lines"):
            found[track.number] = MELODY
    if BASS not in found.values():
        low = [
            t
            for t in tracks
            if t.line and t.pitch < LOW and not t.by_name and t.by_program != DRUMS
        ]
        lowest = min(low, key=lambda track: track.pitch, default=None)
        if lowest and MELODY in {kind for n, kind in found.items() if n != lowest.number}:
            found[lowest.number] = BASS
    if relaxed and MELODY not in found.values():
        found |= {track.number: MELODY for track in tracks if track.number not in found}
    return found


def _tracks(notes: Notes, names: Mapping[int, str]) -> list[TrackFeatures]:
    """Return the features of the instruments of some music.

    One whose program changes from one role to another, as in a NoteSequence, has no role.
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
        tune = line and pitch >= LOW and kind != DRUMS and notes.program[own].max() < EFFECTS
        name = NONE if kind == DRUMS else _by_name(names.get(number, ""))
        coverage = len(np.unique(starts // 2))
        found.append(TrackFeatures(number, kind, name, line, pitch, bool(tune), coverage))
    return found


def _by_name(name: str) -> str:
    bass = bool(_BASS.search(name)) and "drum" not in name.lower()
    if bass == is_tune(name):  # neither, or both: "Lead 8 (bass + lead)"
        return NONE
    return BASS if bass else MELODY
