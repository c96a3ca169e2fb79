"""Which track is the melody, which is the bass, which are the drums."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seqvae.codecs.windows import is_tune
from seqvae.score import Notes

MELODY, BASS, DRUMS = "melody", "bass", "drums"
MELODY_PROGRAMS, BASS_PROGRAMS = range(32), range(32, 40)
OTHER = ""
"""Of a track that is none of them."""

_BASS = re.compile(r"\bbass?\b|\bbassline\b", re.IGNORECASE)


@dataclass(frozen=True)
class Roles:
    """What each instrument of a piece is.

    Attributes:
        kinds: Instrument number -> `MELODY`, `BASS` or `DRUMS`; others are not in it.
    """

    kinds: dict[int, str]

    @classmethod
    def of(cls, notes: Notes, names: Mapping[int, str], any_melody: bool = False) -> Roles:
        """Look at the notes of a piece.

        An instrument that changes from one role to another, as a NoteSequence may have it, is
        none of them.

        Args:
            notes: With their programs.
            names: Instrument number -> track name; what a name says goes before the program.
            any_melody: Where no melody is found, take every pitched track that is no bass.
        """
        rows = np.unique(np.stack([notes.instrument, notes.program, notes.is_drum]), axis=1).T
        found: dict[int, set[str]] = {}
        for number, program, is_drum in rows.tolist():
            kind = DRUMS if is_drum else _by_name(names.get(number, "")) or _by_program(program)
            found.setdefault(number, set()).add(kind)
        single = {number: next(iter(kinds)) for number, kinds in found.items() if len(kinds) == 1}
        if any_melody and MELODY not in single.values():
            single = {number: kind or MELODY for number, kind in single.items()}
        return cls({number: kind for number, kind in single.items() if kind != OTHER})


def _by_name(name: str) -> str:
    if _BASS.search(name) and "drum" not in name.lower():
        return BASS
    return MELODY if is_tune(name) else OTHER


def _by_program(program: int) -> str:
    if program in MELODY_PROGRAMS:
        return MELODY
    return BASS if program in BASS_PROGRAMS else OTHER
